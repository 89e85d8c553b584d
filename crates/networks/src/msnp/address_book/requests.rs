//! Requests to the address book, as far as they are about foreign people.

use std::borrow::Cow;

use crosstalk_core::{Address, MAX_LABEL, NameClass};

use super::elements::{self, Role};
use super::last_look::is_named_in;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::{self, Edit, ForeignList, MAX_EDITS};
use crate::msnp::groups::read_guid;
use crate::msnp::wire::xml::{Changes, Document, Element, trimmed};

/// Operations that can be applied to foreign people; any other about them is refused.
const KNOWN: [&str; 9] = [
    "ABContactAdd",
    "ABContactDelete",
    "ABContactUpdate",
    "ABGroupContactAdd",
    "ABGroupContactDelete",
    "ABGroupDelete",
    "ABGroupUpdate",
    "AddMember",
    "DeleteMember",
];

/// Treatment of a request.
pub(super) enum Ask {
    /// The server has it, and its answer is read for this.
    Pass(Reads),
    /// The server has it with another body.
    Change(String),
    /// It is answered here.
    Answer(String),
    /// The same, with an error.
    Fault(String),
}

/// Content that a response is read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Members,
    Contacts,
    /// The id of a new group of this name.
    Group(String),
    Nothing,
}

/// A request that is being read.
pub(super) struct Request<'a> {
    pub(super) text: &'a str,
    pub(super) operation: Element<'a>,
    /// The list of whoever asks; none where that is not known.
    pub(super) book: Option<&'a ForeignList>,
    pub(super) host: &'a str,
    pub(super) changes: Changes,
    /// Number of people or groups of the request that are left for the server.
    pub(super) left: usize,
    /// Whether somebody is foreign, and whether nobody can have a name.
    pub(super) foreign: bool,
    pub(super) nowhere: bool,
    pub(super) edits: Vec<Edit>,
    /// The GUID of the last foreign contact.
    pub(super) guid: String,
}

/// Person that a part of a request is about.
pub(super) enum Who {
    Own,
    Foreign { address: Address, name: Option<String> },
    Nowhere,
}

/// The operation in an envelope.
pub(super) fn operation(envelope: Element<'_>) -> Option<Element<'_>> {
    envelope.child("Body")?.children().next()
}

/// The ticket that a request shows: of an address book, or of what a person stores of itself.
pub(super) fn ticket(envelope: Element<'_>) -> Cow<'_, str> {
    let header = |name| envelope.text_at(&["Header", name, "TicketToken"]);
    Some(header("ABAuthHeader")).filter(|t| !t.is_empty()).unwrap_or(header("StorageUserHeader"))
}

/// Reads a request: what becomes of it once some changes are made, and those.
pub(super) fn read(
    text: &str,
    document: &Document,
    book: Option<&ForeignList>,
    host: &str,
    cx: &Cx<'_>,
) -> (Ask, Vec<Edit>) {
    let Some(operation) = operation(document.root(text)) else {
        return (Ask::Pass(Reads::Nothing), Vec::new());
    };
    let mut request = Request {
        text,
        operation,
        book,
        host,
        changes: Changes::default(),
        left: 0,
        foreign: false,
        nowhere: false,
        edits: Vec::new(),
        guid: String::new(),
    };
    let ask = request.decide(cx);
    let leaks = match &ask {
        Ask::Pass(_) => is_named_in(text, document, cx),
        // What cannot be read is nothing that may pass.
        Ask::Change(left) => Document::parse(left).is_none_or(|rest| is_named_in(left, &rest, cx)),
        Ask::Answer(_) | Ask::Fault(_) => false,
    };
    if leaks {
        return (request.no_such_user(), Vec::new());
    }
    // Only what is passed on or answered is done.
    let edits = match ask {
        Ask::Fault(_) => Vec::new(),
        _ => std::mem::take(&mut request.edits),
    };
    if foreign_list::weight_of(&edits).is_none() {
        let words = "Too many changes at once.";
        let fault = elements::fault(operation.name(), "BadArgumentLength", words);
        return (Ask::Fault(fault), Vec::new());
    }
    (ask, edits)
}

impl Request<'_> {
    fn decide(&mut self, cx: &Cx<'_>) -> Ask {
        let operation = self.operation;
        match operation.name() {
            "FindMembership" => return self.find(Reads::Members),
            "ABFindAll" | "ABFindContactsPaged" => return self.find(Reads::Contacts),
            "ABGroupAdd" => return self.add_group(),
            "ABGroupDelete" | "ABGroupUpdate" => self.groups(),
            "AddMember" | "DeleteMember" => self.members(cx),
            _ => self.contacts(cx),
        }
        if !self.foreign && !self.nowhere && self.has_guid_of_ours() {
            return self.no_such_user();
        }
        self.finish()
    }

    /// The lists are asked for. Only what has changed since is no answer to a client that has
    /// foreign people: the server knows nothing of them.
    fn find(&self, reads: Reads) -> Ask {
        let named = |name: &'static str| {
            self.operation.all().filter(move |e| e.name().eq_ignore_ascii_case(name))
        };
        let changes = named("deltasOnly").any(|e| e.text().trim() == "true");
        let ab = named("abId").next().map(|e| trimmed(e.text())).unwrap_or_default();
        let circle = ab.bytes().any(|b| b != b'0' && b != b'-');
        let later = named("pageContext").any(|e| e.children().next().is_some());
        if circle || later {
            return Ask::Pass(Reads::Nothing);
        }
        let somebody = self.book.as_ref().is_none_or(|book| book.contacts().next().is_some());
        if changes && somebody {
            let words = "Full sync required.  Details: Delta syncs disabled.";
            return Ask::Fault(elements::fault(self.operation.name(), "FullSyncRequired", words));
        }
        Ask::Pass(reads)
    }

    fn add_group(&self) -> Ask {
        let name = self.operation.text_at(&["groupInfo", "GroupInfo", "name"]).into_owned();
        if name.len() > MAX_LABEL {
            return Ask::Pass(Reads::Nothing);
        }
        let ours = self.book.as_ref().and_then(|book| {
            let ours = book.groups.ours();
            ours.into_iter().find(|(known, _)| *known == name).map(|(_, id)| id)
        });
        match ours {
            Some(id) => {
                let result = format!("<ABGroupAddResult><guid>{id}</guid></ABGroupAddResult>");
                Ask::Answer(elements::answer("ABGroupAdd", &result, self.host))
            }
            None => Ask::Pass(Reads::Group(name)),
        }
    }

    /// Groups are taken away or get another name, which their foreign members follow.
    fn groups(&mut self) {
        let operation = self.operation;
        let new = operation.all().find(|e| e.name() == "name").map(|e| trimmed(e.text()));
        let new = new.filter(|name| operation.name() == "ABGroupUpdate" && name.len() <= MAX_LABEL);
        let new = new.map(Cow::into_owned);
        for element in operation.all().filter(|e| matches!(e.name(), "guid" | "groupId")) {
            let id = &*trimmed(element.text());
            let Some(book) = self.book else { continue };
            if book.groups.name(id).is_none() {
                self.left += 1;
                continue;
            }
            if book.groups.is_ours(id) {
                self.foreign = true;
                self.changes.cut(element);
            } else {
                self.left += 1;
            }
            self.edit(Edit::Regroup(id.to_owned(), new.clone()));
        }
    }

    /// `Membership`s with `Member`s.
    fn members(&mut self, cx: &Cx<'_>) {
        let adds = self.operation.name() == "AddMember";
        let operation = self.operation;
        for membership in operation.all().filter(|e| e.name() == "Membership") {
            let role = Role::named(&membership.text_at(&["MemberRole"]));
            let members = membership.child("Members").into_iter().flat_map(|e| e.children());
            let before = self.left;
            for member in members {
                let who = self.member(member, cx);
                self.sort(member, &who);
                let Who::Foreign { address, name } = who else { continue };
                match role {
                    Some(Role::Allow) if adds => self.edit(Edit::Allow(address, name)),
                    Some(Role::Block) => self.edit(Edit::Block(address, name, adds)),
                    _ => {}
                }
            }
            if self.left == before {
                self.changes.cut(membership);
            }
        }
    }

    fn member(&self, member: Element<'_>, cx: &Cx<'_>) -> Who {
        let number = member.text_at(&["MembershipId"]).parse::<u32>();
        if let Some(number) = number.ok().filter(|number| elements::is_ours(*number)) {
            let found = self.book.as_ref().and_then(|book| elements::member_of(number, book));
            return found.map_or(Who::Nowhere, |address| Who::Foreign {
                address: address.clone(),
                name: None,
            });
        }
        let names = ["PassportName", "Email"].map(|tag| member.text_at(&[tag]));
        names.into_iter().find(|name| !name.is_empty()).map_or(Who::Own, |name| who(&name, cx))
    }

    /// Notes an edit. One more than can be noted is enough for all to be refused: a request may be
    /// about many people in many groups.
    pub(super) fn edit(&mut self, edit: Edit) {
        if self.edits.len() <= MAX_EDITS {
            self.edits.push(edit);
        }
    }

    /// Leaves a part for the server or takes it out.
    pub(super) fn sort(&mut self, part: Element<'_>, who: &Who) {
        match who {
            Who::Own => {
                self.left += 1;
                return;
            }
            Who::Foreign { .. } => self.foreign = true,
            Who::Nowhere => self.nowhere = true,
        }
        self.changes.cut(part);
    }

    /// Whether a request that is not understood is about a contact of ours, whom no server knows.
    fn has_guid_of_ours(&self) -> bool {
        let is_ours = |value: Cow<'_, str>| self.called(&value).is_some();
        self.operation.all().any(|element| element.values().any(is_ours))
    }

    /// The foreign person with this GUID.
    pub(super) fn called(&self, guid: &str) -> Option<&Address> {
        let id = read_guid(guid)?;
        self.book.as_ref()?.called(id..=id)
    }

    fn finish(&mut self) -> Ask {
        let operation = self.operation.name();
        if !self.foreign && !self.nowhere {
            return Ask::Pass(Reads::Nothing);
        }
        if self.left > 0 {
            return Ask::Change(std::mem::take(&mut self.changes).apply(self.text));
        }
        if self.book.is_none() || !self.foreign || !KNOWN.contains(&operation) {
            return self.no_such_user();
        }
        let result = match operation {
            "ABContactAdd" | "ABGroupContactAdd" => {
                format!("<{operation}Result><guid>{}</guid></{operation}Result>", self.guid)
            }
            _ => String::new(),
        };
        Ask::Answer(elements::answer(operation, &result, self.host))
    }

    /// Refuses a request for a name that is nobody's.
    fn no_such_user(&self) -> Ask {
        let operation = self.operation.name();
        // Each operation has its own code for it, by which clients know what to say.
        let (code, words) = match operation {
            "AddMember" => ("UserDoesNotExist", "User does not exist"),
            "DeleteMember" => ("MemberDoesNotExist", "Member does not exist"),
            "ABContactDelete"
            | "ABContactUpdate"
            | "ABGroupContactAdd"
            | "ABGroupContactDelete" => ("ContactDoesNotExist", "Contact does not exist"),
            _ => ("InvalidPassportUser", "The Passport user specified is invalid"),
        };
        Ask::Fault(elements::fault(operation, code, words))
    }
}

pub(super) fn who(name: &str, cx: &Cx<'_>) -> Who {
    match cx.classify(name) {
        NameClass::Own => Who::Own,
        NameClass::Foreign(address) => Who::Foreign { address, name: Some(name.to_owned()) },
        NameClass::Nowhere => Who::Nowhere,
    }
}
