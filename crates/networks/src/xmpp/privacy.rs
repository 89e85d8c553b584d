//! Privacy lists (XEP-0016) as far as foreign people are concerned: whether they may see that the
//! person is there. What counts is what the list in force does, whatever its name; where that is
//! not known yet, it counts as hiding.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::{NameClass, Subscription};

use super::jid::Naming;
use super::ns;
use super::person::{MAX_STANZA_ID, Person};
use super::xml::Element;

/// The most lists whose content is known, and the most rules of them all together that matter to
/// foreign people.
const MAX_LISTS: usize = 64;
const MAX_RULES: usize = 256;
/// The longest name of a list or a group that is remembered.
const MAX_NAME: usize = 1023;
/// How long a server may take to say which list is in force.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most requests that wait for the server's answer.
const MAX_ASKED: usize = 16;

/// What is known of the person's lists.
#[derive(Default)]
pub(super) struct Privacy {
    /// As the server confirmed it.
    lists: Lists,
    /// What was asked for and not answered: under which id, and what comes of it.
    asked: VecDeque<(String, Change)>,
    /// The person hides by command (XEP-0186).
    pub(super) commanded: bool,
    default: DefaultList,
    /// The list in force was changed by somebody, and is as it was only as far as is known.
    is_stale: bool,
}

/// What is known of the list that is in force where the session has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DefaultList {
    #[default]
    Unknown,
    /// The gateway asked, and gives the server until then to answer.
    Asked(Instant),
    Known,
}

#[derive(Clone, Default)]
struct Lists {
    /// What each does; nothing where that is not known.
    known: BTreeMap<String, Option<Vec<Rule>>>,
    active: Option<String>,
    default: Option<String>,
}

/// A rule on presence that goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    denies: bool,
    whom: Whom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    Domain(String),
    Group(String),
    Subscription(String),
}

/// What a request does to the lists, if the server says yes.
#[derive(Clone)]
enum Change {
    /// A list is made, replaced or removed.
    List(String, Option<Vec<Rule>>),
    Active(Option<String>),
    Default(Option<String>),
    /// The answer holds the content of a list.
    Content,
    /// The answer holds which lists are in force.
    Names,
}

impl Lists {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::List(name, content) => self.learn(name, content.clone()),
            Change::Active(name) => self.active.clone_from(name),
            Change::Default(name) => self.default.clone_from(name),
            Change::Content | Change::Names => {}
        }
    }

    fn learn(&mut self, name: &str, content: Option<Vec<Rule>>) {
        self.known.remove(name);
        let rules: usize = self.known.values().flatten().map(Vec::len).sum();
        let fits = content.as_ref().is_none_or(|content| rules + content.len() <= MAX_RULES);
        if self.known.len() < MAX_LISTS && name.len() <= MAX_NAME {
            self.known.insert(name.to_owned(), content.filter(|_| fits));
        }
    }

    /// The list in force (XEP-0016, section 2.2): the session's, else the account's.
    fn in_force(&self) -> Option<&str> {
        self.active.as_deref().or(self.default.as_deref())
    }

    /// Whether the list in force keeps the person from anybody foreign who may see it.
    fn hides(&self, person: &Person, naming: &Naming) -> bool {
        let Some(name) = self.in_force() else { return false };
        let Some(Some(rules)) = self.known.get(name) else { return true };
        let mut watchers = person.contacts.values().map(|known| &known.contact);
        let mut watched = false;
        let denied = watchers.any(|contact| {
            let may_see = contact.from == Subscription::Granted;
            watched |= may_see;
            may_see && {
                let jid = person.bare_of(naming, &contact.address);
                let domain = jid.rsplit_once('@').map_or("", |(_, domain)| domain);
                let both = contact.to == Subscription::Granted;
                let decides = rules.iter().find(|rule| match &rule.whom {
                    Whom::Everybody => true,
                    Whom::Domain(denied) => denied == domain,
                    Whom::Group(group) => contact.groups.contains(group),
                    Whom::Subscription(of) => of == if both { "both" } else { "from" },
                });
                decides.is_some_and(|rule| rule.denies)
            }
        });
        let general = || rules.iter().find(|rule| rule.whom == Whom::Everybody);
        denied || (!watched && general().is_some_and(|rule| rule.denies))
    }
}

impl Privacy {
    /// Whether foreign people must not see that the person is there: now, or once the server does
    /// what it was asked for.
    pub(super) fn hides(&self, person: &Person, naming: &Naming) -> bool {
        let unknown = matches!(self.default, DefaultList::Asked(_));
        if self.commanded || unknown || self.lists.hides(person, naming) {
            return true;
        }
        if self.asked.is_empty() {
            return false;
        }
        let mut then = self.lists.clone();
        self.asked.iter().any(|(_, change)| {
            then.apply(change);
            then.hides(person, naming)
        })
    }

    /// A request of the client's, or of ours.
    pub(super) fn ask(&mut self, iq: &Element, naming: &Naming) {
        let id = iq.attr("id").filter(|id| id.len() <= MAX_STANZA_ID);
        let (Some(id), Some(query)) = (id, iq.get("query", ns::PRIVACY)) else { return };
        let change = if iq.attr("type") == Some("get") {
            Some(if query.elements().next().is_some() { Change::Content } else { Change::Names })
        } else {
            query.elements().next().and_then(|child| {
                let name = child.attr("name").filter(|name| name.len() <= MAX_NAME);
                match child.name() {
                    "active" => Some(Change::Active(name.map(str::to_owned))),
                    "default" => Some(Change::Default(name.map(str::to_owned))),
                    "list" => Some(Change::List(name?.to_owned(), Some(rules(child, naming)))),
                    _ => None,
                }
            })
        };
        if let Some(change) = change {
            if self.asked.len() >= MAX_ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back((id.to_owned(), change));
        }
    }

    /// Whether the server's answer to this id is awaited.
    pub(super) fn awaits(&self, id: &str) -> bool {
        self.asked.iter().any(|(asked, _)| asked == id)
    }

    /// The server's answer; where it cannot be read, nothing is known of what it would say.
    pub(super) fn answered(&mut self, iq: Option<&Element>, id: &str, naming: &Naming) {
        let at = self.asked.iter().position(|(asked, _)| asked == id);
        let Some((_, change)) = at.and_then(|at| self.asked.remove(at)) else { return };
        match change {
            Change::Names => self.default = DefaultList::Known,
            Change::Content => self.is_stale = false,
            _ => {}
        }
        let Some(iq) = iq.filter(|iq| iq.attr("type") == Some("result")) else { return };
        self.lists.apply(&change);
        let said = iq.get("query", ns::PRIVACY).into_iter().flat_map(Element::elements);
        for child in said {
            let name = child.attr("name").filter(|name| name.len() <= MAX_NAME);
            match (&change, child.name(), name) {
                (Change::Content, "list", Some(name)) => {
                    self.lists.learn(name, Some(rules(child, naming)));
                }
                (Change::Names, "active", name) => self.lists.active = name.map(str::to_owned),
                (Change::Names, "default", name) => self.lists.default = name.map(str::to_owned),
                _ => {}
            }
        }
    }

    /// The server says that a list is not as it was: another session changed it.
    pub(super) fn changed(&mut self, name: &str) {
        if self.lists.in_force() == Some(name) {
            self.is_stale = true;
        } else if let Some(content) = self.lists.known.get_mut(name) {
            *content = None;
        }
    }

    /// Whether the server is to be asked which list is in force; if so, it is.
    pub(super) fn asks_default(&mut self, now: Instant) -> bool {
        let asks = self.default == DefaultList::Unknown;
        if asks {
            self.default = DefaultList::Asked(now + PATIENCE);
        }
        asks
    }

    /// When to look whether a server answered.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.default {
            DefaultList::Asked(until) => Some(until),
            _ => None,
        }
    }

    /// A server that does not say has no lists.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.deadline().is_some_and(|until| until <= now) {
            self.default = DefaultList::Known;
        }
    }

    /// The list in force, if what it does is to be asked for.
    pub(super) fn wants(&self) -> Option<&str> {
        let name = self.lists.in_force()?;
        let asked = self.asked.iter().any(|(_, change)| match change {
            Change::Content => true,
            Change::List(asked, _) => asked == name,
            _ => false,
        });
        let is_unknown = !matches!(self.lists.known.get(name), Some(Some(_)));
        ((is_unknown || self.is_stale) && !asked && self.lists.known.len() < MAX_LISTS)
            .then_some(name)
    }

    /// The session goes on over a new connection: the client repeats its requests, and ours are
    /// made again.
    pub(super) fn reconnected(&mut self) {
        self.asked.clear();
        if let DefaultList::Asked(_) = self.default {
            self.default = DefaultList::Unknown;
        }
    }

    /// How many bytes it takes, roughly.
    pub(super) fn weight(&self) -> usize {
        let lists = self.lists.known.keys().map(|name| 64 + name.len()).sum::<usize>();
        lists + MAX_RULES.min(self.lists.known.values().flatten().map(Vec::len).sum()) * 64
    }
}

/// The rules of a list that decide on presence going out to foreign people, in their order.
fn rules(list: &Element, naming: &Naming) -> Vec<Rule> {
    let mut rules: Vec<(u32, Rule)> = list
        .elements()
        .filter(|item| item.is("item", ns::PRIVACY))
        .filter(|item| {
            // Without any child it is about everything.
            item.elements().next().is_none() || item.get("presence-out", ns::PRIVACY).is_some()
        })
        .filter_map(|item| {
            let value = item.attr("value").unwrap_or_default();
            let whom = match item.attr("type") {
                None => Whom::Everybody,
                Some("jid") if value.contains('@') || naming.class_of(value) == NameClass::Own => {
                    return None;
                }
                Some("jid") => Whom::Domain(value.to_lowercase()),
                Some("group") => Whom::Group(value.chars().take(MAX_NAME).collect()),
                Some(_) => Whom::Subscription(value.chars().take(MAX_NAME).collect()),
            };
            let denies = item.attr("action") != Some("allow");
            Some((item.attr("order")?.trim().parse().ok()?, Rule { denies, whom }))
        })
        .collect();
    rules.sort_by_key(|(order, _)| *order);
    rules.truncate(MAX_RULES + 1);
    rules.into_iter().map(|(_, rule)| rule).collect()
}
