//! The address books of a client since MSNP13, which are connections of their own: they read the
//! list here, and have it changed here.

use std::sync::Arc;

use crosstalk_core::{Address, ConnectionId, Subscription};

use super::Session;
use crate::msnp::account_keys::{self, Token};
use crate::msnp::account_messages::{Served, ToAddressBook};
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;

/// What the client has read of its address book.
#[derive(Default)]
pub(super) struct AddressBooks {
    /// A part of it with the foreign contacts in it.
    pub(super) is_served: bool,
    /// The contacts themselves: what a client is told of people before it has them means nothing to
    /// it.
    has_contacts: bool,
}

impl Session {
    /// Gives an address book the list. The token that came with the question is the person's.
    pub(super) fn give_list(
        &mut self,
        to: ConnectionId,
        number: u32,
        token: Option<Token>,
        cx: &mut Cx<'_>,
    ) {
        let Some(owner) = self.sign_on.user().map(|user| user.name().clone()) else { return };
        if let Some(token) = token {
            cx.listen(token.key());
            // The name stays among the newest keys, of which a connection has only so many.
            cx.listen(account_keys::of_account(&owner));
        }
        let list = self.list.is_filled().then(|| Arc::clone(&self.list));
        ToAddressBook::List { number, owner, list }.tell(to, cx);
    }

    /// Makes the changes that a client asked its address book for.
    pub(super) fn edit(
        &mut self,
        by: ConnectionId,
        number: u32,
        edits: Vec<Edit>,
        cx: &mut Cx<'_>,
    ) {
        let mut made = true;
        for edit in edits {
            let fits = edit.adds().is_none_or(|address| self.list.has_room_for(address));
            if fits {
                self.apply(edit, cx);
            }
            made &= fits;
        }
        // Only now the client hears a yes: were this connection to end before, it would hear a no.
        ToAddressBook::Edited { number, made }.tell(by, cx);
    }

    /// The client was given a part of its list.
    pub(super) fn served(&mut self, served: Served, cx: &mut Cx<'_>) {
        let Served { members, contacts, asked, groups } = served;
        self.address_books.is_served |= members || contacts;
        // Whoever was answered meanwhile may ask again, and is then shown again.
        let waits = |who: &Address| {
            let known = self.list.contact(who);
            known.is_some_and(|contact| matches!(contact.from, Subscription::Asked(_)))
        };
        let asked: Vec<Address> = asked.into_iter().filter(waits).collect();
        self.asked.extend(asked);
        let list = self.list_mut();
        for (name, id) in groups {
            list.groups.note(name, id);
        }
        if !contacts {
            return;
        }
        list.know_groups();
        if !std::mem::replace(&mut self.address_books.has_contacts, true) {
            self.show_again(cx);
        }
    }
}
