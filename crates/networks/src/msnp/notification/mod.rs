//! The connection to the notification server: the list, presence, and where conversations are.

mod address_books;
mod consent;
mod conversations;
mod presence;
mod roster;
mod sign_on;
mod switchboard_invites;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use crosstalk_core::{
    Address, Body, ConnectionId, Consent, Contact, Envelope, Event, Fault, Message, NameClass,
    Roster, Side, Subscription,
};

use self::address_books::AddressBooks;
use self::conversations::Conversations;
use self::presence::Own;
use self::roster::{Domains, Merge, invite, message_to};
use self::sign_on::SignOn;
use self::switchboard_invites::SwitchboardInvites;
use crate::common::{Presences, Waiting, in_words};
use crate::msnp::account_keys;
use crate::msnp::account_messages::ToNotification;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::ForeignList;
use crate::msnp::foreign_names::is_named_in;
use crate::msnp::foreign_names::spelling;
use crate::msnp::handoff::{Host, Invitation, note_place};
use crate::msnp::me::Me;
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
    /// The foreign contacts and the groups, as address books read them too.
    list: Arc<ForeignList>,
    /// People who were shown to the client as asking.
    asked: BTreeSet<Address>,
    address_books: AddressBooks,
    /// Facts about the person as the server stated them.
    me: Me,
    /// The server's list on its way to the client.
    merge: Merge,
    /// The version of the list, in the words of MSNP8 and 9.
    list_version: String,
    /// Number of foreign contacts in the list that is being sent in the commands of MSNP2 to 7.
    early_ours: usize,
    /// Presences of the foreign contacts who are online.
    presences: Presences,
    own: Own,
    /// Only those on the allow list may write.
    allow_only: bool,
    invites: SwitchboardInvites,
    conversations: Conversations,
    /// The client's edits by ADL and RML, as far as they are under way.
    domains: Domains,
    /// Requests that wait for a client since MSNP13 to be online.
    requests: Waiting,
}

impl Session {
    /// A session in `version`.
    pub(super) fn new(version: u32) -> Self {
        Self {
            version,
            endpoint: "MSN".into(),
            sign_on: SignOn::default(),
            list: Arc::new(ForeignList::new(version)),
            asked: BTreeSet::new(),
            address_books: AddressBooks::default(),
            me: Me::default(),
            merge: Merge::default(),
            list_version: "1".into(),
            early_ours: 0,
            presences: Presences::default(),
            own: Own::default(),
            allow_only: false,
            invites: SwitchboardInvites::default(),
            conversations: Conversations::default(),
            domains: Domains::default(),
            requests: Waiting::default(),
        }
    }

    /// Whether the client can be invited (RNG): it has chosen its status.
    pub(super) const fn takes_texts(&self) -> bool {
        self.own.is_shown()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.merge.deadline()
    }

    /// Bytes held for the client.
    pub(super) fn weight(&self) -> usize {
        let own = self.own.weight()
            + self.presences.weight()
            + self.list.groups.weight()
            + self.domains.weight();
        let conversations = self.conversations.weight() + self.invites.weight();
        self.merge.weight() + self.requests.weight() + own + self.me.weight() + conversations
    }

    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.merge.deadline().is_some_and(|at| at <= cx.now.instant) {
            self.finish_list(cx)?;
        }
        Ok(())
    }

    /// Another connection of the person said something.
    pub(super) fn heard(&mut self, from: ConnectionId, message: Message, cx: &mut Cx<'_>) {
        match message.downcast() {
            Ok(ToNotification::WantsSwitchboard) => self.ask_for_switchboard(from, cx),
            Ok(ToNotification::Joins { guest, answers }) => self.joins(from, guest, answers, cx),
            Ok(ToNotification::Joined { guest, is_shown }) => {
                self.joined(from, &guest, is_shown, cx);
            }
            Ok(ToNotification::Unread(texts)) => self.keep_unread(texts, cx),
            Ok(ToNotification::WantsList { number, token }) => {
                self.give_list(from, number, token, cx);
            }
            // Later the client heard a no: what it asks for again would be made twice.
            Ok(ToNotification::Edits { until, .. }) if until <= cx.now.instant => {}
            Ok(ToNotification::Edits { number, edits, .. }) => self.edit(from, number, edits, cx),
            Ok(ToNotification::Served(served)) => self.served(served, cx),
            Err(_) => {}
        }
    }

    /// Takes a command of either side.
    pub(super) fn command(
        &mut self,
        side: Side,
        command: Command,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        match side {
            Side::Client => self.client(&command, cx),
            Side::Server => {
                if let Some(command) = self.merge_in(command, cx)? {
                    self.server(&command, cx)?;
                }
            }
        }
        Ok(())
    }

    fn client(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let forward = match command.verb() {
            "CVR" => {
                let endpoint = format!("{} {}", command.word(6), command.word(7));
                let end = endpoint.floor_char_boundary(MAX_ENDPOINT);
                endpoint.get(..end).unwrap_or_default().clone_into(&mut self.endpoint);
                true
            }
            "SYN" => self.ask_for_all(command, cx),
            "XFR" if command.word(2) == "SB" => self.ask_for_talk(command, cx),
            "ADD" | "ADC" => self.add(command, cx),
            "REM" => self.remove(command, cx),
            "REA" | "SBP" => self.rename(command, cx),
            "RMG" | "REG" => self.edit_group(command, cx),
            "CHG" => {
                self.own.asked(command);
                true
            }
            "ADL" | "RML" => self.edit_domains(command, cx),
            "FQY" => self.query(command, cx),
            "SND" | "SDC" | "PAG" | "PGD" => invite(command, cx),
            "UUM" | "UUN" => message_to(command, cx),
            "USR" => {
                let name = |name: &str| cx.context.names.address(name, &cx.context.network).ok();
                self.sign_on = std::mem::take(&mut self.sign_on).said(command, name);
                true
            }
            "UUX" => {
                self.personal_message(command, cx);
                true
            }
            _ => true,
        };
        if !forward {
            return;
        }
        if is_named_in(command, cx) {
            cx.out.withhold();
            let error = if command.verb() == "USR" { NOT_THEM } else { self.no_such_name() };
            return cx.show(format!("{error} {}", command.word(1)));
        }
        cx.out.forward(Side::Server, command.raw.clone());
    }

    /// Takes a command of the server that is not held back.
    fn server(&mut self, command: &Command, cx: &mut Cx<'_>) -> Result<(), Fault> {
        match command.verb() {
            "USR" if command.word(2) == "OK" => return self.accepted(command, cx),
            "BLP" => {
                self.allow_only = command.words().next_back() == Some("BL");
                cx.out.forward(Side::Client, command.raw.clone());
            }
            "CHG" => {
                cx.out.forward(Side::Client, command.raw.clone());
                self.me.can(command.word(3));
                self.changed_status(command, cx);
            }
            "PRP" | "REA" | "NLN" => {
                self.note_nick(command, cx);
                cx.out.forward(Side::Client, command.raw.clone());
            }
            "XFR" if self.invites.is_ours(command) => self.opened(command, cx),
            // Somebody of the server's under the name of somebody foreign.
            "RNG" if cx.classify(command.word(5)) != NameClass::Own => cx.out.withhold(),
            "XFR" | "RNG" => {
                let shown = match self.invitation(Host::Server, cx) {
                    Some(invitation) => note_place(command, cx, invitation),
                    None => note_place(command, cx, ()),
                };
                cx.out.forward(Side::Client, shown.unwrap_or_default());
            }
            "FQY" => self.answered(command, cx),
            "LSG" | "LST" if self.version < 8 => self.early_line(command, cx),
            "LSG" => {
                self.list_mut().groups.learn(command);
                cx.out.forward(Side::Client, command.raw.clone());
            }
            "ADG" => {
                self.list_mut().groups.learn_new(command);
                cx.out.forward(Side::Client, command.raw.clone());
            }
            _ if self.invites.is_ours(command) => self.not_opened(command, cx),
            _ => cx.out.forward(Side::Client, command.raw.clone()),
        }
        Ok(())
    }

    /// `USR n OK name`: the server knows the person, if it says so to the client's proof.
    fn accepted(&mut self, command: &Command, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let Ok(user) = cx.context.names.address(command.word(3), &cx.context.network) else {
            cx.out.forward(Side::Client, command.raw.clone());
            if self.sign_on.user().is_none() {
                cx.out.emit(Event::Opaque);
            }
            return Ok(());
        };
        let judged = std::mem::take(&mut self.sign_on).accepted(command, user);
        // Not even passed on unread: the client would go on under the wrong name.
        let (sign_on, signs_in) = judged.inspect_err(|_| cx.out.withhold())?;
        self.sign_on = sign_on;
        cx.out.forward(Side::Client, command.raw.clone());
        if let SignOn::Accepted { user, token } = &self.sign_on
            && signs_in
        {
            // Since MSNP13 there is an address book, which finds this connection here.
            if self.version >= 13 {
                cx.listen(account_keys::of_account(user.name()));
                if let Some(token) = token {
                    cx.listen(token.key());
                }
            }
            if self.version < 10 {
                self.me.is_called(command.word(4));
            }
            let (user, endpoint) = (user.clone(), self.endpoint.clone());
            cx.out.emit(Event::SignedIn { user, endpoint });
        }
        Ok(())
    }

    fn invitation(&self, host: Host, cx: &Cx<'_>) -> Option<Invitation> {
        Some(Invitation {
            user: self.sign_on.user()?.clone(),
            endpoint: self.endpoint.clone(),
            version: self.version,
            notification: cx.context.connection,
            me: self.me.clone(),
            host,
        })
    }

    /// The foreign list, once.
    pub(super) fn roster(&mut self, roster: &Roster, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.list_mut().fill(roster.contacts());
        if self.merge.is_ready() {
            self.finish_list(cx)?;
        }
        self.merge.settle(cx);
        Ok(())
    }

    /// A change of the list; the client's own edits are known already.
    pub(super) fn changed(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        let before = self.contact(&contact.address);
        let is_shown_anew =
            before.is_none_or(|before| !before.listed || before.alias != contact.alias);
        if !matches!(contact.from, Subscription::Asked(_)) {
            self.asked.remove(&contact.address);
        }
        self.list_mut().put(contact);
        if is_shown_anew {
            self.tell_nick(&contact.address, cx);
        }
    }

    /// The list, to be changed. It is copied only while an address book reads it.
    fn list_mut(&mut self) -> &mut ForeignList {
        Arc::make_mut(&mut self.list)
    }

    fn contact(&self, address: &Address) -> Option<&Contact> {
        self.list.contact(address)
    }

    /// Whether the gateway told the foreign contacts.
    fn knows_contacts(&self) -> bool {
        self.list.is_filled()
    }

    /// The name and nick under which the client knows `address`.
    fn shown(&self, address: &Address, cx: &Cx<'_>) -> Option<(String, String)> {
        let contact = self.contact(address);
        let name = spelling(contact, address, &cx.context.names)?;
        let nick = contact.and_then(|c| c.alias.clone()).unwrap_or_else(|| name.clone());
        Some((name, nick))
    }

    /// Something for the person that is not for an open conversation.
    pub(super) fn deliver(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        match &envelope.body {
            Body::Text { .. } | Body::Attention => self.message_in(envelope, cx),
            Body::Undelivered { why, .. } => {
                let name = self.shown(&envelope.from, cx).map(|(name, _)| name);
                self.message_in(in_words(&envelope, *why, name), cx);
            }
            Body::Contact(Consent::Request(_)) => self.request_in(envelope, cx),
            Body::Contact(_) | Body::Typing(_) | Body::Receipt { .. } => {}
        }
    }

    /// Whether contacts and groups are named by GUIDs, as since MSNP10.
    const fn has_guids(&self) -> bool {
        self.version >= 10
    }
}
