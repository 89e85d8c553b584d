//! Permit/deny modes: who of the foreign people sees the person and may write.

use std::collections::BTreeSet;

use crosstalk_core::{Address, Audience, Event, MAX_CONTACTS, RosterEdit};

use crate::oscar::PER_PERSON;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::kinds::permit_deny::{
    ADD_DENY, ADD_PERMIT, ADD_TEMP_PERMIT, DEL_DENY, DEL_PERMIT, DEL_TEMP_PERMIT,
};
use crate::oscar::wire::snac::Kind;
use crate::oscar::wire::{Reader, Snac};

/// Modes, as TLV 0xca of the item of class 4 has them.
pub(in crate::oscar) mod mode {
    pub(in crate::oscar) const PERMIT_ALL: u8 = 1;
    pub(in crate::oscar) const DENY_ALL: u8 = 2;
    pub(in crate::oscar) const PERMIT_SOME: u8 = 3;
    pub(in crate::oscar) const DENY_SOME: u8 = 4;
    pub(in crate::oscar) const PERMIT_LISTED: u8 = 5;
}

/// The lists of a client that keeps its own, by family 09. They hold for a session.
#[derive(Default)]
pub(in crate::oscar) struct ClientLists {
    /// 0 before the client said anything.
    mode: u8,
    permitted: BTreeSet<Address>,
    denied: BTreeSet<Address>,
    /// Whether they may let other people see the person than at the last look.
    changed: bool,
}

impl ClientLists {
    fn admits(&self, address: &Address) -> bool {
        match self.mode {
            mode::DENY_ALL => false,
            mode::PERMIT_SOME => self.permitted.contains(address),
            _ => !self.denied.contains(address),
        }
    }

    fn audience(&self) -> Audience {
        match self.mode {
            mode::DENY_ALL => Audience::only(BTreeSet::new()),
            mode::PERMIT_SOME => Audience::only(self.permitted.clone()),
            // Whom it denies is blocked.
            _ => Audience::everybody(),
        }
    }

    /// The client is in another mode, in which it lists people anew. Returns whom it denies no
    /// longer: whom it denied it still does while it says who is permitted.
    fn enter(&mut self, mode: u8) -> BTreeSet<Address> {
        if self.mode == mode {
            return BTreeSet::new();
        }
        self.mode = mode;
        self.permitted.clear();
        match mode {
            mode::DENY_ALL | mode::PERMIT_SOME => BTreeSet::new(),
            _ => std::mem::take(&mut self.denied),
        }
    }

    /// Whether they may let other people see the person than at the last look.
    pub(in crate::oscar) const fn take_change(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// Bytes that they take.
    pub(in crate::oscar) fn weight(&self) -> usize {
        (self.permitted.len() + self.denied.len()) * PER_PERSON
    }
}

impl Account {
    /// Whether the mode lets a foreign person through. Clients are unreliable here.
    pub(in crate::oscar) fn admits(&self, address: &Address) -> bool {
        if self.list.is_stored() {
            self.feedbag.admits(address)
        } else {
            self.client_lists.admits(address)
        }
    }

    /// The foreign people whom the mode lets see the person.
    pub(in crate::oscar) fn audience(&self) -> Audience {
        if self.list.is_stored() { self.feedbag.audience() } else { self.client_lists.audience() }
    }

    /// 09/05 to 09/0b: whom to permit and to deny.
    pub(in crate::oscar) fn permits(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let is_self = self.is_own_name_alone(snac, cx);
        let partitioned = self.part(snac, cx);
        self.permit_or_deny(snac.kind(), partitioned.foreign, is_self, cx);
        partitioned.verdict
    }

    /// Whether a list of names has one alone, the person's own.
    fn is_own_name_alone(&self, snac: &Snac, cx: &Cx<'_>) -> bool {
        let mut reader = Reader::new(&snac.body);
        let name = reader.short().map(String::from_utf8_lossy);
        let address = |name: &str| cx.context.names.address(name, &cx.context.network).ok();
        reader.rest().is_empty()
            && self.user().is_some()
            && name.is_ok_and(|name| address(&name).as_ref() == self.user())
    }

    /// Names of the client's lists are added or removed; `is_self` where the only one is the
    /// person's own, by which clients say "nobody" and "everybody".
    fn permit_or_deny(
        &mut self,
        kind: Kind,
        foreign: Vec<Address>,
        is_self: bool,
        cx: &mut Cx<'_>,
    ) {
        if matches!(kind, ADD_DENY | DEL_DENY) && !self.client_lists.denied.is_empty() {
            self.tell_presence_first(cx);
        }
        let lists = &mut self.client_lists;
        let forgiven = match kind {
            ADD_PERMIT if is_self => lists.enter(mode::DENY_ALL),
            ADD_PERMIT => lists.enter(mode::PERMIT_SOME),
            ADD_DENY if is_self => lists.enter(mode::PERMIT_ALL),
            ADD_DENY => lists.enter(mode::DENY_SOME),
            _ => BTreeSet::new(),
        };
        let knows_who = self.user().is_some();
        let mut block = |address: Address, blocked| {
            if knows_who {
                cx.emit(Event::Roster(RosterEdit::Block(address, blocked)));
            }
        };
        for address in forgiven {
            block(address, false);
        }
        let lists = &mut self.client_lists;
        for address in foreign {
            let list = match kind {
                ADD_DENY | DEL_DENY => &mut lists.denied,
                _ => &mut lists.permitted,
            };
            match kind {
                ADD_PERMIT | ADD_TEMP_PERMIT | ADD_DENY if list.len() < MAX_CONTACTS => {
                    list.insert(address.clone());
                }
                DEL_PERMIT | DEL_TEMP_PERMIT | DEL_DENY => drop(list.remove(&address)),
                _ => {}
            }
            match kind {
                ADD_DENY => block(address, true),
                DEL_DENY => block(address, false),
                _ => {}
            }
        }
        self.client_lists.changed = true;
    }
}
