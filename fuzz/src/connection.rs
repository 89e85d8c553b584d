//! One engine, called as the gateway's sessions call it.

use bytes::BytesMut;
use crosstalk_core::{
    Address, Computation, Computed, ConnectionId, Context, Engine, EnvelopeId, EnvelopeIds, Event,
    Input, MAX_PENDING, MAX_UNKNOWN, Output, Redacted, Side, TlsFacts, Via,
};

use crate::mail;
use crate::meter::uncounted;
use crate::stage::{Shared, random};

/// Limit of the times that an engine may ask to be woken at one and the same instant.
const MAX_TICKS: usize = 64;

/// A connection of a script.
pub(crate) struct Connection {
    /// None once the connection is closed, or passes through.
    engine: Option<Box<dyn Engine>>,
    out: Output,
    /// The registry knows it by this, while there is an engine.
    id: ConnectionId,
    /// The registry answered something since bytes were last given, or the engine heard something.
    is_answered: bool,
    /// The witness knows it by this.
    number: usize,
    /// Bytes of either side that engines left unread.
    pending: [BytesMut; 2],
    ended: [bool; 2],
    /// Whether there is a server.
    server: bool,
    user: Option<Address>,
    with: Vec<Address>,
    computation: Option<Computation>,
    computed: Option<Computed>,
    /// Id of the person's last message.
    said: Option<EnvelopeId>,
}

impl Connection {
    pub(crate) fn open(shared: &mut Shared, via: Via) -> Self {
        let id = shared.registry.connect(());
        let server = matches!(via, Via::Proxy { .. });
        let options = shared.network.options().iter().map(|(option, _)| *option).collect();
        let context = Context {
            network: shared.network.defaults().id.parse().expect("a legal name"),
            names: shared.names.clone(),
            connection: id,
            via,
            ids: EnvelopeIds::new(1),
            random,
            terminate_tls: true,
            options,
        };
        let mut connection = Self {
            engine: Some(shared.network.engine(context)),
            out: Output::default(),
            id,
            is_answered: false,
            number: shared.witness.connected(),
            pending: Default::default(),
            ended: [false; 2],
            server,
            user: None,
            with: Vec::new(),
            computation: None,
            computed: None,
            said: None,
        };
        connection.tell(shared, Input::Start);
        connection
    }

    /// Person who signed in.
    pub(crate) const fn user(&self) -> Option<&Address> {
        self.user.as_ref()
    }

    /// Whether it carries a conversation with `person`.
    pub(crate) fn converses_with(&self, person: &Address) -> bool {
        self.with.contains(person)
    }

    /// A side says something in its own name, and it comes in reads of `most` bytes.
    pub(crate) fn reads(&mut self, shared: &mut Shared, from: Side, text: &[u8], most: usize) {
        if from == Side::Server && !self.server {
            return;
        }
        let most = if most == 0 { usize::MAX } else { most };
        for read in text.chunks(most) {
            if self.engine.is_none() || self.ended[from as usize] {
                return;
            }
            uncounted(|| shared.witness.heard(self.number, from, read));
            self.bytes(shared, from, read);
        }
    }

    /// The server passes something on, between two statements of its own.
    pub(crate) fn relayed(&mut self, shared: &mut Shared, words: &[u8]) {
        if self.server && !self.ended[1] && self.pending[Side::Server as usize].is_empty() {
            shared.looked_at += words.len();
            self.bytes(shared, Side::Server, words);
        }
    }

    fn bytes(&mut self, shared: &mut Shared, from: Side, read: &[u8]) {
        let mut pending = std::mem::take(&mut self.pending[from as usize]);
        // What waited is looked at again, but not for each byte that is added.
        shared.looked_at += pending.len().min(16 * read.len());
        pending.extend_from_slice(read);
        self.look_at(shared, from, pending);
        self.go_on(shared);
    }

    fn look_at(&mut self, shared: &mut Shared, from: Side, mut pending: BytesMut) {
        self.tell(shared, Input::Bytes(from, &mut pending));
        if pending.len() > MAX_PENDING {
            self.close();
        } else if self.engine.is_some() {
            self.pending[from as usize] = pending;
        }
    }

    /// Gives the engine again what it left of the bytes, where it was told what it may have waited for.
    pub(crate) fn go_on(&mut self, shared: &mut Shared) {
        while std::mem::take(&mut self.is_answered) {
            for side in [Side::Client, Side::Server] {
                let pending = std::mem::take(&mut self.pending[side as usize]);
                if !pending.is_empty() {
                    shared.looked_at += pending.len();
                    self.look_at(shared, side, pending);
                }
            }
        }
    }

    /// Ends it for another one in its place.
    pub(crate) fn end(&mut self, shared: &mut Shared) {
        self.close();
        self.settle(shared);
    }

    /// Leaves the registry, where its engine is gone.
    pub(crate) fn settle(&self, shared: &mut Shared) {
        if self.engine.is_none() {
            drop(shared.registry.disconnect(self.id));
        }
    }

    /// Tells the engine of a person who signed in something that only such are told.
    pub(crate) fn told(&mut self, shared: &mut Shared, input: Input<'_>) {
        if self.user.is_some() {
            self.tell(shared, input);
        }
    }

    pub(crate) fn said_arrived(&mut self, shared: &mut Shared) {
        if let Some(id) = self.said.take() {
            self.told(shared, Input::Delivered(id));
        }
    }

    /// Lets the engine hear what others said.
    pub(crate) fn hear(&mut self, shared: &mut Shared) {
        while let Some(heard) = shared.registry.hear(self.id) {
            self.is_answered = true;
            self.tell(shared, heard);
        }
    }

    /// Runs the long work that was asked for, as the gateway does it elsewhere.
    pub(crate) fn compute(&mut self) {
        self.computed = self.computation.take().map(|computation| computation.run());
    }

    /// Tells the engine what came of it.
    pub(crate) fn computed(&mut self, shared: &mut Shared) {
        if let Some(result) = self.computed.take() {
            self.tell(shared, Input::Computed(result));
        }
    }

    /// Wakes the engine as long as it is time.
    pub(crate) fn tick(&mut self, shared: &mut Shared) {
        for _ in 0..MAX_TICKS {
            let deadline = self.engine.as_ref().and_then(|engine| engine.deadline());
            if deadline.is_none_or(|at| at > shared.now.instant) {
                return;
            }
            self.is_answered = true;
            self.tell(shared, Input::Tick);
        }
        panic!("time: the deadline does not move, however often it is kept");
    }

    pub(crate) fn gone(&mut self, shared: &mut Shared, side: Side) {
        if self.ended[side as usize] || side == Side::Server && !self.server {
            return;
        }
        self.ended[side as usize] = true;
        self.tell(shared, Input::Closed(side));
        if self.ended[0] && (self.ended[1] || !self.server) {
            self.close();
        }
    }

    fn tell(&mut self, shared: &mut Shared, input: Input<'_>) {
        let Some(engine) = &mut self.engine else { return };
        shared.looked_at += engine.weight();
        let result = engine.handle(shared.now, input, &mut self.out);
        shared.held.extend(self.out.take_deferred());
        for left in self.out.take_left() {
            drop(shared.registry.perform(shared.now.instant, self.id, left));
        }
        let events: Vec<Event> = std::iter::from_fn(|| self.out.next_event()).collect();
        // What an engine writes to somebody it may write before it says who that is.
        for event in &events {
            self.believe(shared, event);
        }
        self.sent(shared);
        if result.is_err() {
            return self.close();
        }
        let enters = events.iter().any(|event| matches!(event, Event::SignedIn { .. }));
        for event in events {
            self.act(shared, event);
        }
        // Behind the answers to what the engine asked when it said who the person is.
        if enters && self.user.is_some() {
            let roster = mail::roster(&shared.names);
            shared.looked_at += 4096;
            self.tell(shared, Input::Roster(roster));
        }
        let waiting: usize = self.pending.iter().map(BytesMut::len).sum();
        let unknown =
            |engine: &dyn Engine| !engine.is_known() && engine.weight() + waiting > MAX_UNKNOWN;
        if self.user.is_none() && self.engine.as_deref().is_some_and(unknown) {
            self.close();
        }
    }

    fn act(&mut self, shared: &mut Shared, event: Event) {
        match event {
            Event::Converse { with, .. } => self.with = with,
            Event::SignedOut => self.user = None,
            Event::Encrypt(side, _) => {
                let exporter = Some(Redacted::from([7; 32]));
                let facts = TlsFacts { exporter, server_end_point: Some(vec![9; 32]) };
                self.tell(shared, Input::Encrypted(side, facts));
            }
            Event::Dial(_) => self.server = true,
            Event::DetachServer => {
                self.server = false;
                self.ended[Side::Server as usize] = false;
                self.pending[Side::Server as usize].clear();
            }
            Event::Opaque => self.close(),
            Event::Exchange(exchange) => {
                let done = shared.registry.perform(shared.now.instant, self.id, exchange);
                if let Some(answer) = done.answer {
                    self.is_answered = true;
                    self.tell(shared, answer);
                }
            }
            Event::Compute(computation) => self.computation = Some(computation),
            Event::Send(outgoing) => self.said = Some(outgoing.id),
            Event::SignedIn { .. }
            | Event::Presence(_)
            | Event::Audience(_)
            | Event::Roster(_)
            | Event::Unshown(_)
            | Event::Advise(_) => {}
        }
    }

    /// Takes an engine's word for who somebody is, where a server gave it.
    fn believe(&mut self, shared: &Shared, event: &Event) {
        let (Event::SignedIn { user, .. } | Event::Converse { user, .. }) = event else { return };
        let user = user.name();
        let confirmed = uncounted(|| shared.witness.confirms(self.number, shared.network, user));
        assert!(confirmed, "provenance: signed in as {user}, whom no server named here");
        self.user = Some(user.clone());
    }

    /// Takes what the engine lets through, and sees that nobody gets what is another's.
    fn sent(&mut self, shared: &Shared) {
        for side in [Side::Client, Side::Server] {
            for bytes in self.out.queue(side).drain(..) {
                for (mark, owner) in &shared.delivered {
                    let leaks = side == Side::Server || self.user.as_ref() != Some(owner);
                    let leaked = leaks && memchr::memmem::find(&bytes, mark.as_bytes()).is_some();
                    assert!(!leaked, "provenance: a text for {owner} went elsewhere");
                }
                if side == Side::Client {
                    uncounted(|| shared.witness.shown(self.number, &bytes));
                }
            }
        }
    }

    /// Ends it, or lets it pass through: for an engine both are the same.
    fn close(&mut self) {
        self.engine = None;
        self.pending = Default::default();
        self.user = None;
        self.with.clear();
    }
}
