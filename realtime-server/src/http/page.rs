use super::answer::{Answer, Refusal, with_type};
use super::demo::DemoSite;
use crate::startup;
use hyper::Method;
use hyper::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use realtime_core::pusher::App;
use std::net::SocketAddr;

const PAGE: &str = include_str!("../page/index.html");

/// The page as it is served for `app` at `address`.
pub(super) fn render(app: &App, address: SocketAddr) -> String {
    let values = [
        ("{{app_id}}", escaped(&app.id)),
        ("{{app_key}}", escaped(&app.key)),
        ("{{curl}}", escaped(&startup::curl(address))),
    ];
    values.iter().fold(PAGE.to_owned(), |page, (placeholder, value)| page.replace(placeholder, value))
}

pub(super) fn answer(method: &Method, site: &DemoSite) -> Result<Answer, Refusal> {
    match *method {
        Method::GET | Method::HEAD => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            let mut answer = with_type(html, site.page.clone());
            answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            answer.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            Ok(answer)
        }
        _ => Err(Refusal::method(method, "GET, HEAD")),
    }
}

/// `text` as HTML writes it, in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use realtime_core::pusher::Secret;

    #[test]
    fn all_places_of_the_page_are_filled_and_no_value_becomes_markup() {
        let app = App { id: "<b>".into(), key: "a\"&'".into(), secret: Secret::new("secret") };
        let page = render(&app, SocketAddr::from(([127, 0, 0, 1], 8080)));
        assert!(!page.contains("{{"), "a placeholder is left");
        assert!(page.contains("&lt;b&gt;") && page.contains("a&quot;&amp;&#39;"));
        assert!(page.contains("http://127.0.0.1:8080/demo/publish"));
        assert!(!page.contains("secret\""), "the page must not know the secret");
    }
}
