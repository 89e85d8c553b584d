//! Presence as each version words it.

use super::state::Online;
use crate::msn::CAPABILITIES;

/// Command that shows a client of `version` that `of` is online; with `initial`, in answer to that
/// transaction.
pub(super) fn shown(version: u32, of: &str, online: &Online, initial: Option<u32>) -> String {
    let status = &online.status;
    let verb = match initial {
        Some(id) if version < 18 => format!("ILN {id}"),
        _ => "NLN".to_owned(),
    };
    let who = named(version, of);
    let line = match version {
        ..8 => format!("{verb} {status} {who} {of}\r\n"),
        8 => format!("{verb} {status} {who} {of} 0\r\n"),
        9..16 => format!("{verb} {status} {who} {of} 0 0\r\n"),
        16.. => format!("{verb} {status} {who} {of} {CAPABILITIES} 0\r\n"),
    };
    if version < 11 {
        return line;
    }
    let message = &online.message;
    format!("{line}UBX {who} {}\r\n{message}", message.len())
}

/// Command that tells a client of `version` that `of` is offline.
pub(super) fn gone(version: u32, of: &str) -> String {
    let who = named(version, of);
    match version {
        ..14 => format!("FLN {who}\r\n"),
        14..16 => format!("FLN {who} 0\r\n"),
        16.. => format!("FLN {who} 0:0\r\n"),
    }
}

/// A name with its network, since there are several.
fn named(version: u32, name: &str) -> String {
    match version {
        ..14 => name.to_owned(),
        14..18 => format!("{name} 1"),
        18.. => format!("1:{name}"),
    }
}
