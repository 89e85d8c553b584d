//! The buddy list, consent, and who is refused.

use super::Shared;
use super::session::Session;
use super::state::ServerState;
use crate::yahoo::packet::Packet;
use crosstalk_networks::ymsg::wire::service;

/// The most buddies in one packet of a list, so that short lists come in pieces too.
const A_PACKET: usize = 2;

impl Session {
    /// The whole list, in the form of the client's version.
    pub(super) fn send_list(&self, state: &ServerState) {
        let Some(user) = state.users.get(&self.user) else { return };
        if self.version < 15 {
            let line = |(group, names): (&String, &std::collections::BTreeSet<String>)| {
                format!("{group}:{}\n", names.iter().cloned().collect::<Vec<_>>().join(","))
            };
            let list: String = user.groups.iter().map(line).collect();
            return self.send_lines(&list);
        }
        let buddies: Vec<_> =
            user.groups.iter().flat_map(|(g, names)| names.iter().map(move |n| (g, n))).collect();
        if buddies.is_empty() {
            self.say(Packet::new(service::LIST_15, 0));
        }
        let last = buddies.len().div_ceil(A_PACKET);
        let mut group = None;
        for (number, some) in (1..).zip(buddies.chunks(A_PACKET)) {
            let mut packet = Packet::new(service::LIST_15, u32::from(number < last));
            for (of, name) in some {
                if group != Some(*of) {
                    packet = if group.is_some() {
                        packet.with(303, "319")
                    } else {
                        packet.with(302, "318")
                    };
                    let begin = packet.with(300, "318").with(65, of.as_str());
                    packet = begin.with(302, "319");
                    group = Some(*of);
                }
                let entry = packet.with(300, "319").with(7, name.as_str());
                packet = entry.with(301, "319");
            }
            if number == last {
                packet = packet.with(303, "319").with(301, "318").with(303, "318");
            }
            self.say(packet);
        }
    }

    /// 0x55, in two packets where there is something to cut.
    fn send_lines(&self, list: &str) {
        let cut = list.floor_char_boundary(list.len() / 2);
        let (first, second) = list.split_at(cut);
        if !first.is_empty() {
            self.say(Packet::new(service::LIST, 1).with(87, first));
        }
        let packet = Packet::new(service::LIST, 0).with(87, second).with(88, "");
        let packet = packet.with(89, self.user.as_str()).with(3, self.user.as_str());
        let packet = packet.with(90, "1").with(100, "0").with(101, "").with(102, "");
        self.say(packet.with(93, "86400"));
    }

    /// A reply that says that something was done.
    fn done(&self, service: u16) -> Packet {
        Packet::new(service, 1).with(1, self.user.as_str()).with(66, "0")
    }

    pub(super) fn add(&self, shared: &Shared, packet: &Packet) {
        let (who, group) = (packet.text(7).to_lowercase(), packet.text(65));
        let mut state = shared.state();
        let reply = Packet::new(service::ADD_BUDDY, 1).with(1, self.user.as_str());
        let reply = reply.with(7, who.as_str()).with(65, group.as_str());
        if !state.users.contains_key(&who) {
            return self.say(reply.with(66, "3"));
        }
        if let Some(user) = state.users.get_mut(&self.user) {
            user.groups.entry(group).or_default().insert(who.clone());
        }
        let there = state.online(&who).is_some_and(|o| o.visible) && state.admits(&who, &self.user);
        let status = [(10, "0"), (11, "0"), (17, "0"), (13, if there { "1" } else { "0" })];
        let shown = Packet::new(service::NEW_CONTACT, 1).with(8, "1").with(7, who.as_str());
        self.say(status.iter().fold(shown, |packet, (key, value)| packet.with(*key, *value)));
        self.say(reply.with(66, "0"));
        let new = state.online(&who).is_some_and(|o| o.version >= 13);
        let asks = if new {
            Packet::new(service::AUTHORISE, 3).with(4, self.user.as_str()).with(5, who.as_str())
        } else {
            Packet::new(service::NEW_CONTACT, 3).with(1, who.as_str()).with(3, self.user.as_str())
        };
        state.tell_or_keep(&who, asks.with(14, packet.text(14)).with(97, "1"));
        state.show(&who, &self.user, service::IS_BACK);
    }

    pub(super) fn remove(&self, shared: &Shared, packet: &Packet) {
        let (who, group) = (packet.text(7).to_lowercase(), packet.text(65));
        let mut state = shared.state();
        let user = state.users.get_mut(&self.user);
        let names = user.and_then(|user| user.groups.get_mut(&group));
        let removed = names.is_some_and(|names| names.remove(&who));
        let reply = Packet::new(service::REMOVE_BUDDY, 1).with(1, self.user.as_str());
        let reply = reply.with(66, if removed { "0" } else { "3" });
        self.say(reply.with(7, who.as_str()).with(65, group));
        // Older clients then get the list anew.
        if self.version < 15 {
            self.send_list(&state);
        }
    }

    pub(super) fn move_buddy(&self, shared: &Shared, packet: &Packet) {
        let (who, from, to) = (packet.text(7), packet.text(224), packet.text(264));
        if let Some(user) = shared.state().users.get_mut(&self.user)
            && user.groups.get_mut(&from).is_some_and(|names| names.remove(&who))
        {
            user.groups.entry(to.clone()).or_default().insert(who.clone());
        }
        let reply = self.done(service::MOVE_BUDDY).with(302, "240").with(300, "240").with(7, who);
        let reply = reply.with(224, from).with(264, to).with(301, "240").with(303, "240");
        self.say(reply);
    }

    pub(super) fn rename_group(&self, shared: &Shared, packet: &Packet) {
        let (from, to) = (packet.text(65), packet.text(67));
        if let Some(user) = shared.state().users.get_mut(&self.user)
            && let Some(names) = user.groups.remove(&from)
        {
            user.groups.entry(to.clone()).or_default().extend(names);
        }
        self.say(self.done(service::RENAME_GROUP).with(67, to).with(65, from));
    }

    /// The answer to one who asked.
    pub(super) fn answered(&self, shared: &Shared, asker: &str, yes: bool) {
        let asker = asker.to_lowercase();
        let mut state = shared.state();
        let Some(user) = state.users.get_mut(&self.user) else { return };
        if yes {
            user.refused.remove(&asker);
        } else {
            user.refused.insert(asker.clone());
            let no = Packet::new(service::AUTHORISE, 1).with(4, self.user.as_str());
            let no = no.with(5, asker.as_str()).with(13, "2").with(14, "");
            state.tell(&asker, no);
        }
        state.show(&self.user, &asker, service::IS_BACK);
    }

    pub(super) fn ignore(&self, shared: &Shared, packet: &Packet) {
        let (who, on) = (packet.text(7).to_lowercase(), packet.text(13) == "1");
        let mut state = shared.state();
        if let Some(user) = state.users.get_mut(&self.user) {
            if on {
                user.refused.insert(who.clone());
            } else {
                user.refused.remove(&who);
            }
        }
        self.say(
            self.done(service::IGNORE_CONTACT).with(7, who.as_str()).with(13, packet.text(13)),
        );
        state.show(&self.user, &who, service::IS_BACK);
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio::sync::mpsc;

    use super::*;
    use crate::Account;

    #[test]
    fn buddies_move_and_groups_get_other_names() {
        let users = ["ann", "bob"].map(|name| Account::new(name, "secret"));
        let shared = Shared::new(([127, 0, 0, 1], 5050).into(), ServerState::new(&users));
        let (line, mut said) = mpsc::channel(16);
        let mut session = Session::new(line);
        (session.user, session.version, session.signed_on) = ("ann".into(), 16, true);
        let mut does = |packet: Packet| {
            session.handle(&shared, &Packet { version: 16, ..packet }).unwrap();
            let groups = shared.state().users["ann"].groups.clone();
            let full = groups.into_iter().filter(|(_, names)| names.contains("bob"));
            full.map(|(group, _)| group).collect::<Vec<_>>()
        };
        let add = Packet::new(service::ADD_BUDDY, 0).with(1, "ann").with(7, "bob");
        assert_eq!(does(add.with(65, "Friends")), ["Friends"]);
        let moves = Packet::new(service::MOVE_BUDDY, 0).with(1, "ann").with(7, "bob");
        assert_eq!(does(moves.with(224, "Friends").with(264, "Work")), ["Work"]);
        let renames = Packet::new(service::RENAME_GROUP, 0).with(1, "ann");
        assert_eq!(does(renames.with(65, "Work").with(67, "Play")), ["Play"]);

        let mut replies = Vec::new();
        while let Ok(raw) = said.try_recv() {
            let reply = Packet::take(&mut BytesMut::from(&raw[..])).unwrap().unwrap();
            replies.push((reply.service, reply.text(66)));
        }
        let done = |service: u16| (service, "0".to_owned());
        assert_eq!(
            replies[1..],
            [service::ADD_BUDDY, service::MOVE_BUDDY, service::RENAME_GROUP].map(done)
        );
    }
}
