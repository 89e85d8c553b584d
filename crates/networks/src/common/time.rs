//! Moments as protocols write them in XML.

use std::time::{Duration, UNIX_EPOCH};

use crosstalk_core::UnixMillis;

/// A moment by RFC 3339 (XEP-0082, `xsd:dateTime`), to the second.
pub(crate) fn timestamp(time: UnixMillis) -> String {
    let time = Duration::from_secs(time.secs());
    let time = UNIX_EPOCH.checked_add(time).unwrap_or(UNIX_EPOCH);
    // The library cannot write years of five digits.
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(time.min(last)).to_string()
}
