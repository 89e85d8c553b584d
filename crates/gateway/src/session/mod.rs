//! Sessions: an engine between two streams and the router.

mod authority;
mod end;
mod endpoint;
mod peer;
mod person;
mod server;
mod waiting;
mod wake;
mod write;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{
    Address, Computed, Engine, Event, Fault, Input, MAX_PENDING, Now, Output, Side, UnixMillis,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::Sleep;

use crate::mail::Mail;
use crate::memory::Charge;
use crate::registry::Registration;
use crate::shared::{Interpreter, Shared};
use crate::stream::settle;
use crate::watchdog::{self, Watchdog};

pub(crate) use authority::Unnamed;
pub(crate) use end::End;
pub(crate) use endpoint::Endpoint;
pub(crate) use peer::Peer;
use person::Person;
use wake::Wake;

/// Longest time for one side to go on after the other has ended.
const LINGER: Duration = Duration::from_secs(30);
/// Time for which a session goes on before others on the same worker have their turn.
const TURN: Duration = Duration::from_millis(1);
/// Longest time for a connection that is given up to take the rest of what is queued for it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A connection whose protocol is known.
pub(crate) struct Session {
    shared: Arc<Shared>,
    engine: Box<dyn Engine>,
    /// Entry in the registry, by which it finds them, and they find it.
    registration: Registration,
    watchdog: Arc<Watchdog>,
    out: Output,
    client: Endpoint,
    server: Endpoint,
    /// Server's name in TLS, and the roots that may certify it.
    peer: Peer,
    /// Person who signed in on it, though perhaps signed out again.
    user: Option<Address>,
    /// The person's place at the router, while that lasts.
    person: Option<Person>,
    /// Charge for what waits.
    charge: Charge,
    /// Whether somebody was known to be behind the client when it was charged.
    was_known: bool,
    /// Whether the engine goes on without a server where none can be reached.
    alone: bool,
    /// By when something must have happened for the session to go on.
    limit: Option<Instant>,
    ticked: Option<Instant>,
    /// Until when the client is read no further, since its person has said so much.
    paused: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when it has not waited for anything.
    busy_since: Option<Instant>,
    /// Which of client, server and mail is asked first.
    turn: u8,
    /// Long work of the engine's.
    computing: Option<Pin<Box<dyn Future<Output = Option<Computed>> + Send>>>,
    /// The session's turn to be told something large: waited for, and taken.
    turn_to_come: Option<Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>>,
    turn_taken: Option<OwnedSemaphorePermit>,
}

/// Work for an event that may take long.
type Long<'a> = Pin<Box<dyn Future<Output = Result<(), End>> + Send + 'a>>;

/// Results of the events that were performed.
#[derive(Default)]
struct Done {
    /// The person was made to say something.
    has_said: bool,
    /// The registry answered something.
    is_answered: bool,
}

impl Session {
    /// A session of an engine; `server` is not connected in direct mode.
    pub(crate) fn new(
        shared: Arc<Shared>,
        Interpreter { engine, registration, watchdog }: Interpreter,
        (client, server): (Endpoint, Endpoint),
        peer: Peer,
        charge: Charge,
    ) -> Self {
        let limit = server.stream.is_none().then(|| Instant::now() + shared.undialled());
        Self {
            shared,
            engine,
            registration,
            watchdog,
            out: Output::default(),
            client,
            server,
            peer,
            user: None,
            person: None,
            charge,
            was_known: false,
            alone: false,
            limit,
            ticked: None,
            paused: None,
            timer: None,
            busy_since: None,
            turn: 0,
            computing: None,
            turn_to_come: None,
            turn_taken: None,
        }
    }

    /// Person who signed in, if somebody did.
    pub(crate) const fn user(&self) -> Option<&Address> {
        self.user.as_ref()
    }

    /// Drives the engine until the connection ends or there is nothing more to interpret; then
    /// the two endpoints hold what both sides should still get.
    pub(crate) async fn run(&mut self) -> End {
        let Err(end) = self.interpret().await;
        self.person = self.person.take().filter(|_| !matches!(end, End::Opaque(_)));
        match end {
            End::Opaque(_) => self.hand_over(),
            End::Fault(_) => Box::pin(self.write_rest()).await,
            _ => {}
        }
        end
    }

    async fn interpret(&mut self) -> Result<Infallible, End> {
        self.tell(Input::Start)?;
        for (side, facts) in std::mem::take(&mut self.peer.facts) {
            self.tell(Input::Encrypted(side, facts))?;
        }
        self.act(false).await?;
        for side in [Side::Client, Side::Server] {
            if !self.endpoint(side).inbox.is_empty() {
                self.tell_bytes(side)?;
                self.act(false).await?;
            }
            if self.endpoint(side).ended {
                self.tell_end(side).await?;
            }
        }
        loop {
            let wake = poll_fn(|cx| {
                let wake = self.poll_wake(cx);
                self.busy_since = self.busy_since.filter(|_| wake.is_ready());
                wake
            });
            let wake = wake.await;
            // An engine may have waited for these with what it left of the bytes.
            let goes_on = matches!(wake, Wake::Heard(_) | Wake::Tick);
            match wake {
                Wake::Bytes(side) => self.tell_bytes(side)?,
                Wake::Ended(side) => self.tell_end(side).await?,
                Wake::Mail(mail) => self.tell_mail(*mail)?,
                Wake::Heard(heard) => self.tell(*heard)?,
                Wake::Computed(result) => self.tell(Input::Computed(result))?,
                Wake::Tick => self.tell(Input::Tick)?,
                Wake::Resumed => self.pause(),
                Wake::Over(end) => return Err(end),
            }
            self.act(goes_on).await?;
            if self.busy_since.is_some_and(|since| since.elapsed() >= TURN) {
                self.busy_since = None;
                yield_now().await;
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) -> Result<(), End> {
        let now = now();
        let result = self.engine.handle(now, input, &mut self.out);
        let took = now.instant.elapsed();
        self.busy_since.get_or_insert(now.instant);
        if took >= watchdog::SLOW {
            self.shared.router.count_slow();
            self.watchdog.report(now.instant + took, took);
        }
        result.map_err(|fault| {
            // Everything else that an engine asked for which gives up ends with it.
            self.leave_for_others();
            self.at_fault(fault)
        })
    }

    fn leave_for_others(&mut self) {
        for left in self.out.take_left() {
            self.registration.perform(Instant::now(), left);
        }
    }

    /// Tells the engine that a side ended, which may then leave it; else the other side is told.
    async fn tell_end(&mut self, side: Side) -> Result<(), End> {
        self.limit.get_or_insert(Instant::now() + LINGER);
        self.tell(Input::Closed(side))?;
        self.act(false).await?;
        let endpoint = self.endpoint(side);
        endpoint.known = endpoint.ended;
        if endpoint.ended {
            self.leave(side);
        }
        Ok(())
    }

    /// Once somebody signed in, passing through would take the next foreign name to the server.
    fn at_fault(&self, fault: Fault) -> End {
        let ends = self.out.altered() || self.user.is_some();
        if ends { End::Fault(fault) } else { End::Opaque(Some(fault)) }
    }

    fn tell_bytes(&mut self, side: Side) -> Result<(), End> {
        let mut inbox = std::mem::take(&mut self.endpoint(side).inbox);
        let before = inbox.len();
        let told = self.tell(Input::Bytes(side, &mut inbox));
        settle(&mut inbox, before);
        let too_much = inbox.len() > MAX_PENDING;
        self.endpoint(side).inbox = inbox;
        told?;
        if too_much {
            return Err(self.at_fault(Fault::new(side.blame(), "an unfinished frame is too long")));
        }
        Ok(())
    }

    fn tell_mail(&mut self, mail: Mail) -> Result<(), End> {
        match mail {
            Mail::Roster(roster) => self.tell(Input::Roster(roster)),
            Mail::Changed(contact) => self.tell(Input::Changed(contact)),
            Mail::Delivered(id) => self.tell(Input::Delivered(id)),
            // Engines do not ask for it.
            Mail::Accepted(..) => Ok(()),
            Mail::Carbon(envelope) => self.tell(Input::Carbon(envelope)),
            Mail::Deliver(envelope, handed) => self.deliver(envelope, handed),
            Mail::Presence { of, presence } => self.presence(of, presence),
        }
    }

    /// Does what the engine asked for, and lets it go on with what it left unread where the registry
    /// answered it, or it `goes_on` for another reason.
    async fn act(&mut self, mut goes_on: bool) -> Result<(), End> {
        while self.act_once().await? | std::mem::take(&mut goes_on) {
            // Before anything more is read: frames behind the one that waited keep their order.
            for side in [Side::Client, Side::Server] {
                if !self.endpoint(side).inbox.is_empty() {
                    self.tell_bytes(side)?;
                }
            }
        }
        Ok(())
    }

    /// Does what the engine asked for so far, after a first attempt to write what it queued. Returns
    /// whether the registry answered something.
    async fn act_once(&mut self) -> Result<bool, End> {
        // Before its client reads where to go with the key.
        self.leave_for_others();
        poll_fn(|cx| self.poll_write_once(cx)).await;
        // What follows may take long, as dialling does.
        self.charge();
        let mut done = Done::default();
        while let Some(event) = self.out.next_event() {
            if let Some(long) = self.perform(event, &mut done)? {
                long.await?;
            }
        }
        if done.has_said {
            self.pause();
        }
        if let Some(person) = &mut self.person {
            person.takes(self.engine.takes_texts());
        }
        Ok(done.is_answered)
    }

    /// Does what an event asks for. What may take long is returned: boxed and without the event,
    /// or each session had the room of both at all times.
    fn perform(&mut self, event: Event, done: &mut Done) -> Result<Option<Long<'_>>, End> {
        match event {
            Event::Dial(to) => return Ok(Some(Box::pin(self.dial(to)))),
            Event::DetachServer => self.leave_server(),
            Event::Encrypt(side, host) => return Ok(Some(Box::pin(self.encrypt(side, host)))),
            Event::Opaque => return Err(End::Opaque(None)),
            Event::Advise(what) => self.shared.advise(what),
            Event::SignedIn { user, endpoint } => {
                return Ok(Some(Box::pin(self.sign_in(user.into_name(), endpoint))));
            }
            Event::Converse { user, endpoint, with } => {
                return Ok(Some(Box::pin(self.converse(user.into_name(), endpoint, with))));
            }
            Event::Compute(work) => self.computing = Some(self.shared.compute(work)),
            Event::SignedOut => self.person = None,
            Event::Exchange(exchange) => {
                let answer = self.registration.perform(Instant::now(), exchange);
                done.is_answered |= answer.is_some();
                answer.map_or(Ok(()), |answer| self.tell(answer))?;
            }
            event @ (Event::Presence(_)
            | Event::Audience(_)
            | Event::Send(_)
            | Event::Roster(_)
            | Event::Unshown(_)) => {
                if let Some(person) = &self.person
                    && !(person.is_leaving && matches!(event, Event::Presence(_)))
                {
                    person.handle.take(event);
                    done.has_said = true;
                }
            }
        }
        Ok(None)
    }

    /// The two sides, client first, for those who carry on without an engine.
    pub(crate) fn into_endpoints(mut self) -> Box<(Endpoint, Endpoint)> {
        if let (None, Some(ready)) = (&self.server.stream, self.peer.ready.take()) {
            self.server.stream = Some(ready.1);
        }
        Box::new((self.client, self.server))
    }

    fn endpoint(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Leaves what the engine queued to those who carry on without it.
    fn hand_over(&mut self) {
        for side in [Side::Client, Side::Server] {
            let queue = std::mem::take(self.out.queue(side));
            for piece in &queue {
                self.endpoint(side).outbox.push(piece);
            }
        }
    }
}

/// The present.
fn now() -> Now {
    Now { instant: Instant::now(), wall: UnixMillis::from(SystemTime::now()) }
}
