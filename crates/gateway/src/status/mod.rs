//! Statuses of people posted to sites outside, and posts from there for people.
//!
//! What is asked of a site and what its answers mean is said by [`crosstalk_services::status`]; here
//! it is asked, each person and site by a task of its own, for which nothing else waits. What comes
//! of it goes to the person's account as a [`Change`].

mod budget;
mod following;
mod key;
mod posting;
mod rates;
mod sites;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use crosstalk_core::{Address, Redacted};
use crosstalk_router::{Change, ErrandId, Outward};
use crosstalk_services::Speech;
use crosstalk_services::status::{Errand, Followed, Link, Outcome, SITES, Task, words};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use following::Following;
use posting::Poster;
use rates::{RATE_PAUSE, Rates};
pub use sites::Error;
pub(crate) use sites::Sites;

/// The most changes that wait for accounts.
const WAITING: usize = 256;

/// Something for the account of a person.
pub(crate) struct News {
    pub(crate) user: Address,
    pub(crate) change: Change,
}

/// What the tasks have in common.
pub(super) struct Outside {
    sites: Arc<Sites>,
    news: mpsc::Sender<News>,
    rates: Rates,
    runtime: Handle,
}

impl Outside {
    async fn tell(&self, user: &Address, change: Change) {
        // It fails when the router is gone, and then nobody is to be told.
        let _ = self.news.send(News { user: user.clone(), change }).await;
    }
}

/// Work outside for the people who are signed on. Its tasks end with it.
pub(crate) struct Status {
    outside: Arc<Outside>,
    following: Arc<Following>,
    people: Mutex<HashMap<Address, Person>>,
}

/// Somebody who has something outside.
struct Person {
    outward: watch::Sender<Arc<Outward>>,
    /// Sites for which there is a task.
    sites: Vec<&'static str>,
}

impl Status {
    pub(crate) fn new(sites: Arc<Sites>, runtime: Handle) -> (Self, mpsc::Receiver<News>) {
        let (news, listener) = mpsc::channel(WAITING);
        let outside = Arc::new(Outside { sites, news, rates: Rates::default(), runtime });
        (Self { outside, following: Arc::default(), people: Mutex::default() }, listener)
    }

    /// Takes the state of somebody; none of who signed off, or has nothing outside any more. Waits
    /// for nothing.
    pub(crate) fn look(&self, user: &Address, outward: Option<Outward>) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outward) = outward else {
            people.remove(user);
            return self.following.set(&self.outside, user, &[]);
        };
        if self.outside.sites.offers.follows() {
            self.following.set(&self.outside, user, &outward.settings);
        }
        let linked = SITES.iter().filter(|site| site.link_in(&outward.settings).is_some());
        let linked: Vec<_> = linked.collect();
        let person = match people.entry(user.clone()) {
            Entry::Occupied(there) => {
                let person = there.into_mut();
                person.outward.send_if_modified(|now| {
                    let is_new = **now != outward;
                    *now = Arc::new(outward);
                    is_new
                });
                person
            }
            Entry::Vacant(_) if linked.is_empty() => return,
            Entry::Vacant(place) => {
                let outward = watch::Sender::new(Arc::new(outward));
                place.insert(Person { outward, sites: Vec::new() })
            }
        };
        for site in linked {
            if !person.sites.contains(&site.name) {
                person.sites.push(site.name);
                let (user, seen) = (user.clone(), person.outward.subscribe());
                let poster = Poster::new(user, site, self.outside.clone(), seen);
                self.outside.runtime.spawn(poster.run());
            }
        }
    }

    /// Does what somebody commands. Waits for nothing: what comes of it is told later.
    pub(crate) fn errand(&self, user: &Address, id: ErrandId, words: &Redacted<String>) {
        let Some(errand) = Errand::read(words.expose()) else { return };
        let (outside, user) = (self.outside.clone(), user.clone());
        let following = Arc::downgrade(&self.following);
        self.outside.runtime.spawn(async move {
            let change = if outside.rates.take(&user, "errand") {
                match errand {
                    Errand::Link(link) => outside.link(&user, &link).await,
                    Errand::Follow(name) => {
                        follow(&name, following::look_up(&outside, &following, &name).await)
                    }
                }
            } else {
                Change { say: vec![words::too_often().into()], ..Change::default() }
            };
            outside.tell(&user, Change { errand: Some(id), ..change }).await;
        });
    }
}

impl Outside {
    /// Sets an account, if its site takes the token.
    async fn link(&self, user: &Address, link: &Link) -> Change {
        let site = link.site;
        let refused = match self.sites.work(link, &Task::Check).await {
            Outcome::Done(name) => match self.sites.seal(user, link) {
                Some(line) => {
                    return Change {
                        without: vec![site.of_link(), site.of_posted()],
                        with: vec![line],
                        say: vec![words::linked(link, &name).into()],
                        ..Change::default()
                    };
                }
                None => words::sealed_elsewhere(site),
            },
            Outcome::Refused(why) | Outcome::Rejected(why) | Outcome::Again(why) => {
                words::not_linked(site, &why)
            }
        };
        Change { say: vec![refused.into()], ..Change::default() }
    }
}

fn follow(name: &Followed, found: Result<String, Speech>) -> Change {
    match found {
        Ok(line) => Change {
            without: vec![name.of_line()],
            with: vec![line],
            say: vec![words::followed(name).into()],
            ..Change::default()
        },
        Err(why) => {
            Change { say: vec![words::not_followed(name, &why).into()], ..Change::default() }
        }
    }
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
