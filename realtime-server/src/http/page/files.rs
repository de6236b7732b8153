use crate::http::answer::{Answer, with_type};
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};

/// A file of the page.
#[derive(Debug)]
pub(in crate::http) struct PageFile {
    pub(super) path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static FILES: [PageFile; 11] = [
    PageFile::new("/", HTML, include_str!("../../page/index.html")),
    PageFile::new("/page/page.css", CSS, include_str!("../../page/page.css")),
    PageFile::new("/page/icon.svg", SVG, include_str!("../../page/icon.svg")),
    PageFile::new("/page/main.js", SCRIPT, include_str!("../../page/main.js")),
    PageFile::new("/page/api.js", SCRIPT, include_str!("../../page/api.js")),
    PageFile::new("/page/channels.js", SCRIPT, include_str!("../../page/channels.js")),
    PageFile::new("/page/connection.js", SCRIPT, include_str!("../../page/connection.js")),
    PageFile::new("/page/console.js", SCRIPT, include_str!("../../page/console.js")),
    PageFile::new("/page/dom.js", SCRIPT, include_str!("../../page/dom.js")),
    PageFile::new("/page/rates.js", SCRIPT, include_str!("../../page/rates.js")),
    PageFile::new("/page/snippets.js", SCRIPT, include_str!("../../page/snippets.js")),
];

/// Nothing but the page's own files runs in it or is asked by it, and nobody else shows it or learns that it was open.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

impl PageFile {
    const fn new(path: &'static str, content_type: &'static str, content: &'static str) -> Self {
        Self { path, content_type, content }
    }

    /// The file at `path`, if there is one.
    pub(super) fn at(path: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.path == path)
    }

    pub(super) fn answer(&self) -> Answer {
        let mut answer = with_type(HeaderValue::from_static(self.content_type), self.content);
        answer.headers_mut().extend(HEADERS);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_no_inline_script_or_style_and_names_no_other_host() {
        let [page, ..] = &FILES;
        for forbidden in ["<style", " style=", "<script>", "javascript:", "http:", "https:"] {
            assert!(!page.content.contains(forbidden), "{forbidden}");
        }
        let is_handler = |word: &str| word.starts_with("on") && word.contains('=');
        assert!(!page.content.split_whitespace().any(is_handler));
    }

    #[test]
    fn every_file_that_another_one_names_is_served() {
        let mut named = 0;
        for file in &FILES {
            for name in file
                .content
                .split(['"', '\''])
                .filter(|text| text.starts_with("./") || text.starts_with("page/"))
            {
                let path = format!("/page/{}", name.trim_start_matches("./").trim_start_matches("page/"));
                if path.ends_with(".js") || path.ends_with(".css") || path.ends_with(".svg") {
                    assert!(PageFile::at(&path).is_some(), "{} names {path}", file.path);
                    named += 1;
                }
            }
        }
        assert!(named >= FILES.len() - 1, "{named}");
    }
}
