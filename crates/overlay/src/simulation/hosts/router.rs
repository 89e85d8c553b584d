//! The router of a host: it hears what the hub says, and lets people do what they do.

use std::rc::Rc;
use std::time::Duration;

use crosstalk_core::Now;
use crosstalk_router::Input;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::super::router::{Cx, Reply, Router, SlotId};
use super::host::{Act, Host};
use crate::common::clock;
use crate::hub::answer::Answer;
use crate::hub::inbound::Inbound;

/// Longest time for which the router is busy with something else.
const BUSY: Duration = Duration::from_millis(200);
/// Long enough for what waits in the hub to be moved on.
const QUIET: Duration = Duration::from_millis(1);
/// Longer than a run.
const NEVER: Duration = Duration::from_hours(1);

/// Hears what the hub says, does what people do, and tells the router the time.
pub(super) async fn run(host: Rc<Host>, mut events: Receiver<Inbound>, mut acts: Receiver<Act>) {
    loop {
        let due = host.router.borrow().due(elapsed(), host.now());
        let wait = due.map_or(NEVER, |at| at.saturating_sub(elapsed()));
        tokio::select! {
            biased;
            Some(event) = events.recv() => host.hears(event).await,
            Some(act) = acts.recv() => {
                // What is done follows from what was heard before.
                while let Ok(Some(event)) = timeout(QUIET, events.recv()).await {
                    host.hears(event).await;
                }
                host.route(act);
            }
            () = host.earlier.notified() => {}
            () = sleep(wait) => host.route(Router::tick),
        }
    }
}

/// Time of the simulation.
fn elapsed() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

impl Host {
    async fn hears(self: &Rc<Self>, event: Inbound) {
        let is_busy = {
            let mut ledger = self.shared.borrow_mut();
            ledger.trace((self.n, format!("{event:?}")));
            let dice = &mut ledger.dice;
            dice.chance(1).then(|| dice.within(Duration::ZERO, BUSY))
        };
        if let Some(busy) = is_busy {
            sleep(busy).await;
        }
        self.route(|router, cx| match event {
            Inbound::Message { from, message, answer } => {
                router.receive(cx, from, message, Reply::Overlay(answer));
            }
            Inbound::Arrived { user, at } => router.moved(cx, &user, at, true),
            Inbound::Left { user, at } => router.moved(cx, &user, at, false),
            Inbound::Lost(gateway) => router.lost(cx, gateway),
            Inbound::Roster(user) => router.roster_changed(cx, &user),
        });
    }

    /// Tells an account what came of something that it wanted.
    pub(super) fn tell(self: &Rc<Self>, slot: SlotId, input: Input<Reply<Answer>>) {
        self.route(|router, cx| router.tell(cx, slot, input));
    }

    /// Lets the router do something, and does what follows.
    pub(super) fn route(self: &Rc<Self>, act: impl FnOnce(&mut Router<Answer>, &mut Cx<'_>)) {
        let (now, clock) = (elapsed(), self.now());
        {
            let ledger = &mut *self.shared.borrow_mut();
            let (dice, record) = (&mut ledger.dice, &mut ledger.record);
            act(&mut self.router.borrow_mut(), &mut Cx { now, clock, dice, record });
        }
        loop {
            // Not in the condition of the loop, where the router would stay borrowed.
            let call = self.router.borrow_mut().next_call();
            let Some(call) = call else { break };
            self.call(call);
        }
        self.earlier.notify_one();
    }

    /// Time of this gateway's clocks.
    fn now(&self) -> Now {
        Now { instant: clock::now(), wall: self.wall.read() }
    }
}
