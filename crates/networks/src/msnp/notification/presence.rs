//! Presence, of the person and of foreign contacts.

use crosstalk_core::{Address, Availability, Event, Presence, RichText, Side};

use super::Session;
use crate::msnp::context::{Cx, capabilities};
use crate::msnp::wire::xml_text::{escaped, unescaped};
use crate::msnp::wire::{Command, encode, with_payload};

/// The network of people with a passport, which names carry since MSNP14: as a word behind them,
/// and since MSNP18 in front.
const PASSPORT: u8 = 1;

/// The longest message to everybody that is read, in bytes: clients let people write 129
/// characters.
const MAX_MESSAGE: usize = 4_096;

/// The person's own presence.
#[derive(Default)]
pub(super) struct Own {
    /// The status, once the server has confirmed one.
    status: Option<String>,
    message: String,
    /// The last status the client asked for.
    asked: String,
}

impl Own {
    pub(super) fn asked(&mut self, command: &Command) {
        command.word(2).clone_into(&mut self.asked);
    }

    /// Whether the client has been shown the presence of others.
    pub(super) const fn is_shown(&self) -> bool {
        self.status.is_some()
    }

    /// Bytes that they take.
    pub(super) const fn weight(&self) -> usize {
        self.message.len() + self.asked.len()
    }

    fn presence(&self, cx: &Cx<'_>) -> Option<Presence> {
        let status = self.status.as_deref()?;
        let show = match status {
            "HDN" | "FLN" => return Some(Presence::offline()),
            "BSY" | "PHN" => Availability::Busy,
            "AWY" | "BRB" | "LUN" => Availability::Away,
            _ => Availability::Available,
        };
        let text = RichText::plain(self.message.as_str());
        let idle_since = (status == "IDL").then_some(cx.now.wall);
        Some(Presence { show, text, idle_since, online_since: None })
    }
}

/// MSN's code for a presence.
const fn status(presence: &Presence) -> &'static str {
    match presence.show {
        Availability::Busy => "BSY",
        Availability::Away | Availability::ExtendedAway => "AWY",
        _ if presence.idle_since.is_some() => "IDL",
        _ => "NLN",
    }
}

impl Session {
    /// UUX: the person's message to everybody, since MSNP11.
    pub(super) fn personal_message(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let payload = String::from_utf8_lossy(command.payload());
        let inside = payload.split_once("<PSM>").and_then(|(_, rest)| rest.split_once("</PSM>"));
        let empty = || ["<PSM/>", "<PSM />"].iter().any(|tag| payload.contains(tag));
        // What clients say of their own endpoints comes the same way, without a message.
        let message = match inside {
            Some((message, _)) => message,
            None if empty() => "",
            None => return,
        };
        let message = message.get(..message.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default();
        self.own.message = unescaped(message);
        self.tell_presence(cx);
    }

    /// CHG, which the server repeats to confirm it.
    pub(super) fn changed_status(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let first = !self.own.is_shown();
        self.own.status = Some(command.word(2).to_owned());
        self.tell_presence(cx);
        if !first {
            return;
        }
        self.begin_telling(cx);
        self.show_presences(Some(command.transaction()), cx);
        self.invite_all(cx);
    }

    /// The client has its list only now, and may be online since before: what it was told meanwhile
    /// of people that it did not know meant nothing to it.
    pub(super) fn show_again(&self, cx: &mut Cx<'_>) {
        if self.own.is_shown() {
            self.show_presences(None, cx);
        }
    }

    /// Shows everybody who is online.
    fn show_presences(&self, initial: Option<u32>, cx: &mut Cx<'_>) {
        for address in self.presences.people() {
            self.show_presence(address, initial, cx);
        }
    }

    /// Notes what the server calls the person, if that is what a command says: `PRP MFN nick`,
    /// `PRP n MFN nick`, before MSNP10 `REA n version name nick`, and of one's own presence since
    /// MSNP16 `NLN status name 1 nick` or `NLN status 1:name nick`.
    pub(super) fn note_nick(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let Some(user) = self.sign_on.user() else { return };
        let at = match (command.verb(), self.version) {
            ("PRP", _) => (1..3).find(|at| command.word(*at) == "MFN").map(|at| (None, at + 1)),
            ("REA", ..10) => Some((Some(3), 4)),
            ("NLN", 16..18) => Some((Some(2), 4)),
            ("NLN", 18..) => Some((Some(2), 3)),
            _ => None,
        };
        let Some((name, nick)) = at else { return };
        let name = name.map(|name| command.word(name));
        let name = name.map(|name| name.strip_prefix("1:").unwrap_or(name));
        let is_own = |name| {
            cx.context.names.address(name, &cx.context.network).is_ok_and(|own| own == *user.name())
        };
        if name.is_none_or(is_own) {
            self.me.is_called(command.word(nick));
        }
    }

    fn tell_presence(&self, cx: &mut Cx<'_>) {
        if let Some(presence) = self.own.presence(cx) {
            cx.out.emit(Event::Presence(presence));
        }
    }

    /// A foreign contact's presence.
    pub(in crate::msnp) fn presence_in(
        &mut self,
        of: &Address,
        presence: Presence,
        cx: &mut Cx<'_>,
    ) {
        let online = presence.is_online();
        let was_online = !online && self.presences.remove(of);
        if online {
            self.presences.insert(of.clone(), presence);
        }
        if !self.own.is_shown() {
            return;
        }
        if online {
            self.show_presence(of, None, cx);
        } else if was_online && let Some((name, _)) = self.shown(of, cx) {
            cx.show(match self.version {
                ..14 => format!("FLN {name}"),
                14..16 => format!("FLN {name} {PASSPORT} 0"),
                16..18 => format!("FLN {name} {PASSPORT} 0:0"),
                18.. => format!("FLN {PASSPORT}:{name} 0:0"),
            });
        }
    }

    /// Shows a contact of the list as it is; with `initial`, in answer to that transaction.
    pub(super) fn show_presence(&self, of: &Address, initial: Option<u32>, cx: &mut Cx<'_>) {
        let Some(presence) = self.presences.get(of) else { return };
        if !self.contact(of).is_some_and(|c| c.listed) {
            return;
        }
        let Some((name, nick)) = self.shown(of, cx) else { return };
        let (status, nick) = (status(presence), encode(&nick));
        let (verb, name) = match (initial, self.version) {
            (_, 18..) => ("NLN".to_owned(), format!("{PASSPORT}:{name}")),
            (Some(transaction), _) => (format!("ILN {transaction}"), name),
            (None, _) => ("NLN".to_owned(), name),
        };
        let who =
            if (14..18).contains(&self.version) { format!("{name} {PASSPORT}") } else { name };
        let capabilities = capabilities(self.version);
        cx.show(match self.version {
            ..8 => format!("{verb} {status} {who} {nick}"),
            8..16 => format!("{verb} {status} {who} {nick} {capabilities}"),
            16.. => format!("{verb} {status} {who} {nick} {capabilities} 0"),
        });
        if self.version >= 11 {
            let text = escaped(presence.text.text());
            let data = format!("<Data><PSM>{text}</PSM><CurrentMedia></CurrentMedia></Data>");
            cx.out.insert(Side::Client, with_payload(&format!("UBX {who}"), &data));
        }
    }
}
