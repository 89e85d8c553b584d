//! The foreign people in what a server says of lists and address books.

use crosstalk_core::{Address, Contact};

use super::elements::{self, Role};
use super::requests::Reads;
use crate::msnp::account_messages::Served;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::ForeignList;
use crate::msnp::groups;
use crate::msnp::wire::xml::{Changes, Element};

/// Owner of the list or address book in a response, where the server says so. That is not the
/// contact of type "Me" in it, which the client writes as it does every contact.
pub(super) fn owner(envelope: Element<'_>, cx: &Cx<'_>) -> Option<Address> {
    let result = result(envelope)?;
    let namespace = result.text_at(&["OwnerNamespace", "Info", "CreatorPassportName"]);
    let email = part(result, "ab").map(|ab| ab.text_at(&["abInfo", "ownerEmail"]));
    let name = [namespace, email.unwrap_or_default()].into_iter().find(|name| !name.is_empty())?;
    cx.context.names.address(&name, &cx.context.network).ok()
}

/// `Body/...Response/...Result`.
fn result(envelope: Element<'_>) -> Option<Element<'_>> {
    envelope.child("Body")?.children().next()?.children().next()
}

/// A part of an address book, whose name begins with a capital or not, depending on the operation.
fn part<'a>(result: Element<'a>, name: &str) -> Option<Element<'a>> {
    result.children().find(|child| child.name().eq_ignore_ascii_case(name))
}

/// The answer with the foreign people of a list in it, none where it stays as it is; and what the
/// client then was told.
pub(super) fn merge(
    reads: &Reads,
    text: &str,
    envelope: Element<'_>,
    list: &ForeignList,
    cx: &Cx<'_>,
) -> (Option<String>, Served) {
    let (mut changes, mut served) = (Changes::default(), Served::default());
    let Some(result) = result(envelope) else { return (None, served) };
    match reads {
        Reads::Members => members(result, list, &mut changes, &mut served, cx),
        Reads::Contacts => contacts(result, list, &mut changes, &mut served, cx),
        Reads::Group(name) => {
            let id = result.text_at(&["guid"]);
            if !id.is_empty() {
                served.groups.push((name.clone(), id.into_owned()));
            }
        }
        Reads::Nothing => {}
    }
    ((!changes.is_empty()).then(|| changes.apply(text)), served)
}

fn members(
    result: Element<'_>,
    book: &ForeignList,
    changes: &mut Changes,
    served: &mut Served,
    cx: &Cx<'_>,
) {
    let mut services = result.child("Services").into_iter().flat_map(|s| s.named("Service"));
    let messenger = services.find(|s| s.text_at(&["Info", "Handle", "Type"]) == "Messenger");
    let Some(memberships) = messenger.and_then(|service| service.child("Memberships")) else {
        return;
    };
    served.members = true;
    for role in Role::ALL {
        let holders: Vec<&Contact> = book.contacts().filter(|c| role.holds(c)).collect();
        let entries: String =
            holders.iter().filter_map(|c| elements::member(c, role, cx)).collect();
        if role == Role::Pending {
            served.asked.extend(holders.into_iter().map(|c| c.address.clone()));
        }
        if entries.is_empty() {
            continue;
        }
        let is = |m: &Element<'_>| m.text_at(&["MemberRole"]) == role.name();
        let there = memberships.children().find(is);
        if let Some(members) = there.and_then(|membership| membership.child("Members")) {
            changes.append(members, &entries);
        } else {
            let name = role.name();
            let membership = format!(
                "<Membership xmlns=\"{}\"><MemberRole>{name}</MemberRole><Members>{entries}\
                 </Members><MembershipIsComplete>true</MembershipIsComplete></Membership>",
                elements::NAMESPACE
            );
            changes.append(memberships, &membership);
        }
    }
}

/// The groups of the server's: name and id.
fn groups_of(groups: Element<'_>) -> Vec<(String, String)> {
    let named = groups.named("Group").filter_map(|group| {
        let (id, name) = (group.text_at(&["groupId"]), group.text_at(&["groupInfo", "name"]));
        (!id.is_empty() && !name.is_empty()).then(|| (name.into_owned(), id.into_owned()))
    });
    groups::kept(named)
}

fn contacts(
    result: Element<'_>,
    book: &ForeignList,
    changes: &mut Changes,
    served: &mut Served,
    cx: &Cx<'_>,
) {
    served.contacts = true;
    let groups = part(result, "groups");
    served.groups = groups.map(groups_of).unwrap_or_default();
    // The notification connection learns of them, and gives ours the same ids, when the client has
    // the answer.
    let mut known = book.groups.clone();
    for (name, id) in &served.groups {
        known.note(name.clone(), id.clone());
    }
    let listed: Vec<&Contact> = book.contacts().filter(|c| c.listed).collect();
    let mut entries = String::new();
    for contact in listed {
        let ids: Vec<String> = contact.groups.iter().map(|name| known.id(name)).collect();
        entries.extend(elements::contact(contact, &ids, cx));
    }
    if entries.is_empty() {
        return;
    }
    let new: String = known
        .ours()
        .into_iter()
        .map(|(name, id)| elements::group(&name, &id, cx.now.wall))
        .collect();
    // An address book can be told without the part for what it has nothing of.
    let names = match result.name() {
        "ABFindContactsPagedResult" => ["Groups", "Contacts"],
        _ => ["groups", "contacts"],
    };
    let mut missing = String::new();
    for (there, name, what) in
        [(groups, names[0], new), (part(result, "contacts"), names[1], entries)]
    {
        match there {
            _ if what.is_empty() => {}
            Some(there) => changes.append(there, &what),
            None => {
                let space = elements::NAMESPACE;
                missing.extend([format!("<{name} xmlns=\"{space}\">{what}</{name}>")]);
            }
        }
    }
    changes.prepend(result, &missing);
}
