//! The notification server: sign-on, the list, presence, and keys to switchboards.

use crosstalk_networks::msnp::wire::{Command, with_payload};

use super::state::Online;
use super::{Line, Shared};

/// The versions it speaks.
const SPOKEN: std::ops::RangeInclusive<u32> = 2..=18;

/// A client's notification connection.
pub(super) struct Session {
    pub(super) line: Line,
    pub(super) version: u32,
    pub(super) user: String,
    /// Nonce from which the client has to make a proof by its password or ticket.
    pub(super) nonce: String,
    pub(super) signed_on: bool,
}

impl Session {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, version: 0, user: String::new(), nonce: String::new(), signed_on: false }
    }

    pub(super) fn say(&self, line: &str) {
        self.send(format!("{line}\r\n"));
    }

    pub(super) fn send(&self, bytes: String) {
        let _ = self.line.try_send(bytes);
    }

    /// Returns whether the connection goes on.
    pub(super) fn handle(&mut self, shared: &Shared, command: &Command) -> bool {
        let id = command.word(1);
        match command.verb() {
            "VER" => return self.choose(command),
            "INF" => self.say(&format!("INF {id} MD5")),
            "CVR" => self.say(&format!("CVR {id} 1.0 1.0 1.0 http://x.test http://x.test")),
            "USR" => return self.sign_on(shared, command),
            "OUT" => return false,
            _ if !self.signed_on => return false,
            "SYN" if self.version < 13 => self.list(shared, id),
            "CHG" => self.change(shared, command),
            "UUX" => self.tell(shared, command),
            "ADD" | "ADC" if self.version < 13 => self.add(shared, command),
            "REM" if self.version < 13 => self.remove(shared, command),
            "ADL" | "RML" if self.version >= 13 => self.change_lists(shared, command),
            "FQY" if self.version >= 14 => self.query(shared, command),
            "XFR" => self.open_board(shared, id),
            "PNG" => self.say("QNG 60"),
            "GCF" => {
                let head = command.from(0);
                self.send(with_payload(&head, "<config></config>"));
            }
            "GTC" | "BLP" | "PRP" | "SBP" => self.say(&command.from(0)),
            _ => {}
        }
        true
    }

    fn choose(&mut self, command: &Command) -> bool {
        let best = choose(command);
        self.version = best.unwrap_or(0);
        self.say(&format!("VER {} MSNP{}", command.word(1), self.version));
        best.is_some()
    }

    fn online<'a>(&self, state: &'a mut super::ServerState) -> Option<&'a mut Online> {
        state.users.get_mut(&self.user)?.online.as_mut()
    }

    fn change(&self, shared: &Shared, command: &Command) {
        let mut state = shared.state();
        let Some(online) = self.online(&mut state) else { return };
        let first = std::mem::replace(&mut online.status, command.word(2).to_owned()) == "HDN";
        self.say(&command.from(0));
        if first {
            let people: Vec<String> = state.users.keys().cloned().collect();
            for of in people {
                state.show(&of, &self.user, Some(command.transaction()));
            }
        }
        state.show_all(&self.user);
    }

    /// UUX: the personal message.
    fn tell(&self, shared: &Shared, command: &Command) {
        let mut state = shared.state();
        if let Some(online) = self.online(&mut state) {
            online.message = String::from_utf8_lossy(command.payload()).into_owned();
        }
        self.say(&format!("UUX {} 0", command.word(1)));
        state.show_all(&self.user);
    }

    fn open_board(&self, shared: &Shared, id: &str) {
        let mut state = shared.state();
        let board = state.open_board();
        let key = state.key(&self.user, board);
        let more = match self.version {
            ..13 => "",
            13 => " U messenger.msn.com",
            14.. => " U messenger.msn.com 1",
        };
        self.say(&format!("XFR {id} SB {} CKI {key}{more}", shared.addr));
    }

    pub(super) fn leave(self, shared: &Shared) {
        let mut state = shared.state();
        if let Some(user) = state.users.get_mut(&self.user)
            && user.online.as_ref().is_some_and(|o| o.line.same_channel(&self.line))
        {
            user.online = None;
            state.show_all(&self.user);
        }
    }
}

/// The highest version on offer that is spoken here.
pub(super) fn choose(offer: &Command) -> Option<u32> {
    let versions = offer.words().filter_map(|w| w.strip_prefix("MSNP")?.parse().ok());
    versions.filter(|v| SPOKEN.contains(v)).max()
}
