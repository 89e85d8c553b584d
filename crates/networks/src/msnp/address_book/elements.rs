//! Elements of ours in an address book: contacts, groups and members.

use crosstalk_core::{Address, Contact, Subscription, UnixMillis};
use sha1::{Digest, Sha1};

use crate::common::time::timestamp;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::ForeignList;
use crate::msnp::foreign_names::spelling;
use crate::msnp::groups::{contact_guid, contact_id};
use crate::msnp::wire::xml_text::escaped;

/// The namespace of address books.
pub(super) const NAMESPACE: &str = "http://www.msn.com/webservices/AddressBook";
/// The namespace of messages for people who are offline.
const OIM: &str = "http://messenger.live.com/ws/2006/09/oim/";
/// The first of our numbers of memberships, far above those of servers.
const FIRST_MEMBERSHIP: u32 = 1_500_000_000;
/// Number of people that our numbers can tell apart.
const PEOPLE: u32 = 100_000_000;

/// The lists that `FindMembership` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Allow,
    Block,
    Reverse,
    Pending,
}

impl Role {
    pub(super) const ALL: [Self; 4] = [Self::Allow, Self::Block, Self::Reverse, Self::Pending];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Block => "Block",
            Self::Reverse => "Reverse",
            Self::Pending => "Pending",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether a contact has it. Clients want everybody in their list either allowed or blocked.
    pub(super) const fn holds(self, contact: &Contact) -> bool {
        let asks = matches!(contact.from, Subscription::Asked(_)) && !contact.blocked;
        let granted = matches!(contact.from, Subscription::Granted);
        match self {
            Self::Allow => !contact.blocked && !asks && (granted || contact.listed),
            Self::Block => contact.blocked,
            Self::Reverse => granted && !contact.blocked,
            Self::Pending => asks,
        }
    }
}

/// The number of a person's membership in a list.
fn membership(address: &Address, role: Role) -> u32 {
    let front = u32::try_from(contact_id(address) >> 96).unwrap_or_default();
    FIRST_MEMBERSHIP + 4 * (front % PEOPLE) + role as u32
}

/// Owner of the membership with this number, which [is ours](is_ours).
pub(super) fn member_of(number: u32, book: &ForeignList) -> Option<&Address> {
    let first = number.checked_sub(FIRST_MEMBERSHIP)? / 4;
    let fronts = (0..=u32::MAX / PEOPLE).filter_map(|n| first.checked_add(n * PEOPLE));
    let mut ids = fronts.map(|front| u128::from(front) << 96);
    ids.find_map(|id| book.called(id..=id | (u128::MAX >> 32)))
}

/// Whether a number of a membership is one of ours.
pub(super) fn is_ours(number: u32) -> bool {
    (FIRST_MEMBERSHIP..FIRST_MEMBERSHIP + 4 * PEOPLE).contains(&number)
}

/// A contact in one of the lists, if there is a spelling for it.
pub(super) fn member(contact: &Contact, role: Role, cx: &Cx<'_>) -> Option<String> {
    let name = spelling(Some(contact), &contact.address, &cx.context.names)?;
    let (id, now) = (membership(&contact.address, role), timestamp(cx.now.wall));
    let nick = escaped(contact.alias.as_deref().unwrap_or(&name));
    let invitation = match &contact.from {
        Subscription::Asked(words) if role == Role::Pending && !words.text().is_empty() => format!(
            "<Annotations>{}</Annotations>",
            annotation("MSN.IM.InviteMessage", words.text())
        ),
        _ => String::new(),
    };
    Some(format!(
        "<Member xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"PassportMember\"><MembershipId>{id}</MembershipId><Type>Passport</Type>\
         <DisplayName>{nick}</DisplayName><State>Accepted</State>{invitation}\
         <Deleted>false</Deleted><LastChanged>{now}</LastChanged><JoinedDate>{now}</JoinedDate>\
         <ExpirationDate>0001-01-01T00:00:00</ExpirationDate><Changes />\
         <PassportName>{}</PassportName><IsPassportNameHidden>false</IsPassportNameHidden>\
         <PassportId>0</PassportId><CID>{}</CID><PassportChanges />\
         <LookedupByCID>false</LookedupByCID></Member>",
        escaped(&name),
        cid(&contact.address),
    ))
}

/// A contact of the address book, in the groups with these ids.
pub(super) fn contact(contact: &Contact, groups: &[String], cx: &Cx<'_>) -> Option<String> {
    let name = spelling(Some(contact), &contact.address, &cx.context.names)?;
    let nick = escaped(contact.alias.as_deref().unwrap_or(&name));
    let alias = contact.alias.as_deref().map(|alias| annotation("AB.NickName", alias));
    let alias = alias.map(|alias| format!("<annotations>{alias}</annotations>"));
    let mut guids = String::new();
    guids.extend(groups.iter().flat_map(|group| ["<guid>", group, "</guid>"]));
    let groups = if guids.is_empty() { guids } else { format!("<groupIds>{guids}</groupIds>") };
    Some(format!(
        "<Contact xmlns=\"{NAMESPACE}\"><contactId>{}</contactId><contactInfo>{}\
         <contactType>Regular</contactType><quickName>{nick}</quickName>\
         <passportName>{}</passportName><IsPassportNameHidden>false</IsPassportNameHidden>\
         <displayName>{nick}</displayName><puid>0</puid>{groups}<CID>{}</CID>\
         <IsNotMobileVisible>false</IsNotMobileVisible><isMobileIMEnabled>false</isMobileIMEnabled>\
         <isMessengerUser>true</isMessengerUser><isFavorite>false</isFavorite>\
         <isSmtp>false</isSmtp><hasSpace>false</hasSpace><spotWatchState>NoDevice</spotWatchState>\
         <birthdate>0001-01-01T00:00:00</birthdate>\
         <primaryEmailType>ContactEmailPersonal</primaryEmailType>\
         <PrimaryLocation>ContactLocationPersonal</PrimaryLocation>\
         <PrimaryPhone>ContactPhonePersonal</PrimaryPhone><IsPrivate>false</IsPrivate>\
         <Gender>Unspecified</Gender><TimeZone>None</TimeZone></contactInfo><propertiesChanged />\
         <fDeleted>false</fDeleted><lastChange>{}</lastChange></Contact>",
        contact_guid(&contact.address),
        alias.unwrap_or_default(),
        escaped(&name),
        cid(&contact.address),
        timestamp(cx.now.wall),
    ))
}

/// A group of the address book.
pub(super) fn group(name: &str, id: &str, now: UnixMillis) -> String {
    format!(
        "<Group xmlns=\"{NAMESPACE}\"><groupId>{id}</groupId><groupInfo><annotations>{}\
         </annotations><groupType>c8529ce2-6ead-434d-881f-341e17db3ff8</groupType>\
         <name>{}</name><IsNotMobileVisible>false</IsNotMobileVisible>\
         <IsPrivate>false</IsPrivate><IsFavorite>false</IsFavorite></groupInfo>\
         <propertiesChanged /><fDeleted>false</fDeleted><lastChange>{}</lastChange></Group>",
        annotation("MSN.IM.Display", "1"),
        escaped(name),
        timestamp(now),
    )
}

/// An answer to `operation`, with this result.
pub(super) fn answer(operation: &str, result: &str, host: &str) -> String {
    envelope(
        &format!(
            "<soap:Header><ServiceHeader xmlns=\"{NAMESPACE}\"><Version>15.01.1408.0000</Version>\
             <CacheKeyChanged>false</CacheKeyChanged><PreferredHostName>{}</PreferredHostName>\
             </ServiceHeader></soap:Header>",
            escaped(host)
        ),
        &format!("<{operation}Response xmlns=\"{NAMESPACE}\">{result}</{operation}Response>"),
    )
}

/// The answer that something cannot be done.
pub(super) fn fault(operation: &str, code: &str, words: &str) -> String {
    envelope(
        "",
        &format!(
            "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{words}</faultstring>\
             <faultactor>{NAMESPACE}/{operation}</faultactor><detail>\
             <errorcode xmlns=\"{NAMESPACE}\">{code}</errorcode>\
             <errorstring xmlns=\"{NAMESPACE}\">{words}</errorstring>\
             <machineName xmlns=\"{NAMESPACE}\">CROSSTALK</machineName><additionalDetails>\
             <originalExceptionErrorMessage>{words}</originalExceptionErrorMessage>\
             </additionalDetails></detail></soap:Fault>"
        ),
    )
}

/// The answer that a message is left for somebody offline.
pub(super) fn oim_stored(number: u32) -> String {
    envelope(
        &format!(
            "<soap:Header><SequenceAcknowledgment xmlns=\"http://schemas.xmlsoap.org/ws/2003/03/rm\">\
             <Identifier xmlns=\"http://schemas.xmlsoap.org/ws/2002/07/utility\">\
             http://messenger.msn.com</Identifier>\
             <AcknowledgmentRange Upper=\"{number}\" Lower=\"{number}\" />\
             </SequenceAcknowledgment></soap:Header>"
        ),
        &format!(
            "<StoreResponse xmlns=\"{OIM}\"><PointsConsumed>0</PointsConsumed></StoreResponse>"
        ),
    )
}

/// The answer that a message cannot be left.
pub(super) fn oim_fault() -> String {
    let body = format!(
        "<soap:Fault><faultcode xmlns:q0=\"{OIM}\">q0:SystemUnavailable</faultcode>\
         <faultstring>The message cannot be left.</faultstring><detail /></soap:Fault>"
    );
    envelope("", &body)
}

fn envelope(header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">{header}\
         <soap:Body>{body}</soap:Body></soap:Envelope>"
    )
}

fn annotation(name: &str, value: &str) -> String {
    let value = escaped(value);
    format!("<Annotation><Name>{name}</Name><Value>{value}</Value></Annotation>")
}

/// The number by which a person's other services would be found.
fn cid(address: &Address) -> i64 {
    let hash = Sha1::digest(address.to_string().as_bytes());
    hash.last_chunk::<8>().map_or(0, |eight| i64::from_be_bytes(*eight))
}
