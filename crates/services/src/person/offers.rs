//! Sources that the operator of a gateway lets services use.

use crosstalk_core::Redacted;

/// Sources that the operator of a gateway lets services use.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Last.fm's API 2.0, with the operator's key.
    pub lastfm: Option<Endpoint>,
    /// The root of `ListenBrainz`' API 1.
    pub listenbrainz: Option<String>,
    /// Who is to be named for where addresses are, if that is known.
    pub locations: Option<String>,
}

/// An API with a key.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// The operator's key.
    pub key: Redacted<String>,
}

/// `text` as part of an address (RFC 3986, 2.1).
pub(super) fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
