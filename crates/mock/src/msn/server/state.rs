//! Users, their stored lists, and their switchboards.

use std::collections::BTreeMap;

use crosstalk_networks::msnp::wire::with_payload;

use super::switchboard::Place;
use super::{Line, presence};
use crate::Account;
use crate::msn::{FORWARD, REVERSE, entry, passport, ticket};

/// Everything the server knows.
pub(super) struct ServerState {
    pub(super) users: BTreeMap<String, User>,
    /// The people in each switchboard.
    pub(super) boards: BTreeMap<u32, BTreeMap<String, Place>>,
    /// Keys of the switchboards, each with the user it admits and the switchboard's number.
    keys: BTreeMap<String, (String, u32)>,
    handed_out: Vec<String>,
    next: u32,
}

/// A user, signed on or not.
pub(super) struct User {
    pub(super) password: String,
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

impl ServerState {
    pub(super) fn new(users: &[Account]) -> Self {
        let user = |account: &Account| {
            let password = account.password.expose().clone();
            let ticket = ticket(&password);
            let user = User { password, ticket, contacts: BTreeMap::new(), online: None };
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
        self.send(user, format!("{line}\r\n"));
    }

    fn send(&self, user: &str, bytes: String) {
        if let Some(online) = self.online(user) {
            let _ = online.line.try_send(bytes);
        }
    }

    /// Puts `who` on lists of `user`, who both have a passport.
    pub(super) fn put(&mut self, user: &str, who: &str, lists: u8) {
        if !self.users.contains_key(who) {
            return;
        }
        let Some(owner) = self.users.get_mut(user) else { return };
        let before = owner.contacts.entry(who.to_owned()).or_default();
        let new = lists & !*before;
        *before |= lists;
        if new & FORWARD != 0 {
            self.list_back(user, who);
            self.show(who, user, None);
        }
    }

    pub(super) fn take(&mut self, user: &str, who: &str, lists: u8) {
        let owner = self.users.get_mut(user);
        if let Some(before) = owner.and_then(|owner| owner.contacts.get_mut(who)) {
            *before &= !lists;
        }
    }

    /// Tells `who` that `by` has them on the list.
    fn list_back(&mut self, by: &str, who: &str) {
        let Some(user) = self.users.get_mut(who) else { return };
        *user.contacts.entry(by.to_owned()).or_default() |= REVERSE;
        let Some(online) = self.online(who) else { return };
        match online.version {
            ..10 => self.tell(who, &format!("ADD 0 RL 2 {by} {by}")),
            10..13 => self.tell(who, &format!("ADC 0 RL N={by} F={by}")),
            13.. => {
                let entry = entry(by, &format!("t=\"1\" l=\"8\" f=\"{by}\""));
                self.send(who, with_payload("ADL 0", &format!("<ml>{entry}</ml>")));
            }
        }
    }

    /// Shows `of` to `to`, if `to` lists `of`.
    pub(super) fn show(&self, of: &str, to: &str, initial: Option<u32>) {
        let lists = self.users.get(to).and_then(|u| u.contacts.get(of)).copied().unwrap_or(0);
        let Some(watcher) = self.online(to).filter(|_| lists & FORWARD != 0) else { return };
        match self.online(of).filter(|o| o.status != "HDN") {
            None if initial.is_some() => {}
            None => self.send(to, presence::gone(watcher.version, of)),
            Some(online) => self.send(to, presence::shown(watcher.version, of, online, initial)),
        }
    }

    /// Shows `of` to everybody.
    pub(super) fn show_all(&self, of: &str) {
        self.users.keys().filter(|to| *to != of).for_each(|to| self.show(of, to, None));
    }
}
