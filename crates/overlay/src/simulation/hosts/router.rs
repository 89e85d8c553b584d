//! A router that believes what it is told, and the clients of its people.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crosstalk_core::{Address, Failure};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::host::{Act, Host, QUEUE};
use crate::hub::answer::Answer;
use crate::hub::inbound::Inbound;
use crate::membership::GatewayId;
use crate::wire::message::Message;

/// Longest time for a client to take a message.
const SLOWEST: Duration = Duration::from_secs(3);
/// Longest time for which the router is busy with something else.
const BUSY: Duration = Duration::from_millis(200);
/// Long enough for what waits in the hub to be moved on.
const QUIET: Duration = Duration::from_millis(1);

type Mail = (Instant, Message, Answer);

struct Router {
    host: Rc<Host>,
    mailboxes: BTreeMap<Address, Sender<Mail>>,
}

/// Hears what the hub says, and does what people do.
pub(super) async fn run(host: Rc<Host>, mut events: Receiver<Inbound>, mut acts: Receiver<Act>) {
    let mut router = Router { host, mailboxes: BTreeMap::new() };
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => router.hears(event).await,
            Some(act) = acts.recv() => {
                // What is done follows from what was heard before.
                while let Ok(Some(event)) = timeout(QUIET, events.recv()).await {
                    router.hears(event).await;
                }
                router.host.spawn(act(router.host.clone()));
            }
        }
    }
}

impl Router {
    async fn hears(&mut self, event: Inbound) {
        let host = self.host.clone();
        let is_busy = {
            let mut ledger = host.shared.borrow_mut();
            ledger.trace((host.n, format!("{event:?}")));
            let dice = &mut ledger.dice;
            dice.chance(1).then(|| dice.within(Duration::ZERO, BUSY))
        };
        if let Some(busy) = is_busy {
            sleep(busy).await;
        }
        match event {
            Inbound::Message { message, answer, .. } => self.hand_over(message, answer),
            Inbound::Arrived { user, at } => host.arrived(user, at),
            Inbound::Left { user, at } => host.left(&user, at),
            Inbound::Lost(gateway) => host.lost(gateway),
            Inbound::Roster(_) => {}
        }
    }

    /// Hands a message to its user, who may be gone, busy or slow.
    fn hand_over(&mut self, message: Message, answer: Answer) {
        let mut ledger = self.host.shared.borrow_mut();
        let here = ledger.seats[self.host.n].here.contains(message.receiver());
        let (fate, slow) = (ledger.dice.roll(100), ledger.dice.within(Duration::ZERO, SLOWEST));
        drop(ledger);
        if fate < 5 {
            return answer.give(Err(Failure::Busy));
        }
        if !here {
            return answer.give(Err(Failure::Offline));
        }
        let at = Instant::now() + if fate < 20 { slow } else { Duration::ZERO };
        let receiver = message.receiver().clone();
        let mailbox = self.mailboxes.entry(receiver).or_insert_with(|| {
            let (mailbox, mail) = mpsc::channel(QUEUE);
            self.host.spawn(take_mail(self.host.clone(), mail));
            mailbox
        });
        let _ = mailbox.try_send((at, message, answer));
    }
}

/// A mailbox keeps what is in it in order.
async fn take_mail(host: Rc<Host>, mut mail: Receiver<Mail>) {
    while let Some((at, message, answer)) = mail.recv().await {
        sleep_until(at).await;
        let is_here = {
            let mut ledger = host.shared.borrow_mut();
            let is_here = ledger.seats[host.n].here.contains(message.receiver());
            if is_here {
                ledger.is_shown(host.n, &message);
            }
            is_here
        };
        answer.give(if is_here { Ok(()) } else { Err(Failure::Offline) });
    }
}

impl Host {
    fn arrived(&self, user: Address, at: GatewayId) {
        let seat = &mut self.shared.borrow_mut().seats[self.n];
        if seat.watching.contains(&user) {
            assert!(seat.believed.entry(user).or_default().insert(at), "nobody arrives twice");
        }
    }

    fn left(&self, user: &Address, at: GatewayId) {
        let seat = &mut self.shared.borrow_mut().seats[self.n];
        if let Some(places) = seat.believed.get_mut(user) {
            assert!(places.remove(&at), "nobody leaves who was not there");
        }
    }

    fn lost(&self, gateway: GatewayId) {
        let seat = &mut self.shared.borrow_mut().seats[self.n];
        for places in seat.believed.values_mut() {
            places.remove(&gateway);
        }
    }
}
