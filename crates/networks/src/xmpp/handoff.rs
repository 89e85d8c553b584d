//! Sessions that go on over another connection (XEP-0198, section 5).
//!
//! A connection that breaks leaves its session, under the account and the id by which the client
//! resumes it. It stays there until the server says that it goes on, and on which connection.

use bytes::Bytes;
use crosstalk_core::{Address, Claim, ClaimResult, Event, Fault, Handoff, Key, Owner, Side};
use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::context::Cx;
use super::messages::handed_over::HandedOver;
use super::messages::resent::ResentMessages;
use super::sign_on::SignOn;
use super::sign_on::stages::{Entering, Stage};
use super::stream_management::counts::Acks;

/// A session between two connections: the note on the [`Handoff`] for the account that it is of.
pub(super) struct Resumable {
    pub(super) acks: Box<Acks>,
    pub(super) account: Box<Account>,
}

/// State that a session that could not be resumed leaves to the next.
#[derive(Default)]
struct Leftover {
    /// Messages of the client that the gateway took.
    repeats: ResentMessages,
    /// Messages for the client that it did not acknowledge.
    again: Vec<Bytes>,
    /// Those that the gateway may bring once more.
    handed_over: HandedOver,
}

impl Account {
    /// Takes over what another session left.
    fn inherit(&mut self, left: Leftover) {
        if !left.again.is_empty() {
            self.wait_again(left.again);
        }
        self.repeats = left.repeats;
        self.handed_over = left.handed_over;
    }
}

impl Resumable {
    /// Bytes that it holds, roughly.
    fn weight(&self) -> usize {
        self.acks.weight() + self.account.weight()
    }

    /// The connection is gone: what another one needs to go on is left for it.
    pub(super) fn leave(self, cx: &mut Cx<'_>) {
        let Some((id, wait)) = self.acks.resumable.clone() else { return };
        let (key, owner) = (key_of(&self.account.user, &id), Owner::account(&self.account.user));
        let (until, weight) = (cx.later(wait), self.weight());
        // Before the person signs off: whoever sees that may come back at once.
        cx.leave(key, Handoff::new(self, until).of(owner).weighing(weight));
        // Until then nothing can be delivered.
        cx.emit(Event::SignedOut);
    }

    /// State left for the next session of the person, whose client handled `h` stanzas of this.
    fn left(mut self, h: u32) -> Result<Leftover, Fault> {
        // Also what the client handled: the gateway does not know that it did.
        self.account.handed_over.add(self.acks.take_handed_over());
        self.acks.client_handled(h)?;
        let mut again = self.account.take_waiting().again;
        again.extend(self.acks.resumed().into_iter().filter(|said| said.starts_with(b"<message")));
        let mut repeats = std::mem::take(&mut self.account.repeats);
        let (marks, stanzas) = self.acks.untold();
        repeats.go_on(marks, stanzas);
        repeats.begin_anew();
        let handed_over = std::mem::take(&mut self.account.handed_over);
        Ok(Leftover { repeats, again, handed_over })
    }
}

impl SignOn {
    /// Tells the gateway who this is, and asks for what is left of another session of the person:
    /// the answer comes only if it lets the person in.
    pub(super) fn begin_to_enter(&mut self, entering: Entering, cx: &mut Cx<'_>) {
        cx.emit(entering.bound.sign_in());
        if let Some(former) = entering.bound.former() {
            cx.claim(Claim::take(key_of(entering.bound.user(), &former.id)));
        }
        self.stage = Stage::Entering(Box::new(entering));
    }

    /// The answer to what this connection asked for; the person's account, if it is known by that.
    pub(super) fn claimed(
        &mut self,
        claimed: ClaimResult,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Box<Account>>, Fault> {
        match std::mem::take(&mut self.stage) {
            Stage::Looking(looking) => self.looked(*looking, claimed, cx)?,
            Stage::Failing(failing) => self.failed(*failing, claimed, cx)?,
            Stage::Entering(entering) => return self.enter(*entering, claimed, cx).map(Some),
            stage => self.stage = stage,
        }
        Ok(None)
    }

    /// The gateway let the person in: now what belongs to the person comes back. Of two connections
    /// that resume a session one gets it.
    fn enter(
        &mut self,
        entering: Entering,
        claimed: ClaimResult,
        cx: &mut Cx<'_>,
    ) -> Result<Box<Account>, Fault> {
        let Entering { bound, resumed } = entering;
        let session = claimed.taken().and_then(|handoff| handoff.note.downcast::<Resumable>().ok());
        let (user, full, former) = bound.into_parts();
        let h = former.map_or(0, |former| former.h);
        let account = match (resumed, session) {
            (Some(resumed), Some(session)) => session.go_on(h, &resumed, cx)?,
            (Some(_), None) => return Err(Fault::gateway("its session went on elsewhere")),
            (None, session) => {
                let mut account = Account::new(full, user.into_name());
                if let Some(session) = session {
                    account.inherit(session.left(h)?);
                }
                Box::new(account)
            }
        };
        self.known(&account, cx);
        Ok(account)
    }
}

impl Resumable {
    /// Both sides go on where they were: the client handled `handled` stanzas, and the server says
    /// by `resumed` how many it handled.
    fn go_on(self, handled: u32, resumed: &[u8], cx: &mut Cx<'_>) -> Result<Box<Account>, Fault> {
        let Self { mut acks, mut account } = self;
        let mut resumed = cx.parse(Side::Server, resumed)?;
        // Also what the client handled: the gateway does not know that it did.
        account.handed_over.add(acks.take_handed_over());
        // The client's count first: what it handled is not sent again below.
        acks.client_handled(handled)?;
        account.requests.acknowledged(handled);
        let h = resumed.attr("h").and_then(|h| h.parse().ok());
        let h = h.ok_or_else(|| Fault::server("it resumed a session without a count"))?;
        resumed.set("h", acks.server_handled(h)?.to_string());
        // Before anything else: what comes before `<resumed/>` belongs to no session and is not
        // counted.
        cx.out.insert(Side::Client, resumed.to_xml());
        let (marks, stanzas) = acks.untold();
        account.repeats.go_on(marks, stanzas);
        for ours in acks.resumed() {
            cx.out.insert(Side::Client, ours);
        }
        account.reconnected(cx.now);
        // The gateway took the person's presence away with the connection.
        let audience = account.own.told_to();
        if !audience.is_everybody() {
            cx.emit(Event::Audience(audience));
        }
        cx.emit(Event::Presence(account.own.told()));
        cx.link.acks = Some(acks);
        Ok(account)
    }
}

/// The key of a session: of two accounts, one never finds the other's.
pub(super) fn key_of(account: &Address, id: &str) -> Key {
    // The id is the client's word, of up to `MAX_ID` bytes.
    let hash = Sha256::new().chain_update(account.local()).chain_update(b"\0").chain_update(id);
    [b"session ".as_slice(), &hash.finalize()].concat().into()
}
