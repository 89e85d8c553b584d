//! Presence of users.

use super::Shared;
use super::session::Session;
use super::state::{Online, ServerState};
use crate::yahoo::packet::Packet;
use crosstalk_networks::ymsg::wire::service;

/// The status of one who is not to be seen.
const INVISIBLE: &str = "12";

impl Session {
    /// A client says how it is shown.
    pub(super) fn status(&self, shared: &Shared, packet: &Packet) {
        let mut state = shared.state();
        let Some(online) = state.users.get_mut(&self.user).and_then(|u| u.online.as_mut()) else {
            return;
        };
        let shown = packet.pairs.iter().filter(|(key, _)| [10, 19, 47].contains(key)).cloned();
        online.status = shown.collect();
        // Clients before YMSG10 have one request for all.
        if packet.service != service::STATUS_UPDATE {
            online.visible = packet.text(10) != INVISIBLE;
        }
        let back = packet.text(10) == "0";
        state.show_all(&self.user, if back { service::IS_BACK } else { service::IS_AWAY });
    }

    pub(super) fn show(&self, shared: &Shared, visible: bool) {
        let mut state = shared.state();
        if let Some(online) = state.users.get_mut(&self.user).and_then(|u| u.online.as_mut()) {
            online.visible = visible;
        }
        state.show_all(&self.user, service::IS_BACK);
    }
}

impl ServerState {
    /// Shows `of` to everybody who has that buddy.
    pub(super) fn show_all(&self, of: &str, service: u16) {
        self.users.keys().filter(|to| *to != of).for_each(|to| self.show(of, to, service));
    }

    /// Shows `of` to `to`, if that is a buddy of theirs.
    pub(super) fn show(&self, of: &str, to: &str, service: u16) {
        let Some(watcher) = self.online(to).filter(|_| self.lists(to, of)) else { return };
        let seen = self.seen(of, to);
        let service = if seen.is_some() { service } else { service::LOGOFF };
        let service = if watcher.version >= 15 { service::STATUS_15 } else { service };
        let packet = Packet::new(service, 1).with(0, to);
        watcher.send(entry(packet, watcher.version, of, seen));
    }

    /// Shows `to` every buddy who is there: the first word after the list.
    pub(super) fn show_everybody(&self, to: &str) {
        let Some(watcher) = self.online(to) else { return };
        let there: Vec<_> = self
            .users
            .keys()
            .filter(|of| self.lists(to, of))
            .filter_map(|of| Some((of, self.seen(of, to)?)))
            .collect();
        let new = watcher.version >= 15;
        let (service, status) = if new { (service::STATUS_15, 1) } else { (service::LOGON, 0) };
        let packet = Packet::new(service, status).with(0, to).with(1, to);
        let packet = packet.with(8, there.len().to_string());
        let add = |packet, (of, online): &(&String, &Online)| {
            entry(packet, watcher.version, of, Some(*online))
        };
        watcher.send(there.iter().fold(packet, add));
    }

    /// The session of `of`, if `to` may see it.
    fn seen(&self, of: &str, to: &str) -> Option<&Online> {
        self.online(of).filter(|o| o.visible && self.admits(of, to))
    }
}

/// One buddy in a packet.
fn entry(packet: Packet, version: u16, of: &str, online: Option<&Online>) -> Packet {
    let new = version >= 15;
    let packet = if new { packet.with(302, "315").with(300, "315") } else { packet };
    let packet = packet.with(7, of);
    let packet = match online {
        None => packet.with(10, "0"),
        Some(online) => online
            .status
            .iter()
            .fold(packet, |packet, (key, value)| packet.with(*key, value.clone())),
    };
    let there = if online.is_some() { "1" } else { "0" };
    let packet = packet.with(11, "0").with(17, "0").with(13, there);
    if new { packet.with(301, "315").with(303, "315") } else { packet }
}
