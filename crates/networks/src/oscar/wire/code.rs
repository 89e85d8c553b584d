//! Codes of errors, the same in every family.

/// The person it is about is not there.
pub const NOT_LOGGED_IN: u16 = 0x0004;
/// The service is not there.
pub const SERVICE_UNAVAILABLE: u16 = 0x0005;
/// The other's client does not do that.
pub const NOT_SUPPORTED: u16 = 0x0009;
/// The other's client refused.
pub const REFUSED: u16 = 0x000a;
/// The answer does not fit.
pub const TOO_BIG: u16 = 0x000b;
/// The server refused.
pub const DENIED: u16 = 0x000d;
/// It may go another time.
pub const TEMPORARILY_UNAVAILABLE: u16 = 0x0013;
/// Nobody is found.
pub const NO_MATCH: u16 = 0x0014;
