//! A switchboard: one conversation.

use crosstalk_networks::msnp::wire::Command;

use super::{Line, Shared};
use crate::msn::CAPABILITIES;

/// A client's place in a conversation.
pub(super) struct Seat {
    line: Line,
    user: String,
    board: Option<u32>,
}

/// Endpoint of a participant, as the others are told it.
pub(super) struct Place {
    line: Line,
    /// The client among several of one person, since MSNP16.
    endpoint: Option<String>,
    version: u32,
}

impl Place {
    /// The names under which one who speaks `version` is told of `who` here: since MSNP16, the
    /// client and the person.
    fn names(&self, who: &str, version: u32) -> Vec<String> {
        let client = self.endpoint.iter().filter(|_| version >= 16);
        client.map(|endpoint| format!("{who};{endpoint}")).chain([who.to_owned()]).collect()
    }
}

/// Capabilities behind the nick of a participant, as a client of `version` is told them.
const fn capabilities(version: u32) -> &'static str {
    match version {
        ..12 => "",
        12..16 => "0",
        16.. => CAPABILITIES,
    }
}

impl Seat {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, user: String::new(), board: None }
    }

    fn say(&self, line: &str) {
        let _ = self.line.try_send(format!("{}\r\n", line.trim_end()));
    }

    /// Returns whether the connection goes on.
    pub(super) fn handle(&mut self, shared: &Shared, command: &Command) -> bool {
        let id = command.word(1);
        match (command.verb(), self.board) {
            ("USR" | "ANS", None) => return self.enter(shared, command),
            ("CAL", Some(board)) if command.word(2).eq_ignore_ascii_case(&self.user) => {
                self.call_self(shared, board, id);
            }
            ("CAL", Some(board)) => self.call(shared, board, id, command.word(2)),
            ("MSG", Some(board)) => self.tell_others(shared, board, command),
            ("OUT", _) | (_, None) => return false,
            _ => {}
        }
        true
    }

    fn enter(&mut self, shared: &Shared, command: &Command) -> bool {
        let (id, verb, name) = (command.word(1), command.verb(), command.word(2));
        let (user, endpoint) = match name.split_once(';') {
            Some((user, endpoint)) => (user, Some(endpoint.to_owned())),
            None => (name, None),
        };
        self.user = user.to_lowercase();
        let mut state = shared.state();
        let Some(board) = state.enter(&self.user, command.word(3)) else {
            self.say(&format!("911 {id}"));
            return false;
        };
        self.board = Some(board);
        let me = &self.user;
        let version = state.online(me).map_or(0, |online| online.version);
        let place = Place { line: self.line.clone(), endpoint, version };
        let places = state.boards.entry(board).or_default();
        let there: Vec<(String, String)> = places
            .iter()
            .flat_map(|(who, place)| {
                place.names(who, version).into_iter().map(move |n| (n, who.clone()))
            })
            .collect();
        for (n, (name, nick)) in (1..).zip(&there) {
            let more = capabilities(version);
            self.say(&format!("IRO {id} {n} {} {name} {nick} {more}", there.len()));
        }
        for other in places.values() {
            for name in place.names(me, other.version) {
                let line = format!("JOI {name} {me} {}", capabilities(other.version));
                let _ = other.line.try_send(format!("{}\r\n", line.trim_end()));
            }
        }
        places.insert(me.clone(), place);
        self.say(&if verb == "USR" {
            format!("USR {id} OK {name} {me}")
        } else {
            format!("ANS {id} OK")
        });
        if verb == "ANS" && version >= 16 {
            self.join_self(version);
        }
        true
    }

    /// Since MSNP16 a person comes into a conversation like everybody else.
    fn join_self(&self, version: u32) {
        self.say(&format!("JOI {0} {0} {1}", self.user, capabilities(version)));
    }

    fn call_self(&self, shared: &Shared, board: u32, id: &str) {
        let version = shared.state().online(&self.user).map_or(0, |online| online.version);
        if version < 16 {
            return self.say(&format!("215 {id}"));
        }
        self.say(&format!("CAL {id} RINGING {board}"));
        self.join_self(version);
    }

    fn call(&self, shared: &Shared, board: u32, id: &str, who: &str) {
        let who = who.to_lowercase();
        let mut state = shared.state();
        let Some(version) = state.online(&who).filter(|o| o.status != "HDN").map(|o| o.version)
        else {
            return self.say(&format!("217 {id}"));
        };
        let key = state.key(&who, board);
        self.say(&format!("CAL {id} RINGING {board}"));
        let (at, me) = (shared.addr, &self.user);
        let more = match version {
            ..13 => "",
            13 => " U messenger.msn.com",
            14.. => " U messenger.msn.com 1",
        };
        state.tell(&who, &format!("RNG {board} {at} CKI {key} {me} {me}{more}"));
    }

    fn tell_others(&self, shared: &Shared, board: u32, command: &Command) {
        let payload = String::from_utf8_lossy(command.payload());
        let head = format!("MSG {0} {0} {1}\r\n", self.user, command.payload().len());
        let state = shared.state();
        let places = state.boards.get(&board);
        let others = places.into_iter().flatten().filter(|(name, _)| **name != self.user);
        let tell = |place: &Place| place.line.try_send(format!("{head}{payload}")).is_ok();
        let told = others.filter(|(_, place)| tell(place)).count();
        let answer = match command.word(2) {
            "A" | "D" if told > 0 => "ACK",
            "A" | "D" | "N" if told == 0 => "NAK",
            _ => return,
        };
        self.say(&format!("{answer} {}", command.word(1)));
    }

    pub(super) fn leave(self, shared: &Shared) {
        let mut state = shared.state();
        let places = self.board.and_then(|board| state.boards.get_mut(&board));
        let Some(places) = places else { return };
        let Some(left) = places.remove(&self.user) else { return };
        for other in places.values() {
            for name in left.names(&self.user, other.version) {
                let _ = other.line.try_send(format!("BYE {name}\r\n"));
            }
        }
    }
}
