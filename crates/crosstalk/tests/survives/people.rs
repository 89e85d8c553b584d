//! People who talk all the time, and sign on again when their gateway dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crosstalk_core::Names;
use crosstalk_mock::delivery_audit::{Boot, DeliveryAudit};
use crosstalk_mock::{Act, Client, Event};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::mesh::{Doors, Mesh, Person};

/// Between two texts of one person to one other, who has two such friends. What a Jabber client
/// acknowledges counts too, and 20 a second are allowed.
const PACE: Duration = Duration::from_millis(250);
/// Longest time of a sign-on before another one is tried.
const SIGN_ON: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// People who go to another gateway when theirs dies, and those who do not, in the order of the
/// gateways at which they begin.
pub(crate) const ROAMING: [Person; 3] =
    [Person::aim("anna"), Person::msn("bella"), Person::yahoo("clara")];
pub(crate) const JABBER: [Person; 3] =
    [Person::jabber("xaver"), Person::jabber("yuri"), Person::jabber("zeno")];

/// All of them, signed on.
pub(crate) struct People {
    shared: Arc<Shared>,
    _living: JoinSet<()>,
}

struct Shared {
    names: Arc<Names>,
    doors: Doors,
    talking: AtomicBool,
    audit: Mutex<DeliveryAudit>,
    /// Pairs of people of whom the first has seen the second online.
    met: Mutex<Vec<(Person, Person)>>,
}

/// Somebody, with friends who begin at the two other gateways.
struct Life {
    person: Person,
    friends: Vec<Person>,
    home: usize,
    shared: Arc<Shared>,
}

impl People {
    pub(crate) fn sign_on(mesh: &Mesh) -> Self {
        let shared = Arc::new(Shared {
            names: mesh.names.clone(),
            doors: mesh.doors(),
            talking: AtomicBool::new(false),
            audit: Mutex::default(),
            met: Mutex::default(),
        });
        let mut living = JoinSet::new();
        for (people, others) in [(ROAMING, JABBER), (JABBER, ROAMING)] {
            for (home, person) in people.into_iter().enumerate() {
                let friends = others.into_iter().enumerate().filter(|(at, _)| *at != home);
                let friends = friends.map(|(_, friend)| friend).collect();
                living.spawn(Life { person, friends, home, shared: shared.clone() }.live());
            }
        }
        Self { shared, _living: living }
    }

    /// Number of pairs of friends whose roaming side has seen the other online.
    pub(crate) fn met(&self) -> usize {
        self.shared.met.lock().unwrap().len()
    }

    /// Makes everybody talk, or nobody.
    pub(crate) fn talk(&self, talking: bool) {
        self.shared.talking.store(talking, Ordering::Relaxed);
    }

    pub(crate) fn audit(&self) -> MutexGuard<'_, DeliveryAudit> {
        self.shared.audit.lock().unwrap()
    }
}

impl Life {
    async fn live(self) {
        let mut gateway = self.home;
        let mut knows = false;
        loop {
            let (boot, client) = self.sign_on(&mut gateway).await;
            if self.person.network != "jabber" && !std::mem::replace(&mut knows, true) {
                for friend in &self.friends {
                    client.act(Act::Add(self.spells(friend))).await;
                }
            }
            self.session(boot, client).await;
        }
    }

    /// Runs a session until the connection ends.
    async fn session(&self, boot: Boot, mut client: Client) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = client.next_event() => match event {
                    None | Some(Event::SignedOff) => return,
                    Some(Event::Asked { by, .. }) => client.act(Act::Accept(by)).await,
                    Some(event) => self.see(event, boot),
                },
                _ = pace.tick() => if self.shared.talking.load(Ordering::Relaxed) {
                    self.say(boot, &client).await;
                },
            }
        }
    }

    async fn say(&self, boot: Boot, client: &Client) {
        for friend in &self.friends {
            let text = self.shared.audit.lock().unwrap().say(self.person.name, friend.name, boot);
            client.say(&self.spells(friend), text).await;
        }
    }

    fn see(&self, event: Event, boot: Boot) {
        if let Some(to) = reported(&event) {
            let mut audit = self.shared.audit.lock().unwrap();
            let tell = if is_unsure(&event) { DeliveryAudit::doubt } else { DeliveryAudit::report };
            return tell(&mut audit, self.person.name, to);
        }
        match event {
            Event::Said { text, .. } => {
                self.shared.audit.lock().unwrap().show(self.person.name, text.text(), boot);
            }
            Event::Presence { of, presence } if presence.is_online() => {
                let mut met = self.shared.met.lock().unwrap();
                let friend = self.friends.iter().find(|friend| of.contains(friend.name));
                let pair = friend.map(|friend| (self.person, *friend));
                if let Some(pair) = pair.filter(|p| p.0.network != "jabber" && !met.contains(p)) {
                    met.push(pair);
                }
            }
            _ => {}
        }
    }

    /// Some go to the next gateway that runs; the others wait for their own.
    async fn sign_on(&self, gateway: &mut usize) -> (Boot, Client) {
        loop {
            let signing_on = self.shared.doors.sign_on(&self.person, *gateway);
            if let Ok(Some(Ok(signed_on))) = timeout(SIGN_ON, signing_on).await {
                return signed_on;
            }
            if self.person.network != "jabber" {
                *gateway = (*gateway + 1) % ROAMING.len();
            }
            sleep(PAUSE).await;
        }
    }

    fn spells(&self, friend: &Person) -> String {
        self.person.spells(&self.shared.names, friend)
    }
}

/// Person to whom a text was not delivered, if that is what the event says: as an error, or in
/// words where the client can join an error to nothing any more.
pub(crate) fn reported(event: &Event) -> Option<&str> {
    match event {
        Event::Undelivered { to, .. } => Some(to),
        Event::Said { text, .. } => {
            let (_, words) = text.text().split_once("A message to ")?;
            let told = [" was not delivered", UNSURE];
            told.iter().find_map(|told| words.split_once(told)).map(|(to, _)| to)
        }
        _ => None,
    }
}

/// Phrase in the report of a text that may be shown all the same.
const UNSURE: &str = " may not have arrived";

/// Whether a report leaves open what became of the text.
fn is_unsure(event: &Event) -> bool {
    match event {
        Event::Undelivered { why, .. } => format!(" {why}").contains(UNSURE),
        Event::Said { text, .. } => text.text().contains(UNSURE),
        _ => false,
    }
}
