//! Who there is, what they keep, and who talks to whom.

use std::collections::BTreeMap;

use super::Line;
use crate::Account;
use crate::msn::{passport, ticket};

/// Bits of the lists that hold a contact.
pub(super) const FORWARD: u8 = 1;
pub(super) const REVERSE: u8 = 8;

/// Everything the server knows.
pub(super) struct World {
    pub(super) users: BTreeMap<String, User>,
    /// The people in each switchboard.
    pub(super) boards: BTreeMap<u32, BTreeMap<String, Line>>,
    /// Who may come to which switchboard with which key.
    keys: BTreeMap<String, (String, u32)>,
    handed_out: Vec<String>,
    next: u32,
}

/// A user, signed on or not.
pub(super) struct User {
    pub(super) ticket: String,
    pub(super) contacts: BTreeMap<String, u8>,
    pub(super) online: Option<Online>,
}

/// A user's session.
pub(super) struct Online {
    pub(super) line: Line,
    pub(super) version: u32,
    /// The status; `HDN` before the first.
    pub(super) status: String,
    pub(super) message: String,
}

impl World {
    pub(super) fn new(users: &[Account]) -> Self {
        let user = |account: &Account| {
            let ticket = ticket(account.password.expose());
            let user = User { ticket, contacts: BTreeMap::new(), online: None };
            (passport(&account.name), user)
        };
        Self {
            users: users.iter().map(user).collect(),
            boards: BTreeMap::new(),
            keys: BTreeMap::new(),
            handed_out: Vec::new(),
            next: 0,
        }
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let tickets = self.users.values().map(|u| u.ticket.clone());
        tickets.chain(self.handed_out.iter().cloned()).collect()
    }

    pub(super) fn open_board(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// A key with which `user` may come to a switchboard.
    pub(super) fn key(&mut self, user: &str, board: u32) -> String {
        let key = format!("{board}.{:016x}", fastrand::u64(..));
        self.keys.insert(key.clone(), (user.to_owned(), board));
        self.handed_out.push(key.clone());
        key
    }

    /// Takes a key.
    pub(super) fn enter(&mut self, user: &str, key: &str) -> Option<u32> {
        self.keys.remove(key).filter(|(whose, _)| whose == user).map(|(_, board)| board)
    }

    pub(super) fn online(&self, user: &str) -> Option<&Online> {
        self.users.get(user)?.online.as_ref()
    }

    pub(super) fn tell(&self, user: &str, line: &str) {
        if let Some(online) = self.online(user) {
            let _ = online.line.try_send(format!("{line}\r\n"));
        }
    }

    /// Shows `of` to `to`, if `to` lists `of`.
    pub(super) fn show(&self, of: &str, to: &str, initial: Option<u32>) {
        let lists = self.users.get(to).and_then(|u| u.contacts.get(of)).copied().unwrap_or(0);
        let Some(watcher) = self.online(to).filter(|_| lists & FORWARD != 0) else { return };
        match self.online(of).filter(|o| o.status != "HDN") {
            None if initial.is_some() => {}
            None => self.tell(to, &format!("FLN {of}")),
            Some(shown) => {
                let presence = format!("{} {of} {of} 0", shown.status);
                match initial {
                    Some(id) => self.tell(to, &format!("ILN {id} {presence}")),
                    None => self.tell(to, &format!("NLN {presence}")),
                }
                if watcher.version >= 11 {
                    let data = &shown.message;
                    let _ = watcher.line.try_send(format!("UBX {of} {}\r\n{data}", data.len()));
                }
            }
        }
    }

    /// Shows `of` to everybody.
    pub(super) fn show_all(&self, of: &str) {
        self.users.keys().filter(|to| *to != of).for_each(|to| self.show(of, to, None));
    }
}
