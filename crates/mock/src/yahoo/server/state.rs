//! Users, and their stored lists.

use std::collections::{BTreeMap, BTreeSet};

use super::Line;
use crate::Account;
use crate::yahoo::packet::Packet;
use crate::yahoo::{cookies, proof};

/// Everything the server knows.
pub(super) struct ServerState {
    pub(super) users: BTreeMap<String, User>,
    handed_out: Vec<String>,
    next: u32,
}

/// A user, signed on or not.
pub(super) struct User {
    pub(super) password: String,
    /// The buddies, by group.
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
    /// Users that may not see or reach this one.
    pub(super) refused: BTreeSet<String>,
    /// Packets that wait for the next sign-on.
    pub(super) stored: Vec<Packet>,
    pub(super) online: Option<Online>,
}

/// A user's session.
pub(super) struct Online {
    pub(super) line: Line,
    pub(super) version: u16,
    pub(super) session: u32,
    pub(super) visible: bool,
    /// Keys 10, 19, 47 as the client last set them.
    pub(super) status: Vec<(u32, Vec<u8>)>,
}

impl Online {
    pub(super) fn send(&self, packet: Packet) {
        let packet = Packet { version: self.version, session: self.session, ..packet };
        let _ = self.line.try_send(packet.encode());
    }
}

impl ServerState {
    pub(super) fn new(users: &[Account]) -> Self {
        let user = |account: &Account| {
            let password = account.password.expose().clone();
            let (groups, refused, stored, online) = Default::default();
            (account.name.to_lowercase(), User { password, groups, refused, stored, online })
        };
        Self { users: users.iter().map(user).collect(), handed_out: Vec::new(), next: 0x1000 }
    }

    /// A number for one more session.
    pub(super) fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Notes what stands for a password on the wire.
    pub(super) fn hand_out(&mut self, secret: String) {
        self.handed_out.push(secret);
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let cookies = self.users.iter().map(|(name, user)| {
            let [_, t] = cookies(name, &user.password);
            t
        });
        cookies.chain(self.handed_out.iter().cloned()).collect()
    }

    /// Whether `answer` shows that the client knows the password of `user`.
    pub(super) fn proves(&self, user: &str, challenge: &str, answer: &Packet) -> bool {
        let Some(known) = self.users.get(user) else { return false };
        if answer.version >= 15 {
            let [y, t] = cookies(user, &known.password);
            let expected = [(277, y), (278, t), (307, proof(&known.password, challenge))];
            return expected.iter().all(|(key, value)| answer.text(*key) == *value);
        }
        let expected = crate::yahoo::response(user, &known.password, challenge);
        // The other answer is a hash of the password's Unix crypt.
        expected.is_some_and(|expected| answer.text(6) == expected)
            && answer.text(96).len() == 24
            && answer.text(96).ends_with("--")
    }

    pub(super) fn online(&self, user: &str) -> Option<&Online> {
        self.users.get(user)?.online.as_ref()
    }

    pub(super) fn tell(&self, user: &str, packet: Packet) {
        if let Some(online) = self.online(user) {
            online.send(packet);
        }
    }

    /// Whether `watcher` has `of` in the list.
    pub(super) fn lists(&self, watcher: &str, of: &str) -> bool {
        let groups = self.users.get(watcher).map(|u| &u.groups);
        groups.is_some_and(|groups| groups.values().any(|names| names.contains(of)))
    }

    /// Whether `user` lets `other` see and reach.
    pub(super) fn admits(&self, user: &str, other: &str) -> bool {
        self.users.get(user).is_some_and(|u| !u.refused.contains(other))
    }
}
