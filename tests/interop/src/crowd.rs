//! People who talk all the time, and sign on again when their gateway dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crosstalk_mock::delivery_audit::{Boot, DeliveryAudit};

use crate::{Event, Person};

/// Between two texts of one person.
const PACE: Duration = Duration::from_millis(150);
/// Longest wait for a client to confirm that it has sent a text, before it is given the next one.
const SENDING: Duration = Duration::from_secs(30);
/// Longest time of a sign-on before another one is tried.
const SIGN_ON: Duration = Duration::from_secs(10);
/// Time to look at incoming events before anything else is done.
const GLANCE: Duration = Duration::from_millis(20);

/// People at clients, each in a thread.
pub struct Crowd {
    shared: Arc<Shared>,
    lives: Vec<JoinHandle<Person>>,
}

struct Shared {
    /// The last boot of each gateway, and whether it runs.
    boots: Mutex<Vec<(Boot, bool)>>,
    talking: AtomicBool,
    leaving: AtomicBool,
    audit: Mutex<DeliveryAudit>,
}

/// Somebody to talk to: the name, and how it is spelled here.
pub type Friend = (&'static str, String);

impl Crowd {
    /// Nobody yet, at as many gateways, all of which run.
    pub fn at(gateways: usize) -> Self {
        let boots = (0..gateways).map(|gateway| (Boot { gateway, count: 0 }, true)).collect();
        let shared = Arc::new(Shared {
            boots: Mutex::new(boots),
            talking: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            audit: Mutex::default(),
        });
        Self { shared, lives: Vec::new() }
    }

    /// Takes in somebody who is signed on at a gateway.
    pub fn takes_in(
        &mut self,
        person: Person,
        name: &'static str,
        home: usize,
        friends: Vec<Friend>,
    ) {
        let boot = Boot { gateway: home, count: 0 };
        let shared = self.shared.clone();
        let life = Life {
            person,
            name,
            friends,
            shared,
            boot,
            online: true,
            called: None,
            sending: None,
            said: Instant::now(),
            turn: 0,
        };
        self.lives.push(std::thread::spawn(move || life.live()));
    }

    /// Makes everybody talk, or nobody.
    pub fn talk(&self, talking: bool) {
        self.shared.talking.store(talking, Ordering::Relaxed);
    }

    /// A gateway was killed.
    pub fn lost(&self, gateway: usize) {
        let (boot, runs) = &mut self.shared.boots.lock().unwrap()[gateway];
        *runs = false;
        self.audit().kill((*boot, Instant::now()));
    }

    /// It runs again.
    pub fn found(&self, gateway: usize) {
        let (boot, runs) = &mut self.shared.boots.lock().unwrap()[gateway];
        boot.count += 1;
        *runs = true;
    }

    /// Audit of what everybody has sent and was shown.
    pub fn audit(&self) -> MutexGuard<'_, DeliveryAudit> {
        self.shared.audit.lock().unwrap()
    }

    /// Lets everybody go, in the order in which they came.
    pub fn disperse(self) -> Vec<Person> {
        self.shared.leaving.store(true, Ordering::Relaxed);
        self.lives.into_iter().map(|life| life.join().unwrap()).collect()
    }
}

/// Somebody at a client.
struct Life {
    person: Person,
    name: &'static str,
    friends: Vec<Friend>,
    shared: Arc<Shared>,
    /// Run of the gateway that they are signed on at, or were.
    boot: Boot,
    online: bool,
    /// Time at which the last sign-on began, while it lasts.
    called: Option<Instant>,
    /// Text that the client was given and has not confirmed as sent.
    sending: Option<(String, Instant)>,
    /// Time of the last text.
    said: Instant,
    turn: usize,
}

impl Life {
    fn live(mut self) -> Person {
        while !self.shared.leaving.load(Ordering::Relaxed) {
            for event in self.person.shown(GLANCE) {
                self.see(&event);
            }
            if !self.online {
                self.sign_on();
            } else if self.shared.talking.load(Ordering::Relaxed) {
                self.say();
            }
        }
        self.person
    }

    fn see(&mut self, event: &Event) {
        match event.kind() {
            "connected" | "resumed" => {
                self.called = None;
                if let Some(boot) = self.gateway() {
                    (self.boot, self.online) = (boot, true);
                }
            }
            "disconnected" | "connection-error" => {
                (self.online, self.called, self.sending) = (false, None, None);
            }
            "sent" => {
                if let Some((text, _)) = self.sending.take() {
                    self.audit().sent(&text);
                }
            }
            "im" => self.hear(event),
            // The client's word on what it was to do, where it is not the gateway's on what was
            // said.
            "refused" => self.is_refused(),
            "error" if event.get("command") == "im" => self.is_refused(),
            "error" if event.get("command").is_empty() => {
                self.audit().report(self.name, event.name());
            }
            "error" => self.called = None,
            _ => {}
        }
    }

    fn hear(&mut self, event: &Event) {
        let text = event.get("text");
        // What arrives late says when it was said.
        let said = text.rsplit_once("] ").map_or(text, |(_, said)| said);
        if let Some((to, _)) = said.split_once(" was not delivered") {
            self.audit().report(self.name, to);
        } else if let Some((to, _)) = said.split_once(" may not have arrived") {
            self.audit().doubt(self.name, to);
        } else if text.contains("this was not delivered") {
            self.audit().report(self.name, event.name());
        } else if text.contains("this may not have arrived") {
            self.audit().doubt(self.name, event.name());
        } else {
            self.audit().show(self.name, said, self.boot);
        }
    }

    fn is_refused(&mut self) {
        if let Some((text, _)) = self.sending.take() {
            self.audit().refuse(&text);
        }
    }

    fn sign_on(&mut self) {
        let waits = self.called.is_some_and(|called| called.elapsed() < SIGN_ON);
        if !waits && self.gateway().is_some() {
            self.called = Some(Instant::now());
            self.person.calls();
        }
    }

    fn say(&mut self) {
        let waits = self.sending.as_ref().is_some_and(|(_, since)| since.elapsed() < SENDING);
        if waits || self.said.elapsed() < PACE {
            return;
        }
        let (name, spelled) = self.friends[self.turn % self.friends.len()].clone();
        self.turn += 1;
        self.said = Instant::now();
        let text = self.audit().say(self.name, name, self.boot);
        self.person.does(&["im", &spelled, &text]);
        self.sending = Some((text, self.said));
    }

    /// The gateway, if it runs.
    fn gateway(&self) -> Option<Boot> {
        let (boot, runs) = self.shared.boots.lock().unwrap()[self.boot.gateway];
        runs.then_some(boot)
    }

    fn audit(&self) -> MutexGuard<'_, DeliveryAudit> {
        self.shared.audit.lock().unwrap()
    }
}
