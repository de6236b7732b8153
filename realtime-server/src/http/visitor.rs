use super::answer::{Answer, Refusal};
use super::demo::Reach;
use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use realtime_smol::OriginPolicy;
use std::net::IpAddr;

/// Whoever calls an endpoint of the demo.
///
/// Any page that a browser shows can post to this machine's loopback address. Those that come from elsewhere
/// must not, or they would speak to whoever tries the demo; and a page from elsewhere can give itself, in the
/// `Host` header, the name of this machine. So at a loopback address only pages of this machine are admitted,
/// by the name they really have: their `Origin`. Elsewhere, pages of the gateway itself are too. A request
/// without `Origin` does not come from a page.
pub(super) struct Visitor<'a> {
    origin: Option<&'a HeaderValue>,
    wanted_headers: Option<&'a HeaderValue>,
}

impl<'a> Visitor<'a> {
    /// # Errors
    /// 403: the page comes from elsewhere.
    pub(super) fn admit(head: &'a Parts, reach: Reach) -> Result<Self, Refusal> {
        let headers = &head.headers;
        let origin = headers.get(ORIGIN);
        if let Some(origin) = origin
            && !is_admitted(origin, headers, reach)
        {
            return Err(from_elsewhere());
        }
        Ok(Self { origin, wanted_headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS) })
    }

    /// Admits whoever may also read what is for pages of the gateway alone: as a browser does not say where a page comes
    /// from that reads from there, `Host` has to tell.
    ///
    /// # Errors
    /// 403: the page comes from elsewhere.
    pub(super) fn admit_reader(head: &Parts, reach: Reach) -> Result<(), Refusal> {
        Visitor::admit(head, reach)?;
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        match reach {
            Reach::Loopback if host.is_none_or(|host| !is_of_this_machine(host)) => Err(from_elsewhere()),
            Reach::Loopback | Reach::Network => Ok(()),
        }
    }

    /// The answer to a browser that asks whether a page may post.
    pub(super) fn preflight(&self) -> Answer {
        let mut answer = self.readable(Answer::default());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(wanted) = self.wanted_headers {
            // Whatever they are, they grant nothing here.
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        answer
    }

    /// `answer`, which the page may read.
    pub(super) fn readable(&self, mut answer: Answer) -> Answer {
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        answer
    }
}

fn from_elsewhere() -> Refusal {
    let reason = "the demo takes requests from pages of this machine only: open it at localhost or 127.0.0.1";
    Refusal::new(StatusCode::FORBIDDEN, reason)
}

fn is_admitted(origin: &HeaderValue, headers: &HeaderMap, reach: Reach) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    is_of_this_machine(origin)
        || match reach {
            Reach::Loopback => false,
            Reach::Network => {
                let host = headers.get(HOST).and_then(|host| host.to_str().ok());
                host.is_some_and(|host| OriginPolicy::SameOrigin.allows(origin, host))
            }
        }
}

/// Whether an origin, or a host with or without a port, is this machine by its name.
pub(super) fn is_of_this_machine(address: &str) -> bool {
    let Ok(address) = address.parse::<hyper::Uri>() else { return false };
    let host = address.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_admitted_at(origin: &str, host: &str, reach: Reach) -> bool {
        let (parts, ()) = hyper::Request::builder()
            .header(ORIGIN, origin)
            .header(HOST, host)
            .body(())
            .expect("the test gives valid headers")
            .into_parts();
        Visitor::admit(&parts, reach).is_ok()
    }

    #[test]
    fn pages_of_this_machine_are_admitted() {
        for origin in [
            "http://localhost:3000",
            "https://localhost",
            "http://app.localhost:8000",
            "http://127.0.0.1:8080",
            "http://127.8.8.8",
            "http://[::1]:5173",
        ] {
            for reach in [Reach::Loopback, Reach::Network] {
                assert!(is_admitted_at(origin, "127.0.0.1:8080", reach), "{origin}");
            }
        }
    }

    #[test]
    fn pages_from_elsewhere_are_not_admitted() {
        for origin in [
            "http://example.com",
            "null",
            "",
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://127.0.0.1.example.com",
            "http://192.0.2.1:8080",
            "file://",
            "http://user@example.com",
        ] {
            for reach in [Reach::Loopback, Reach::Network] {
                assert!(!is_admitted_at(origin, "127.0.0.1:8080", reach), "{origin}");
            }
        }
    }

    #[test]
    fn a_page_from_elsewhere_does_not_become_ours_by_a_host_name_that_leads_here() {
        assert!(!is_admitted_at("http://evil.test:8080", "evil.test:8080", Reach::Loopback));
        assert!(is_admitted_at("http://gateway.test:8080", "gateway.test:8080", Reach::Network));
    }

    #[test]
    fn a_page_from_elsewhere_cannot_read_by_a_host_name_that_leads_here() {
        for (host, reach, is_admitted) in [
            ("127.0.0.1:8080", Reach::Loopback, true),
            ("localhost", Reach::Loopback, true),
            ("[::1]:8080", Reach::Loopback, true),
            ("evil.test:8080", Reach::Loopback, false),
            ("", Reach::Loopback, false),
            ("gateway.test:8080", Reach::Network, true),
        ] {
            let request = hyper::Request::builder().header(HOST, host).body(());
            let (parts, ()) = request.expect("the test gives valid headers").into_parts();
            assert_eq!(Visitor::admit_reader(&parts, reach).is_ok(), is_admitted, "{host}");
        }
    }

    #[test]
    fn who_sends_no_origin_is_no_page() {
        let (parts, ()) = hyper::Request::new(()).into_parts();
        assert!(Visitor::admit(&parts, Reach::Loopback).is_ok());
    }
}
