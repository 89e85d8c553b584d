//! The address book: roles and contacts, by SOAP.

use crosstalk_networks::xmpp::wire::xml::Element;

use super::Shared;
use super::state::ServerState;
use crate::msn::book::{HOST, NAMESPACE, all, read};
use crate::msn::http::{Request, answer};
use crate::msn::{ALLOW, BLOCK, FORWARD, REVERSE, digest};

/// Roles, with what is asked of a contact's lists for each.
const ROLES: [(&str, u8); 4] =
    [("Allow", ALLOW), ("Block", BLOCK), ("Reverse", REVERSE), ("Pending", PENDING)];
/// Somebody who lists the user and awaits an answer.
const PENDING: u8 = 16;

/// Answers a request to the service.
pub(super) fn serve(shared: &Shared, request: &Request) -> String {
    let action = request.field("soapaction").trim_matches('"').rsplit('/').next();
    let action = action.unwrap_or_default();
    let mut state = shared.state();
    let Some((user, asked)) = caller(&state, request) else {
        return answer("500 Internal Server Error", &[], "");
    };
    let result = match action {
        "FindMembership" => memberships(&state, &user),
        "ABFindAll" | "ABFindContactsPaged" => contacts(&state, &user, action),
        "ABContactAdd" | "ABGroupContactAdd" => add(&mut state, &user, &asked),
        "ABContactDelete" => delete(&mut state, &user, &asked),
        "AddMember" => change_roles(&mut state, &user, &asked, ServerState::put),
        "DeleteMember" => change_roles(&mut state, &user, &asked, ServerState::take),
        _ => String::new(),
    };
    let result = match action {
        "AddMember" | "DeleteMember" | "ABContactDelete" | "ABContactUpdate" => String::new(),
        _ => format!("<{action}Result>{result}</{action}Result>"),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soap:Header>\
         <ServiceHeader xmlns=\"{NAMESPACE}\"><Version>15.01.1408.0000</Version>\
         <PreferredHostName>{HOST}</PreferredHostName></ServiceHeader></soap:Header><soap:Body>\
         <{action}Response xmlns=\"{NAMESPACE}\">{result}</{action}Response>\
         </soap:Body></soap:Envelope>"
    );
    answer("200 OK", &["Content-Type: text/xml; charset=utf-8".to_owned()], &body)
}

/// User of a request, by its ticket, and the envelope.
fn caller(state: &ServerState, request: &Request) -> Option<(String, Element)> {
    let envelope = read(&request.body).ok()?;
    let token = all(&envelope, "TicketToken").first()?.text();
    let ticket = token.strip_prefix("t=")?.trim_end_matches("&p=").to_owned();
    let user = state.users.iter().find(|(_, user)| user.ticket == ticket)?.0.clone();
    Some((user, envelope))
}

/// The lists that hold a contact, with [`PENDING`] where that follows from them.
fn roles(lists: u8) -> u8 {
    let pending = lists & REVERSE != 0 && lists & (ALLOW | BLOCK) == 0;
    lists | if pending { PENDING } else { 0 }
}

fn memberships(state: &ServerState, user: &str) -> String {
    let contacts = state.users.get(user).map(|u| &u.contacts);
    let role = |(role, bit): (&str, u8)| {
        let inside = contacts.into_iter().flatten().filter(|(_, lists)| roles(**lists) & bit != 0);
        let member = |(name, _): (&String, &u8)| {
            format!(
                "<Member xsi:type=\"PassportMember\"><MembershipId>{}</MembershipId>\
                 <Type>Passport</Type><State>Accepted</State><Deleted>false</Deleted>\
                 <PassportName>{name}</PassportName></Member>",
                membership_id(state, name, bit)
            )
        };
        let members: Vec<String> = inside.map(member).collect();
        format!(
            "<Membership><MemberRole>{role}</MemberRole><Members>{}</Members>\
             <MembershipIsComplete>true</MembershipIsComplete></Membership>",
            members.concat()
        )
    };
    let memberships: Vec<String> = ROLES.into_iter().map(role).collect();
    format!(
        "<Services><Service><Memberships>{}</Memberships><Info><Handle><Id>1</Id>\
         <Type>Messenger</Type><ForeignId /></Handle></Info><Changes />\
         <LastChange>2000-01-01T00:00:00Z</LastChange><Deleted>false</Deleted></Service></Services>",
        memberships.concat()
    )
}

/// The number of `name` in a role.
fn membership_id(state: &ServerState, name: &str, role: u8) -> usize {
    let at = state.users.keys().position(|user| user == name).unwrap_or(state.users.len());
    at * 32 + usize::from(role)
}

fn contacts(state: &ServerState, user: &str, action: &str) -> String {
    let contact = |name: &str, kind: &str| {
        format!(
            "<Contact><contactId>{}</contactId><contactInfo><contactType>{kind}</contactType>\
             <quickName>{name}</quickName><passportName>{name}</passportName>\
             <IsPassportNameHidden>false</IsPassportNameHidden><displayName>{name}</displayName>\
             <isMessengerUser>true</isMessengerUser></contactInfo><propertiesChanged />\
             <fDeleted>false</fDeleted><lastChange>2000-01-01T00:00:00Z</lastChange></Contact>",
            guid(name)
        )
    };
    let listed = state.users.get(user).into_iter().flat_map(|u| &u.contacts);
    let listed = listed.filter(|(_, lists)| **lists & FORWARD != 0);
    let listed: Vec<String> = listed.map(|(name, _)| contact(name, "Regular")).collect();
    let all = contact(user, "Me") + &listed.concat();
    let (groups, contacts) = match action {
        "ABFindAll" => ("<groups></groups>", format!("<contacts>{all}</contacts>")),
        _ => ("<Groups></Groups>", format!("<Contacts>{all}</Contacts>")),
    };
    format!(
        "{groups}{contacts}<Ab><abId>00000000-0000-0000-0000-000000000000</abId>\
         <lastChange>2000-01-01T00:00:00Z</lastChange></Ab>"
    )
}

fn add(state: &mut ServerState, user: &str, asked: &Element) -> String {
    let names = all(asked, "passportName");
    let name = names.first().map(|name| name.text().to_lowercase()).unwrap_or_default();
    state.put(user, &name, FORWARD);
    format!("<guid>{}</guid>", guid(&name))
}

fn delete(state: &mut ServerState, user: &str, asked: &Element) -> String {
    for id in all(asked, "contactId") {
        let name = state.users.keys().find(|name| guid(name) == id.text()).cloned();
        state.take(user, &name.unwrap_or_default(), FORWARD);
    }
    String::new()
}

fn change_roles(
    state: &mut ServerState,
    user: &str,
    asked: &Element,
    change: fn(&mut ServerState, &str, &str, u8),
) -> String {
    for membership in all(asked, "Membership") {
        let role = membership.text_of("MemberRole").unwrap_or_default();
        // Who is pending follows from the other roles.
        let bit = ROLES.iter().find(|(name, bit)| *name == role && *bit != PENDING);
        for name in all(membership, "PassportName") {
            change(state, user, &name.text().to_lowercase(), bit.map_or(0, |(_, bit)| *bit));
        }
    }
    String::new()
}

/// Id of a contact in the address book.
fn guid(name: &str) -> String {
    let hash = digest(name);
    let part = |range: std::ops::Range<usize>| hash.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
