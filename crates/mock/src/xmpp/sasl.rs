//! SASL (RFC 4422): PLAIN (RFC 4616), for either end.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crosstalk_core::Private;

/// The mechanism PLAIN.
pub(super) const PLAIN: &str = "PLAIN";
/// What servers offer, the best first.
pub(super) const MECHANISMS: [&str; 1] = [PLAIN];

/// Bytes as they stand in XML.
pub(super) fn encode(bytes: &[u8]) -> String {
    if bytes.is_empty() { "=".into() } else { BASE64_STANDARD.encode(bytes) }
}

/// Bytes out of XML; none where they make no sense.
pub(super) fn decode(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text.trim()).unwrap_or_default()
}

/// What a client says with PLAIN.
pub(super) fn plain(local: &str, password: &str) -> Vec<u8> {
    format!("\0{local}\0{password}").into_bytes()
}

/// The user whom PLAIN proves.
pub(super) fn check_plain(
    said: &[u8],
    password: impl FnOnce(&str) -> Option<Private<String>>,
) -> Option<String> {
    let said = std::str::from_utf8(said).ok()?;
    let mut parts = said.split('\0');
    let (_authzid, local, given) = (parts.next()?, parts.next()?, parts.next()?);
    (password(local)?.expose() == given).then(|| local.to_owned())
}
