//! Requests about contacts of the address book, in a group or in none.

use std::collections::BTreeSet;

use crosstalk_core::Address;

use super::requests::{Request, Who, who};
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;
use crate::msnp::groups::contact_guid;
use crate::msnp::wire::xml::Element;

impl Request<'_> {
    /// `Contact`s, in a group or in none.
    pub(super) fn contacts(&mut self, cx: &Cx<'_>) {
        let operation = self.operation;
        let groups: BTreeSet<String> = operation
            .at(&["groupFilter", "groupIds"])
            .into_iter()
            .flat_map(|ids| ids.named("guid"))
            .filter_map(|id| self.book?.groups.name(id.text().trim()).cloned())
            .collect();
        let contacts = operation.child("contacts");
        for contact in contacts.iter().flat_map(|contacts| contacts.named("Contact")) {
            let who = self.contact(contact, cx);
            self.sort(contact, &who);
            if let Who::Foreign { address, name } = who {
                self.guid = contact_guid(&address);
                self.edit_contact(contact, &address, name.as_ref(), &groups);
            }
        }
    }

    fn edit_contact(
        &mut self,
        contact: Element<'_>,
        address: &Address,
        name: Option<&String>,
        groups: &BTreeSet<String>,
    ) {
        let info = contact.child("contactInfo");
        let annotation = |name: &str| {
            let annotations = info?.child("annotations")?;
            let found = annotations.named("Annotation").find(|a| a.text_at(&["Name"]) == name)?;
            Some(found.text_at(&["Value"]).into_owned())
        };
        let nick = annotation("AB.NickName");
        let messenger = info.map(|info| info.text_at(&["isMessengerUser"])).unwrap_or_default();
        let list = |group: Option<String>| Edit::List {
            address: address.clone(),
            name: name.cloned(),
            nick: nick.clone(),
            group,
        };
        match self.operation.name() {
            "ABContactDelete" => self.edit(Edit::Unlist(address.clone())),
            "ABGroupContactDelete" => {
                for group in groups {
                    self.edit(Edit::Ungroup(address.clone(), group.clone()));
                }
            }
            "ABContactUpdate" if messenger == "false" => {
                self.edit(Edit::Unlist(address.clone()));
            }
            "ABContactUpdate" if nick.is_none() && messenger != "true" => {}
            "ABContactAdd" | "ABContactUpdate" | "ABGroupContactAdd" => {
                for group in groups {
                    self.edit(list(Some(group.clone())));
                }
                if groups.is_empty() {
                    self.edit(list(None));
                }
            }
            _ => {}
        }
    }

    fn contact(&self, contact: Element<'_>, cx: &Cx<'_>) -> Who {
        let guid = contact.text_at(&["contactId"]);
        if let Some(address) = self.called(&guid) {
            return Who::Foreign { address: address.clone(), name: None };
        }
        let info = contact.child("contactInfo");
        let emails = info.and_then(|info| info.child("emails"));
        let emails = emails.into_iter().flat_map(|emails| emails.children());
        let emails = emails.map(|email| email.text_at(&["email"]));
        let passport = info.map(|info| info.text_at(&["passportName"])).unwrap_or_default();
        let names = std::iter::once(passport).chain(emails).filter(|name| !name.is_empty());
        let mut kinds = names.map(|name| who(&name, cx));
        kinds.find(|who| !matches!(who, Who::Own)).unwrap_or(Who::Own)
    }
}
