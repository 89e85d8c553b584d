//! Requests by HTTP that services make to programs and sites outside.

use std::fmt;

use crosstalk_core::Redacted;

/// A request by HTTP. `Debug` shows its method only: all else may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Headers beside those that every request has, their names in lower case.
    pub headers: Vec<(&'static str, Redacted<String>)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Method of a [`Request`] (RFC 9110, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// An address by HTTP. `Debug` shows nothing: it may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(pub String);

/// Reason why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It took too long.
    Timeout,
    /// It could not be reached, so that it got nothing.
    Unreachable,
    /// It broke off, or spoke no HTTP: it may have got the request.
    Broken,
    /// It was more than is read.
    TooLarge,
    /// The gateway looks up too much at the moment.
    Busy,
}

impl Request {
    /// A request for what is at `url`.
    #[must_use]
    pub const fn get(url: Url) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: Vec::new() }
    }

    /// A request that `json` is taken by what is at `url`.
    #[must_use]
    pub fn post(url: Url, json: Vec<u8>) -> Self {
        let headers = vec![("content-type", Redacted::from("application/json".to_owned()))];
        Self { method: Method::Post, url, headers, body: json }
    }

    /// The request with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Redacted<String>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// `text` as part of an address (RFC 3986, 2.1).
pub(crate) fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.method).finish()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[address]")
    }
}
