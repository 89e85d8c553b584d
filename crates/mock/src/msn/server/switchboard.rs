//! A switchboard: one conversation.

use crosstalk_networks::msnp::wire::Command;

use super::{Line, Shared};

/// A client's place in a conversation.
pub(super) struct Seat {
    line: Line,
    user: String,
    board: Option<u32>,
}

impl Seat {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, user: String::new(), board: None }
    }

    fn say(&self, line: &str) {
        let _ = self.line.try_send(format!("{line}\r\n"));
    }

    /// Returns whether the connection goes on.
    pub(super) fn handle(&mut self, shared: &Shared, command: &Command) -> bool {
        let id = command.word(1);
        match (command.verb(), self.board) {
            ("USR" | "ANS", None) => return self.enter(shared, command),
            ("CAL", Some(board)) => self.call(shared, board, id, command.word(2)),
            ("MSG", Some(board)) => self.tell_others(shared, board, command),
            ("OUT", _) | (_, None) => return false,
            _ => {}
        }
        true
    }

    fn enter(&mut self, shared: &Shared, command: &Command) -> bool {
        let (id, verb) = (command.word(1), command.verb());
        self.user = command.word(2).to_lowercase();
        let mut world = shared.world();
        let Some(board) = world.enter(&self.user, command.word(3)) else {
            self.say(&format!("911 {id}"));
            return false;
        };
        self.board = Some(board);
        let me = &self.user;
        let seats = world.boards.entry(board).or_default();
        for (at, other) in seats.keys().enumerate() {
            self.say(&format!("IRO {id} {} {} {other} {other}", at + 1, seats.len()));
        }
        for line in seats.values() {
            let _ = line.try_send(format!("JOI {me} {me}\r\n"));
        }
        seats.insert(me.clone(), self.line.clone());
        self.say(&if verb == "USR" {
            format!("USR {id} OK {me} {me}")
        } else {
            format!("ANS {id} OK")
        });
        true
    }

    fn call(&self, shared: &Shared, board: u32, id: &str, who: &str) {
        let who = who.to_lowercase();
        let mut world = shared.world();
        if world.online(&who).is_none_or(|o| o.status == "HDN") {
            return self.say(&format!("217 {id}"));
        }
        let key = world.key(&who, board);
        self.say(&format!("CAL {id} RINGING {board}"));
        let (at, me) = (shared.addr, &self.user);
        world.tell(&who, &format!("RNG {board} {at} CKI {key} {me} {me}"));
    }

    fn tell_others(&self, shared: &Shared, board: u32, command: &Command) {
        let payload = String::from_utf8_lossy(command.payload());
        let head = format!("MSG {0} {0} {1}\r\n", self.user, command.payload().len());
        let world = shared.world();
        let seats = world.boards.get(&board);
        let others = seats.into_iter().flatten().filter(|(name, _)| **name != self.user);
        let told =
            others.filter(|(_, line)| line.try_send(format!("{head}{payload}")).is_ok()).count();
        let answer = match command.word(2) {
            "A" | "D" if told > 0 => "ACK",
            "A" | "D" | "N" if told == 0 => "NAK",
            _ => return,
        };
        self.say(&format!("{answer} {}", command.word(1)));
    }

    pub(super) fn leave(self, shared: &Shared) {
        let mut world = shared.world();
        let Some(seats) = self.board.and_then(|board| world.boards.get_mut(&board)) else { return };
        seats.remove(&self.user);
        for line in seats.values() {
            let _ = line.try_send(format!("BYE {}\r\n", self.user));
        }
    }
}
