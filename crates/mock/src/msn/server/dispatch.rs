//! The dispatch server: sends everybody who names a user on to the notification server.

use crosstalk_networks::msnp::wire::Command;

use super::notification::choose;
use super::{Line, Shared};

/// Returns whether the connection goes on.
pub(super) fn handle(line: &Line, shared: &Shared, command: &Command) -> bool {
    let id = command.word(1);
    let answer = match command.verb() {
        "VER" => {
            let version = choose(command);
            format!("VER {id} {}", version.map_or("0".into(), |v| format!("MSNP{v}")))
        }
        "INF" => format!("INF {id} MD5"),
        "CVR" => format!("CVR {id} 1.0 1.0 1.0 http://x.test http://x.test"),
        "USR" => format!("XFR {id} NS {} 0 {}", shared.addr, shared.addr),
        _ => return false,
    };
    let _ = line.try_send(format!("{answer}\r\n"));
    command.verb() != "USR"
}
