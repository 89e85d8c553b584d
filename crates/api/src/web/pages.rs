//! The files of the chat page, which are part of the program.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::body::Path;
use crate::http::problem::Problem;

/// Scripts and styles are files of the page and never text in it, so that nothing that people write
/// can become one; it talks to the gateway and nobody else, and nobody shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Files that the page consists of.
macro_rules! files {
    ($($name:literal: $media_type:expr,)*) => {
        const FILES: &[(&str, &str, &str)] =
            &[$(($name, $media_type, include_str!(concat!("../../web/", $name)))),*];
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

files! {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "main.js": SCRIPT,
    "chat.js": SCRIPT,
    "calls.js": SCRIPT,
    "events.js": SCRIPT,
    "history.js": SCRIPT,
    "door.js": SCRIPT,
    "people.js": SCRIPT,
    "conversation.js": SCRIPT,
    "saying.js": SCRIPT,
    "words.js": SCRIPT,
    "passkeys.js": SCRIPT,
    "nodes.js": SCRIPT,
}

/// Gives the page itself.
pub(super) async fn index() -> Result<Response, Problem> {
    served("index.html")
}

/// Gives one of its files.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    served(&name)
}

fn served(name: &str) -> Result<Response, Problem> {
    let file = FILES.iter().find(|(file, ..)| *file == name);
    let (_, media_type, text) =
        file.ok_or_else(|| Problem::not_found("the page is at /web/, and has no such file"))?;
    let mut response = text.into_response();
    let headers: &mut HeaderMap = response.headers_mut();
    let lines: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // After an upgrade nobody has half of the old page.
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in lines {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
