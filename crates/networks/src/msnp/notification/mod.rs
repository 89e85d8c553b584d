//! The connection to the notification server: the list, presence, and where conversations are.

mod presence;
mod roster;
mod sign_on;
mod switchboard_invites;

use std::collections::BTreeMap;
use std::time::Instant;

use crosstalk_core::{
    Address, Bell, Body, Consent, Contact, Envelope, Event, Fault, NameClass, Presence, Roster,
    Side, Subscription,
};

use self::presence::Own;
use self::roster::{Domains, Merge, invite, message_to, show_request};
use self::sign_on::SignOn;
use self::switchboard_invites::Rings;
use crate::common::held::Waiting;
use crate::msnp::account_registry::Doors;
use crate::msnp::engine::named;
use crate::msnp::foreign_names::is_named_in;
use crate::msnp::groups::Groups;
use crate::msnp::shared_state::{Desk, Host, Invitation, Io, Known, spelling};
use crate::msnp::wire::Command;

/// The longest that a client may call itself, in bytes; what is behind that is cut off.
const MAX_ENDPOINT: usize = 128;

/// The error of a sign-on that fails.
const NOT_THEM: &str = "911";

/// A person's notification connection.
pub(super) struct Session {
    version: u32,
    endpoint: String,
    sign_on: SignOn,
    desk: Desk,
    /// The server's list on its way to the client.
    merge: Merge,
    groups: Groups,
    /// The version of the list, in the words of MSNP8 and 9.
    list_version: String,
    /// How many contacts of ours are in the list that is being told in the words of MSNP2 to 7.
    early_ours: usize,
    /// What is known of the presence of the foreign contacts.
    presences: BTreeMap<Address, Presence>,
    own: Own,
    /// Only those on the allow list may write.
    allow_only: bool,
    rings: Rings,
    /// What the client said of its lists since MSNP13.
    domains: Domains,
    /// Requests that wait for a client since MSNP13 to be online.
    requests: Waiting,
}

impl Session {
    /// A session in `version`, on a connection that `bell` wakes.
    pub(super) fn new(version: u32, bell: Bell) -> Self {
        Self {
            version,
            endpoint: "MSN".into(),
            sign_on: SignOn::default(),
            desk: Desk::new(bell),
            merge: Merge::default(),
            groups: Groups::new(version),
            list_version: "1".into(),
            early_ours: 0,
            presences: BTreeMap::new(),
            own: Own::default(),
            allow_only: false,
            rings: Rings::default(),
            domains: Domains::default(),
            requests: Waiting::default(),
        }
    }

    /// Whether the client can be rung: it has chosen its status.
    pub(super) const fn takes_texts(&self) -> bool {
        self.own.is_shown()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.merge.deadline()
    }

    /// How many bytes are held for the client.
    pub(super) fn weight(&self) -> usize {
        let own = self.own.weight() + self.groups.weight() + self.domains.weight();
        let papers = self.desk.open();
        let me = papers.me.weight() + papers.unread.weight();
        drop(papers);
        self.merge.weight() + self.requests.weight() + own + me
    }

    pub(super) fn tick(&mut self, io: &mut Io<'_>) -> Result<(), Fault> {
        if self.merge.deadline().is_some_and(|at| at <= io.now.instant) {
            self.finish_list(io)?;
        }
        Ok(())
    }

    /// Another connection of the person left something on the desk.
    pub(super) fn rung(&mut self, io: &mut Io<'_>) {
        self.apply_edits(io);
        self.run_errands(io);
        let has_list = self.desk.open().book.take_presences_due();
        if has_list {
            self.show_again(io);
        }
        let unread = self.desk.open().unread.senders();
        for from in unread {
            self.rings_for(&from, io);
        }
    }

    /// Takes a command of either side.
    pub(super) fn command(
        &mut self,
        side: Side,
        command: Command,
        io: &mut Io<'_>,
    ) -> Result<(), Fault> {
        match side {
            Side::Client => self.client(&command, io),
            Side::Server => {
                if let Some(command) = self.merge_in(command, io)? {
                    self.server(&command, io)?;
                }
            }
        }
        Ok(())
    }

    fn client(&mut self, command: &Command, io: &mut Io<'_>) {
        let forward = match command.verb() {
            "CVR" => {
                let endpoint = format!("{} {}", command.word(6), command.word(7));
                let end = endpoint.floor_char_boundary(MAX_ENDPOINT);
                endpoint.get(..end).unwrap_or_default().clone_into(&mut self.endpoint);
                true
            }
            "SYN" => self.ask_for_all(command, io),
            "XFR" if command.word(2) == "SB" => self.ask_for_talk(command, io),
            "ADD" | "ADC" => self.add(command, io),
            "REM" => self.remove(command, io),
            "REA" | "SBP" => self.rename(command, io),
            "RMG" | "REG" => self.edit_group(command, io),
            "CHG" => {
                self.own.asked(command);
                true
            }
            "ADL" | "RML" => self.edit_domains(command, io),
            "FQY" => self.query(command, io),
            "SND" | "SDC" | "PAG" | "PGD" => invite(command, io),
            "UUM" | "UUN" => message_to(command, io),
            "USR" => {
                let name = |name: &str| io.context.names.address(name, &io.context.network).ok();
                self.sign_on = std::mem::take(&mut self.sign_on).said(command, name);
                true
            }
            "UUX" => {
                self.personal_message(command, io);
                true
            }
            _ => true,
        };
        if !forward {
            return;
        }
        if is_named_in(command, io) {
            io.out.withhold();
            let error = if command.verb() == "USR" { NOT_THEM } else { self.no_such_name() };
            return io.tell(format!("{error} {}", command.word(1)));
        }
        io.out.forward(Side::Server, command.raw.clone());
    }

    /// Takes a command of the server that is not held back.
    fn server(&mut self, command: &Command, io: &mut Io<'_>) -> Result<(), Fault> {
        match command.verb() {
            "USR" if command.word(2) == "OK" => return self.accepted(command, io),
            "BLP" => {
                self.allow_only = command.words().next_back() == Some("BL");
                io.out.forward(Side::Client, command.raw.clone());
            }
            "CHG" => {
                io.out.forward(Side::Client, command.raw.clone());
                self.desk.open().me.can(command.word(3));
                self.changed_status(command, io);
            }
            "PRP" | "REA" | "NLN" => {
                self.note_nick(command, io);
                io.out.forward(Side::Client, command.raw.clone());
            }
            "XFR" if self.rings.is_ours(command) => self.opened(command, io),
            // Somebody of the server's under the name of somebody foreign.
            "RNG" if io.class_of(command.word(5)) != NameClass::Own => io.out.withhold(),
            "XFR" | "RNG" => {
                let shown = match self.invitation(Host::Server) {
                    Some(invitation) => named(command, io, invitation),
                    None => named(command, io, ()),
                };
                io.out.forward(Side::Client, shown.unwrap_or_default());
            }
            "FQY" => self.answered(command, io),
            "LSG" | "LST" if self.version < 8 => self.early_line(command, io),
            "LSG" => {
                self.groups.learn(command);
                io.out.forward(Side::Client, command.raw.clone());
            }
            "ADG" => {
                self.groups.learn_new(command);
                io.out.forward(Side::Client, command.raw.clone());
            }
            _ if self.rings.is_ours(command) => self.not_opened(command, io),
            _ => io.out.forward(Side::Client, command.raw.clone()),
        }
        Ok(())
    }

    /// `USR n OK name`: the server knows the person, if it says so to the client's proof.
    fn accepted(&mut self, command: &Command, io: &mut Io<'_>) -> Result<(), Fault> {
        let Ok(user) = io.context.names.address(command.word(3), &io.context.network) else {
            io.out.forward(Side::Client, command.raw.clone());
            if self.sign_on.user().is_none() {
                io.out.emit(Event::Opaque);
            }
            return Ok(());
        };
        let judged = std::mem::take(&mut self.sign_on).accepted(command, user);
        // Not even passed on unread: the client would go on under the wrong name.
        let (sign_on, signs_in) = judged.inspect_err(|_| io.out.withhold())?;
        self.sign_on = sign_on;
        io.out.forward(Side::Client, command.raw.clone());
        if let SignOn::Accepted { user, token } = &self.sign_on
            && signs_in
        {
            // Since MSNP13 there is an address book, which finds this connection here.
            if self.version >= 13 {
                Doors::of(io).open(user, *token, &self.desk);
            }
            if self.version < 10 {
                self.desk.open().me.is_called(command.word(4));
            }
            let (user, endpoint) = (user.clone(), self.endpoint.clone());
            io.out.emit(Event::SignedIn { user, endpoint });
        }
        Ok(())
    }

    fn invitation(&self, host: Host) -> Option<Invitation> {
        let (endpoint, desk) = (self.endpoint.clone(), self.desk.clone());
        Some(Invitation {
            user: self.sign_on.user()?.clone(),
            endpoint,
            version: self.version,
            desk,
            host,
        })
    }

    /// The foreign list, once.
    pub(super) fn roster(&mut self, roster: &Roster, io: &mut Io<'_>) -> Result<(), Fault> {
        self.desk.open().book.fill(roster.contacts().cloned());
        roster.contacts().for_each(|c| self.lay_out(c, io));
        if self.merge.is_ready() {
            self.finish_list(io)?;
        }
        self.merge.settle(io);
        Ok(())
    }

    /// A change that was made on some side. The client is told of a contact that no longer wants
    /// to see the person, where its version has words for that.
    pub(super) fn updated(&mut self, contact: &Contact, io: &mut Io<'_>) {
        let granted = |c: &Contact| c.from == Subscription::Granted;
        let left = self.contact(&contact.address).is_some_and(|c| granted(&c))
            && contact.from == Subscription::None;
        self.changed(contact, io);
        let name = self.shown(&contact.address, io).map(|(name, _)| name);
        if let Some(name) = name.filter(|_| left && self.merge.is_done()) {
            match self.version {
                ..10 => io.tell(format!("REM 0 RL {} {name}", self.list_version)),
                10..13 => io.tell(format!("REM 0 RL {name}")),
                13.. => {}
            }
        }
    }

    /// A change of the list; the client's own edits are known already.
    pub(super) fn changed(&mut self, contact: &Contact, io: &Io<'_>) {
        let mut papers = self.desk.open();
        if !matches!(contact.from, Subscription::Asked(_)) {
            papers.book.asked.remove(&contact.address);
        }
        papers.book.put(contact);
        drop(papers);
        self.lay_out(contact, io);
    }

    /// Notes how the client shows a contact, for the switchboards.
    fn lay_out(&self, contact: &Contact, io: &Io<'_>) {
        let mut papers = self.desk.open();
        if !contact.listed {
            papers.people.remove(&contact.address);
        } else if let Some(spelling) = spelling(Some(contact), &contact.address, &io.context.names)
        {
            let nick = contact.alias.clone().unwrap_or_else(|| spelling.clone());
            let online = self.presences.get(&contact.address).is_some_and(Presence::is_online);
            papers.people.insert(contact.address.clone(), Known { spelling, nick, online });
        }
    }

    fn contact(&self, address: &Address) -> Option<Contact> {
        self.desk.open().book.contact(address).cloned()
    }

    /// Whether the gateway told the foreign contacts.
    fn knows_contacts(&self) -> bool {
        self.desk.open().book.is_filled()
    }

    /// Every foreign contact.
    fn contacts(&self) -> Vec<Contact> {
        self.desk.open().book.contacts().cloned().collect()
    }

    /// The name and nick under which the client knows `address`.
    fn shown(&self, address: &Address, io: &Io<'_>) -> Option<(String, String)> {
        let contact = self.contact(address);
        let name = spelling(contact.as_ref(), address, &io.context.names)?;
        let nick = contact.and_then(|c| c.alias).unwrap_or_else(|| name.clone());
        Some((name, nick))
    }

    /// Something for the person that is not for an open conversation.
    pub(super) fn deliver(&mut self, envelope: Envelope, io: &mut Io<'_>) {
        match &envelope.body {
            Body::Presence(presence) => {
                self.presence_in(&envelope.from.clone(), presence.clone(), io);
            }
            Body::Text { .. } | Body::Attention => self.message_in(envelope, io),
            Body::Undelivered { why, .. } => {
                let name = self.shown(&envelope.from, io).map(|(name, _)| name);
                let name = name.unwrap_or_else(|| envelope.from.to_string());
                let body = Body::Text { text: why.of_message_to(&name).into(), auto: true };
                self.message_in(Envelope { from: Address::control(), body, ..envelope }, io);
            }
            Body::Contact(Consent::Request(_)) => self.request_in(envelope, io),
            Body::Contact(_) | Body::Typing(_) | Body::Receipt { .. } => {}
        }
    }

    /// Somebody asks to see the person: the client asks by its own dialogue when somebody new
    /// stands in the reverse list.
    fn request_in(&mut self, envelope: Envelope, io: &mut Io<'_>) {
        let Some((name, nick)) = self.shown(&envelope.from, io) else {
            return io.out.emit(Event::Unshown(envelope));
        };
        let by_soap = self.version >= 13;
        if by_soap && !self.own.is_shown() {
            if let Err(envelope) = self.requests.push(envelope) {
                io.out.emit(Event::Unshown(*envelope));
            }
            return;
        }
        if by_soap && !self.desk.open().book.served {
            return io.out.emit(Event::Unshown(envelope));
        }
        let told = by_soap || self.merge.is_done();
        if !told || !self.desk.open().book.asked.insert(envelope.from) {
            return;
        }
        if by_soap {
            return show_request(&name, &nick, io);
        }
        let nick = crate::msnp::wire::encode(&nick);
        if self.has_guids() {
            io.tell(format!("ADC 0 RL N={name} F={nick}"));
        } else {
            io.tell(format!("ADD 0 RL {} {name} {nick}", self.list_version));
        }
    }

    /// Whether contacts and groups are named by GUIDs, as since MSNP10.
    const fn has_guids(&self) -> bool {
        self.version >= 10
    }
}
