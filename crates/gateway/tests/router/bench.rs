//! Gateways and people for the router's tests.

#[path = "../../../core/tests/plain/mod.rs"]
mod plain;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Envelope, EnvelopeId, Event, Names, NetworkId,
    Outgoing, Presence, RichText, Roster, RosterEdit,
};
use crosstalk_gateway::mail::{Mail, Mails};
use crosstalk_gateway::router::{Options, Router, SessionHandle};
use crosstalk_overlay::{self as overlay, Inbound, Message, Overlay};
use plain::Plain;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) use crate::pair::{pair, pair_with};

/// Longer than anything takes that happens at all: a gateway waits up to a minute for an answer
/// that got lost on a machine too busy to give it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// Long enough for what should not happen to happen.
const QUIET: Duration = Duration::from_millis(150);

const NETWORKS: [&str; 3] = ["aol", "yahoo", "jabber"];

/// A gateway and what keeps it running.
pub(crate) struct Gateway {
    pub(crate) router: Router,
    pub(crate) overlay: Overlay,
    #[expect(dead_code, reason = "the directory lives as long as the gateway")]
    pub(crate) state: Option<TempDir>,
}

/// One gateway without a network.
pub(crate) fn alone() -> Gateway {
    alone_with(Options::default())
}

pub(crate) fn alone_with(options: Options) -> Gateway {
    let state = tempfile::tempdir().unwrap();
    let (overlay, inbound) = Overlay::alone(state.path()).unwrap();
    Gateway { router: router(&overlay, inbound, options), overlay, state: Some(state) }
}

/// One whose state is in `dir`, from before it was restarted too.
pub(crate) fn restarted(dir: &Path, options: Options) -> Gateway {
    let (overlay, inbound) = Overlay::alone(dir).unwrap();
    Gateway { router: router(&overlay, inbound, options), overlay, state: None }
}

/// One whose overlay has these limits.
pub(crate) fn alone_keeping(limits: overlay::Limits) -> Gateway {
    let state = tempfile::tempdir().unwrap();
    let (overlay, inbound) = Overlay::alone_keeping(state.path(), limits).unwrap();
    Gateway { router: router(&overlay, inbound, Options::default()), overlay, state: Some(state) }
}

/// A gateway as others see it: the test is its router.
pub(crate) struct Joined {
    pub(crate) overlay: Overlay,
    pub(crate) inbound: mpsc::Receiver<Inbound>,
    pub(crate) state: TempDir,
}

/// A gateway, and others that are linked to it.
pub(crate) async fn among<const N: usize>() -> (Gateway, Vec<Joined>) {
    let mut joined = Vec::from(mesh::<N>().await);
    let Joined { overlay, inbound, state } = joined.remove(0);
    let router = router(&overlay, inbound, Options::default());
    (Gateway { router, overlay, state: Some(state) }, joined)
}

/// Gateways that are all linked.
pub(crate) async fn mesh<const N: usize>() -> [Joined; N] {
    let states = [(); N].map(|()| tempfile::tempdir().unwrap());
    // Ports are free until somebody else is quicker; the listeners keep two from being one.
    let ports = states.each_ref().map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let listen = ports.map(|port| port.local_addr().unwrap());
    let networks: Vec<NetworkId> = NETWORKS.map(|id| id.parse().unwrap()).into();
    let member = |n: usize| overlay::Member {
        id: Overlay::identify(states[n].path()).unwrap(),
        addresses: vec![listen[n].to_string().parse().unwrap()],
        networks: networks.clone(),
    };
    let members: Vec<_> = (0..N).map(member).collect();
    let mut ports = listen.into_iter();
    let joined = states.map(|state| {
        let config = overlay::Config {
            listen: ports.next().into_iter().collect(),
            networks: networks.clone(),
            members: members.clone(),
            ..overlay::Config::default()
        };
        let (overlay, inbound) = Overlay::join(&config, state.path()).unwrap();
        Joined { overlay, inbound, state }
    });
    for gateway in &joined {
        while gateway.overlay.linked().len() + 1 < N {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    joined
}

impl Joined {
    /// Asks for the presence of `of` in the name of people here.
    pub(crate) async fn probes(&self, of: &str, at: &Gateway, by: &[Address]) {
        let probe = Message::Probe { of: address(of), by: by.into() };
        self.overlay.send(&at.overlay.id(), probe).await.unwrap();
    }

    /// The next presence that the gateway is told of, and for how many people.
    pub(crate) async fn is_told(&mut self) -> (Availability, usize) {
        timeout(PATIENCE, self.next_told()).await.expect("a gateway waits in vain")
    }

    /// Makes sure that it is told of no presence more.
    pub(crate) async fn is_told_no_more(&mut self) {
        let more = timeout(QUIET, self.next_told()).await;
        assert!(more.is_err(), "told of {more:?}");
    }

    async fn next_told(&mut self) -> (Availability, usize) {
        loop {
            let inbound = self.inbound.recv().await.unwrap();
            if let Inbound::Message { message, answer, .. } = inbound {
                answer.give(Ok(()));
                if let Message::Presence { presence, to, .. } = message {
                    return (presence.show, to.len());
                }
            }
        }
    }

    /// Waits until `count` people here were told that presence.
    pub(crate) async fn tells_all(&mut self, show: Availability, count: usize) {
        let mut told = 0;
        while told < count {
            let (shown, to) = self.is_told().await;
            told += if shown == show { to } else { 0 };
        }
    }
}
pub(crate) fn router(
    overlay: &Overlay,
    inbound: mpsc::Receiver<Inbound>,
    options: Options,
) -> Router {
    let networks = NETWORKS.map(|id| (id.parse().unwrap(), &Plain as _));
    Router::new(overlay.clone(), inbound, Arc::new(Names::new("xt", networks)), options)
}

pub(crate) fn address(name: &str) -> Address {
    name.parse().unwrap()
}

/// One session of somebody.
pub(crate) struct Person {
    user: Address,
    pub(crate) handle: SessionHandle,
    pub(crate) mail: Mails,
    last_id: u128,
}

static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// Signs `user` in at `router`, available.
pub(crate) fn sign_in(router: &Router, user: &str) -> Person {
    let person = sign_in_early(router, user);
    person.handle.takes_texts(true);
    person.shows(Availability::Available, "");
    person
}

/// The same, whose client takes nothing yet.
pub(crate) fn sign_in_early(router: &Router, user: &str) -> Person {
    let user = address(user);
    let (handle, mail) = router.sign_in(&user, "test");
    let last_id = u128::from(SESSIONS.fetch_add(1, Ordering::Relaxed)) << 64;
    Person { user, handle, mail, last_id }
}

/// A conversation of `user` with `with`, beside the session of [`sign_in`].
pub(crate) fn converse(router: &Router, user: &str, with: &[&str]) -> Person {
    let user = address(user);
    let with = with.iter().map(|name| address(name)).collect();
    let (handle, mail) = router.converse(&user, "test", with);
    let last_id = u128::from(SESSIONS.fetch_add(1, Ordering::Relaxed)) << 64;
    Person { user, handle, mail, last_id }
}

impl Person {
    pub(crate) fn shows(&self, show: Availability, text: &str) {
        let presence = Presence { show, text: text.into(), ..Presence::default() };
        self.handle.take(Event::Presence(presence));
    }

    pub(crate) fn sends(&mut self, to: &str, body: Body) -> EnvelopeId {
        self.last_id += 1;
        let id = EnvelopeId(self.last_id);
        self.handle.take(Event::Send(Outgoing { id, to: address(to), body, details: None }));
        id
    }

    pub(crate) fn says(&mut self, to: &str, text: &str) -> EnvelopeId {
        self.sends(to, Body::Text { text: text.into(), auto: false })
    }

    pub(crate) fn edits(&self, edit: RosterEdit) {
        self.handle.take(Event::Roster(edit));
    }

    /// Adds a contact as a client does: lists it and asks.
    pub(crate) fn adds(&mut self, name: &str) {
        let (address, spelling) = (address(name), format!("{name}.xt"));
        let groups = vec!["Friends".into()];
        self.edits(RosterEdit::List { address, spelling, alias: None, groups });
        self.sends(name, Body::Contact(Consent::Request("It is me".into())));
    }

    pub(crate) fn removes(&self, name: &str) {
        self.edits(RosterEdit::Remove(address(name)));
    }

    pub(crate) fn answers(&mut self, name: &str, step: Consent) {
        self.sends(name, Body::Contact(step));
    }

    /// The next mail that `wanted` makes something of; a client skips the rest.
    pub(crate) async fn gets<T>(&mut self, wanted: impl Fn(&Mail) -> Option<T>) -> T {
        let search = async {
            loop {
                let mail = self.mail.recv().await.expect("a mailbox stays open");
                let found = wanted(&mail);
                if let Mail::Deliver(_, handed) = *mail {
                    handed.done();
                }
                if let Some(found) = found {
                    return found;
                }
            }
        };
        let user = &self.user;
        timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("{user} waits in vain"))
    }

    /// The body of the next delivery from `name` that `wanted` makes something of.
    pub(crate) async fn hears<T>(&mut self, name: &str, wanted: impl Fn(&Body) -> Option<T>) -> T {
        let name = address(name);
        self.gets(|mail| match mail {
            Mail::Deliver(Envelope { from, body, .. }, _) if *from == name => wanted(body),
            _ => None,
        })
        .await
    }

    pub(crate) async fn reads(&mut self, name: &str) -> String {
        self.hears(name, |body| match body {
            Body::Text { text, .. } => Some(text.text().to_owned()),
            _ => None,
        })
        .await
    }

    /// Waits until `name` looks like that.
    pub(crate) async fn sees(&mut self, name: &str, show: Availability) -> Presence {
        let name = address(name);
        self.gets(|mail| match mail {
            Mail::Presence { of, presence } if *of == name && presence.show == show => {
                Some(presence.clone())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn is_asked_by(&mut self, name: &str) -> RichText {
        self.hears(name, |body| match body {
            Body::Contact(Consent::Request(words)) => Some(words.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn is_told(&mut self, name: &str, step: Consent) {
        let is_it = |body: &Body| (*body == Body::Contact(step.clone())).then_some(());
        self.hears(name, is_it).await;
    }

    pub(crate) async fn gets_roster(&mut self) -> Roster {
        self.gets(|mail| match mail {
            Mail::Roster(roster) => Some(roster.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until the contact stands as `wanted` says.
    pub(crate) async fn has(&mut self, name: &str, wanted: impl Fn(&Contact) -> bool) {
        let name = address(name);
        self.gets(|mail| match mail {
            Mail::Changed(contact) if contact.address == name => wanted(contact).then_some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn fails(&mut self, of: EnvelopeId) -> crosstalk_core::Failure {
        self.gets(|mail| match mail {
            Mail::Deliver(Envelope { body: Body::Undelivered { of: o, why }, .. }, _)
                if *o == of =>
            {
                Some(*why)
            }
            _ => None,
        })
        .await
    }

    /// Everything that comes until it is quiet, in words.
    pub(crate) async fn everything(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(mail)) = timeout(QUIET, self.mail.recv()).await {
            all.push(format!("{mail:?}"));
            if let Mail::Deliver(_, handed) = *mail {
                handed.done();
            }
        }
        all
    }

    /// Reads all mail and makes sure that none of it is a presence or a text of `name`.
    pub(crate) async fn hears_nothing_of(&mut self, name: &str) {
        let from = format!("from: {name}");
        let all = self.everything().await;
        let heard: Vec<_> = all.iter().filter(|m| m.contains(&from)).collect();
        assert!(heard.is_empty(), "{} heard {heard:?}", self.user);
    }
}

/// Makes two people see each other.
pub(crate) async fn befriend(one: &mut Person, other: &mut Person) {
    shows_to(one, other).await;
    shows_to(other, one).await;
}

async fn shows_to(asked: &mut Person, asker: &mut Person) {
    let (asked_name, asker_name) = (asked.user.to_string(), asker.user.to_string());
    asker.adds(&asked_name);
    asked.is_asked_by(&asker_name).await;
    asked.answers(&asker_name, Consent::Grant);
    asker.is_told(&asked_name, Consent::Grant).await;
    asker.sees(&asked_name, Availability::Available).await;
}
