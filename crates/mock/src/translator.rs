//! A translator with `LibreTranslate`'s API: everything is French, and means "Hello".

use std::net::SocketAddr;

use crate::http_answers::{HttpAnswers, Script};

/// Reply of POST /translate (version 1.6) with a language that is to be detected.
const HELLO: &str =
    r#"{"detectedLanguage":{"confidence":92.0,"language":"fr"},"translatedText":"Hello"}"#;
/// A server that translates, which ends when it is dropped.
pub struct Translator {
    /// Address of its API.
    pub addr: SocketAddr,
    _server: HttpAnswers,
}

impl Translator {
    /// Starts one at a free port of this machine.
    pub async fn start() -> std::io::Result<Self> {
        let server = HttpAnswers::start(SCRIPT).await?;
        Ok(Self { addr: server.addr, _server: server })
    }
}

/// Answers to POST, whose body is one JSON object.
const SCRIPT: Script = Script { end: b"}", answer };

fn answer(request: &[u8]) -> (&'static str, &'static str) {
    if request.starts_with(b"POST /translate HTTP/1.1\r\n") {
        ("200 OK", HELLO)
    } else {
        ("404 Not Found", r#"{"error":"not found"}"#)
    }
}
