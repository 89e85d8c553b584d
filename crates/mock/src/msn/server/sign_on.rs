//! Sign-on: by MD5 before MSNP8, by a ticket since then, and since MSNP15 with an answer to a
//! nonce beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosstalk_networks::msnp::wire::{Command, with_payload};

use super::Shared;
use super::notification::Session;
use super::state::{Online, User};
use crate::msn::digest;

/// Header of the answer to a nonce: its length, version, mode, cipher and hash, and the lengths of
/// the initialisation vector and the hash.
const ANSWER: [u32; 6] = [28, 1, 0x6603, 0x8004, 8, 20];

impl Session {
    /// USR. Returns whether the connection goes on.
    pub(super) fn sign_on(&mut self, shared: &Shared, command: &Command) -> bool {
        let (id, how) = (command.word(1), command.word(2));
        let expected = match self.version {
            ..8 => "MD5",
            8..15 => "TWN",
            15.. => "SSO",
        };
        match (how == expected, command.word(3)) {
            (true, "I") => {
                command.word(4).to_lowercase().clone_into(&mut self.user);
                self.challenge(id, how);
                true
            }
            (true, "S") => self.admit(shared, command),
            _ => {
                self.say(&format!("911 {id}"));
                false
            }
        }
    }

    fn challenge(&mut self, id: &str, how: &str) {
        self.nonce = format!("{}.{}", fastrand::u64(..), fastrand::u64(..));
        if self.version >= 13 {
            self.send(with_payload("GCF 0", "<Policies></Policies>"));
        }
        self.say(&match how {
            "MD5" => format!("USR {id} MD5 S {}", self.nonce),
            "TWN" => format!("USR {id} TWN S lc=1033,id=507"),
            _ => format!("USR {id} SSO S MBI_KEY_OLD {}", STANDARD.encode(&self.nonce)),
        });
    }

    fn admit(&mut self, shared: &Shared, command: &Command) -> bool {
        let id = command.word(1);
        let mut state = shared.state();
        let user = state.users.get_mut(&self.user).filter(|user| self.is_proven(user, command));
        let Some(user) = user else {
            self.say(&format!("911 {id}"));
            return false;
        };
        if let Some(before) = user.online.take() {
            let _ = before.line.try_send("OUT OTH\r\n".into());
        }
        let (line, version) = (self.line.clone(), self.version);
        user.online = Some(Online { line, version, status: "HDN".into(), message: String::new() });
        self.signed_on = true;
        let me = &self.user;
        self.say(&match self.version {
            ..6 => format!("USR {id} OK {me} {me}"),
            6..8 => format!("USR {id} OK {me} {me} 1"),
            8..10 => format!("USR {id} OK {me} {me} 1 0"),
            10.. => format!("USR {id} OK {me} 1 0"),
        });
        if self.version >= 11 {
            self.say("SBS 0 null");
        }
        let profile = "MIME-Version: 1.0\r\n\
                       Content-Type: text/x-msmsgsprofile; charset=UTF-8\r\nsid: 507\r\n\r\n";
        self.send(with_payload("MSG Hotmail Hotmail", profile));
        match self.version {
            ..16 => {}
            16..18 => self.say(&format!("UBX {me} 1 0")),
            18.. => self.say(&format!("UBX 1:{me} 0")),
        }
        true
    }

    fn is_proven(&self, user: &User, command: &Command) -> bool {
        let word = command.word(4);
        let ticket = word.strip_prefix("t=").map_or(word, |word| word.trim_end_matches("&p="));
        match self.version {
            ..8 => word == digest(&format!("{}{}", self.nonce, user.password)),
            8..15 => ticket == user.ticket,
            15.. => ticket == user.ticket && is_well_formed(command.word(5)),
        }
    }
}

/// Whether the answer to a nonce has the parts that it says it has.
fn is_well_formed(answer: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(answer) else { return false };
    let mut numbers =
        bytes.chunks_exact(4).map_while(|n| Some(u32::from_le_bytes(n.try_into().ok()?)));
    let begins = numbers.by_ref().take(ANSWER.len()).eq(ANSWER);
    let cipher = numbers.next().and_then(|n| usize::try_from(n).ok());
    begins && cipher.is_some_and(|cipher| bytes.len() == 28 + 8 + 20 + cipher)
}
