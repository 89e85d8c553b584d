//! Privacy lists (XEP-0016) as far as foreign people are concerned: whether they may see that the
//! person is there. What counts is what the list in force does, whatever its name; where that is
//! not known yet, it counts as hiding.

mod rules;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::Address;

use super::account::Account;
use super::jid::Naming;
use super::messages::sent::MAX_STANZA_ID;
use super::wire::ns;
use super::wire::xml::Element;
use rules::{MAX_RULES, Rule, rules};

/// The most lists whose content is known.
const MAX_LISTS: usize = 64;
/// The longest name of a list or a group that is remembered.
const MAX_NAME: usize = 1023;
/// Longest wait for a server's answer on which list is in force.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most requests that wait for the server's answer.
const MAX_ASKED: usize = 16;

/// Knowledge of the person's privacy lists (XEP-0016).
#[derive(Default)]
pub(super) struct Privacy {
    default: DefaultList,
    /// Boxed, since few people have lists and most sessions only ask for them once.
    lists: Option<Box<AccountLists>>,
}

/// The lists of an account.
#[derive(Default)]
struct AccountLists {
    /// As the server confirmed it.
    lists: Lists,
    /// Requests that are not answered: the id, and the change that a result makes.
    asked: VecDeque<(String, Change)>,
    /// The list in force was changed by somebody, and is as it was only as far as is known.
    is_stale: bool,
    /// Which list is in force is not known: a change of that was given up before it was answered.
    is_lost: bool,
}

/// The foreign people to whom presence may go; `None` is everybody who may see it. Who comes later
/// is not among the others: whether the list lets them see it is not known before they are known.
pub(super) type Admitted = Option<BTreeSet<Address>>;

/// People who are in both.
fn both(one: Admitted, other: Admitted) -> Admitted {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.retain(|address| other.contains(address));
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

/// Knowledge of the list that is in force where the session has none of its own.
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
    /// Rules of each list; `None` where they are not known.
    known: BTreeMap<String, Option<Vec<Rule>>>,
    active: Option<String>,
    default: Option<String>,
}

/// Change of the lists by a request, if the server grants it.
#[derive(Clone)]
enum Change {
    /// A list is made, replaced or removed.
    List(String, Option<Vec<Rule>>),
    Active(Option<String>),
    Default(Option<String>),
    /// The answer holds the content of this list.
    Content(Option<String>),
    /// The answer holds which lists are in force.
    Names,
}

impl Lists {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::List(name, content) => self.learn(name, content.clone()),
            Change::Active(name) => self.active.clone_from(name),
            Change::Default(name) => self.default.clone_from(name),
            Change::Content(_) | Change::Names => {}
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

    /// The server did what `change` says, and said this.
    fn answered(&mut self, change: &Change, iq: &Element, naming: &Naming) {
        self.apply(change);
        let said = iq.get("query", ns::PRIVACY).into_iter().flat_map(Element::elements);
        for child in said {
            // Of one that is too long it is known that it is there.
            let name =
                child.attr("name").map(|name| name.chars().take(MAX_NAME + 1).collect::<String>());
            match (change, child.name(), name) {
                (Change::Content(_), "list", Some(name)) => {
                    self.learn(&name, Some(rules(child, naming)));
                }
                (Change::Names, "active", name) => self.active = name,
                (Change::Names, "default", name) => self.default = name,
                _ => {}
            }
        }
    }

    /// Whether nothing is known of any.
    fn are_none(&self) -> bool {
        self.known.is_empty() && self.in_force().is_none()
    }

    /// The list in force (XEP-0016, section 2.2): the session's, else the account's.
    fn in_force(&self) -> Option<&str> {
        self.active.as_deref().or(self.default.as_deref())
    }

    /// Foreign people that the list in force lets see the person, of those who may.
    fn admitted(&self, account: &Account, naming: &Naming) -> Admitted {
        let name = self.in_force()?;
        let Some(Some(rules)) = self.known.get(name) else { return Some(BTreeSet::new()) };
        if !rules.iter().any(|rule| rule.denies) {
            return None;
        }
        let watchers = account.watchers().filter(|contact| {
            let jid = account.bare_of(naming, &contact.address);
            !rules.iter().find(|rule| rule.whom.is(contact, &jid)).is_some_and(|rule| rule.denies)
        });
        Some(watchers.map(|contact| contact.address.clone()).collect())
    }
}

impl Privacy {
    /// Foreign people to whom lists let presence go: now, and once the server does what it was
    /// asked for.
    pub(super) fn admitted(&self, account: &Account, naming: &Naming) -> Admitted {
        // The first contact makes it worth asking.
        let asks = self.default != DefaultList::Known && !account.contacts.is_empty();
        if asks || self.is_lost() {
            return Some(BTreeSet::new());
        }
        let own = self.lists.as_ref()?;
        let mut admitted = own.lists.admitted(account, naming);
        if own.asked.is_empty() {
            return admitted;
        }
        let mut then = own.lists.clone();
        for (_, change) in &own.asked {
            then.apply(change);
            admitted = both(admitted, then.admitted(account, naming));
        }
        admitted
    }

    /// Whether a request is one whose change could be followed.
    pub(super) fn can_follow(iq: &Element) -> bool {
        let names = iq.get("query", ns::PRIVACY).into_iter().flat_map(Element::elements);
        iq.attr("type") != Some("set")
            || iq.attr("id").is_some_and(|id| id.len() <= MAX_STANZA_ID)
                && names.filter_map(|child| child.attr("name")).all(|name| name.len() <= MAX_NAME)
    }

    /// A request of the client's, or of ours.
    pub(super) fn ask(&mut self, iq: &Element, naming: &Naming) {
        let id = iq.attr("id").filter(|id| id.len() <= MAX_STANZA_ID);
        let (Some(id), Some(query)) = (id, iq.get("query", ns::PRIVACY)) else { return };
        let child = query.elements().next();
        let name = child.and_then(|child| child.attr("name"));
        let name = name.filter(|name| name.len() <= MAX_NAME).map(str::to_owned);
        let change = match (iq.attr("type"), child) {
            (Some("get"), None) => Some(Change::Names),
            (Some("get"), Some(_)) => Some(Change::Content(name)),
            (_, child) => child.and_then(|child| match child.name() {
                "active" => Some(Change::Active(name)),
                "default" => Some(Change::Default(name)),
                "list" => Some(Change::List(name?, Some(rules(child, naming)))),
                _ => None,
            }),
        };
        if let Some(change) = change {
            let asked = &mut self.lists.get_or_insert_default().asked;
            asked.push_back((id.to_owned(), change));
            if asked.len() > MAX_ASKED {
                self.give_up_first();
            }
        }
    }

    /// The answer to the request that waits longest is awaited no longer: what it may have changed
    /// is not known until the server is asked.
    fn give_up_first(&mut self) {
        let Some(account) = &mut self.lists else { return };
        match account.asked.pop_front() {
            None | Some((_, Change::Content(_))) => return,
            Some((_, Change::List(name, _))) => return account.lists.learn(&name, None),
            Some((_, Change::Names)) if self.default == DefaultList::Known && !account.is_lost => {
                return;
            }
            Some((_, Change::Active(_) | Change::Default(_))) => account.is_lost = true,
            Some((_, Change::Names)) => {}
        }
        // Whatever waits still was asked later.
        if !account.asked.iter().any(|(_, change)| matches!(change, Change::Names)) {
            self.default = DefaultList::Unknown;
        }
    }

    fn is_lost(&self) -> bool {
        self.lists.as_ref().is_some_and(|account| account.is_lost)
    }

    /// Whether the server's answer to this id is awaited.
    pub(super) fn awaits(&self, id: &str) -> bool {
        self.asked().any(|(asked, _)| asked == id)
    }

    fn asked(&self) -> impl Iterator<Item = &(String, Change)> {
        self.lists.iter().flat_map(|account| &account.asked)
    }

    /// The server's answer; where it cannot be read, nothing is known of what it would say. Returns
    /// whether more may be asked at once, which is not where it would be the same.
    pub(super) fn answered(&mut self, iq: Option<&Element>, id: &str, naming: &Naming) -> bool {
        let Some(account) = &mut self.lists else { return true };
        let at = account.asked.iter().position(|(asked, _)| asked == id);
        let Some((_, change)) = at.and_then(|at| account.asked.remove(at)) else { return true };
        let result = iq.filter(|iq| iq.attr("type") == Some("result"));
        match change {
            Change::Names => {
                if account.is_lost && iq.is_some_and(says_names) {
                    account.is_lost = false;
                    // What is not named is not in force.
                    (account.lists.active, account.lists.default) = (None, None);
                }
                let known = if account.is_lost { DefaultList::Unknown } else { DefaultList::Known };
                self.default = known;
            }
            // If the answer does not say, it is not as it was.
            Change::Content(Some(ref of))
                if account.lists.in_force() == Some(of)
                    && std::mem::take(&mut account.is_stale) =>
            {
                account.lists.learn(of, None);
            }
            _ => {}
        }
        if let Some(iq) = result {
            account.lists.answered(&change, iq, naming);
        }
        let is_in_vain = match &change {
            Change::Names => account.is_lost,
            Change::Content(of) => of.is_some() && of.as_deref() == self.wants(),
            _ => false,
        };
        self.shrink();
        !is_in_vain
    }

    /// Keeps no room for lists that there are not.
    fn shrink(&mut self) {
        let Some(account) = &mut self.lists else { return };
        if account.asked.is_empty() {
            account.asked = VecDeque::new();
            if !account.is_stale && !account.is_lost && account.lists.are_none() {
                self.lists = None;
            }
        }
    }

    /// The server says that a list is not as it was: another session changed it.
    pub(super) fn changed(&mut self, name: &str) {
        let Some(account) = &mut self.lists else { return };
        if account.lists.in_force() == Some(name) {
            account.is_stale = true;
        } else if let Some(content) = account.lists.known.get_mut(name) {
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

    /// Time of the next look whether a server answered.
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
        let AccountLists { lists, is_stale, is_lost, .. } = &**self.lists.as_ref()?;
        let name = lists.in_force().filter(|_| !is_lost)?;
        let asked = self.asked().any(|(_, change)| match change {
            Change::Content(asked) => asked.as_deref() == Some(name),
            Change::List(asked, _) => asked == name,
            _ => false,
        });
        let may_be_known = lists.known.len() < MAX_LISTS && name.len() <= MAX_NAME;
        let is_unknown = !matches!(lists.known.get(name), Some(Some(_)));
        ((is_unknown || *is_stale) && !asked && may_be_known).then_some(name)
    }

    /// The session goes on over a new connection: the client repeats its requests, and ours are
    /// made again.
    pub(super) fn reconnected(&mut self) {
        // Not those that the server has: of these only the answer comes, if it was not here before.
        while self.asked().next().is_some() {
            self.give_up_first();
        }
        self.shrink();
        if let DefaultList::Asked(_) = self.default {
            self.default = DefaultList::Unknown;
        }
    }

    /// Bytes that it takes, roughly.
    pub(super) fn weight(&self) -> usize {
        let Some(account) = &self.lists else { return 0 };
        let known = &account.lists.known;
        let names = known.keys().map(|name| 64 + name.len()).sum::<usize>();
        size_of::<AccountLists>()
            + names
            + known.values().flatten().map(Vec::len).sum::<usize>() * 64
    }
}

/// Whether an answer says which lists are in force, or that there are none at this server. One to a
/// change, which may have the same id, says neither.
fn says_names(iq: &Element) -> bool {
    let error = iq.get("error", ns::CLIENT);
    let has = |condition| error.is_some_and(|error| error.get(condition, ns::STANZAS).is_some());
    match iq.attr("type") {
        Some("result") => iq.get("query", ns::PRIVACY).is_some(),
        _ => has("service-unavailable") || has("feature-not-implemented"),
    }
}
