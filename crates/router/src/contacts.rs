//! Contacts as the person's clients see them: with the control contact among them.

use crosstalk_core::{Address, Contact, Presence};

use crate::account::Account;
use crate::control::{answers_for, shown_control};
use crate::settings::Settings;

impl<A> Account<A> {
    /// A contact as it is stored.
    pub(crate) fn contact(&self, address: &Address) -> Option<&Contact> {
        self.roster.as_ref()?.contact(address)
    }

    /// A contact as clients see it; blank if there is none.
    pub(crate) fn shown_contact(&self, settings: &Settings, address: &Address) -> Contact {
        match self.contact(address) {
            stored if answers_for(address) => shown_control(settings, stored),
            Some(contact) => contact.clone(),
            None => Contact::new(address.clone(), settings.names.universal(address)),
        }
    }

    /// Presence of a contact, as the person sees it.
    pub(crate) fn presence_of(&self, settings: &Settings, contact: &Address) -> Presence {
        if answers_for(contact) && settings.control {
            Presence::available()
        } else {
            self.contact_presence.of(contact)
        }
    }

    /// Spelling of `address` for the person.
    pub(crate) fn spelling(&self, settings: &Settings, address: &Address) -> String {
        match self.contact(address) {
            Some(contact) => contact.spelling.clone(),
            None => settings.names.universal(address),
        }
    }
}
