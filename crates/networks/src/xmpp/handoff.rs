//! Stream management (XEP-0198) on the wire, and sessions that go on over another connection.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{
    Address, Claim, ClaimResult, Event, Exchange, Fault, Handoff, Key, Now, Output, Owner, Side,
    Via,
};

use super::Jabber;
use super::account::{Account, Leftover};
use super::sign_on::NOT_UNDERSTOOD;
use super::sign_on::refused_features::{self, StreamElement};
use super::sign_on::stages::{Authenticated, Entering, Failing, Former, Looking, Stage, unasked};
use super::stream_management::Acks;
use super::wire::head::Head;
use super::wire::ns;
use super::wire::xml::Element;

/// Time for which a session waits for its client where the server does not say, and at most.
const USUAL_WAIT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// The longest id of a session; XEP-0198 allows 4000 bytes.
const MAX_ID: usize = 4000;

/// A session between two connections: the note on the [`Handoff`] for the account that it is of.
pub(super) struct Resumable {
    acks: Box<Acks>,
    account: Box<Account>,
}

impl Resumable {
    /// Bytes that it holds, roughly.
    fn weight(&self) -> usize {
        self.acks.weight() + self.account.weight()
    }

    /// State left for the next session of the person, whose client handled `h` stanzas of this.
    fn left(mut self, h: u32) -> Result<Leftover, Fault> {
        self.acks.client_handled(h)?;
        let mut again = self.account.take_waiting().again;
        again.extend(self.acks.resumed().into_iter().filter(|said| said.starts_with(b"<message")));
        let mut repeats = std::mem::take(&mut self.account.repeats);
        let (marks, stanzas) = self.acks.untold();
        repeats.go_on(marks, stanzas);
        repeats.begin_anew();
        Ok(Leftover { repeats, again })
    }
}

impl Jabber {
    /// A top-level element of the client that is no stanza.
    pub(super) fn ack_from_client(
        &mut self,
        head: &Head<'_>,
        raw: &Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let (name, ns) = self.name_of(raw)?;
        match (StreamElement::of(&name, &ns), name.as_str()) {
            (StreamElement::Compress, _) => {
                refused_features::compression(out);
                return Ok(());
            }
            (StreamElement::Management, "enable") => {
                self.link.acks = Some(Box::new(Acks::enable(&ns)));
            }
            (StreamElement::Management, "a") => {
                if let (Some(acks), Some(h)) = (&mut self.link.acks, head.h) {
                    let theirs = acks.client_handled(h)?;
                    if let Some(account) = &mut self.account {
                        account.requests.acknowledged(h);
                    }
                    translated(Side::Server, acks, raw, (h, theirs), out);
                    return Ok(());
                }
            }
            (StreamElement::Management | StreamElement::Attention, _) => {}
            _ => return self.end_stream("unsupported-stanza-type", NOT_UNDERSTOOD, out),
        }
        out.forward(Side::Server, raw.clone());
        Ok(())
    }

    /// A top-level element of the server that is no stanza.
    pub(super) fn ack_from_server(
        &mut self,
        head: &Head<'_>,
        raw: &Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match (head.name, head.xmlns.as_deref()) {
            ("enabled", Some(ns::SM | ns::SM2)) => {
                let mut enabled = self.parse(Side::Server, raw)?;
                if let Some(acks) = &mut self.link.acks {
                    acks.enabled(resumable(&enabled));
                }
                if matches!(self.context.via, Via::Direct { .. })
                    && enabled.attr("location").is_some()
                {
                    // A client that resumes there would go past the gateway.
                    enabled.unset("location");
                    out.withhold();
                    out.insert(Side::Client, enabled.to_xml());
                    return Ok(());
                }
            }
            ("failed", Some(ns::SM | ns::SM2)) => self.link.acks = None,
            ("a", Some(ns::SM | ns::SM2)) => {
                if let (Some(acks), Some(h)) = (&mut self.link.acks, head.h) {
                    let theirs = acks.server_handled(h)?;
                    translated(Side::Client, acks, raw, (h, theirs), out);
                    return Ok(());
                }
            }
            _ => {}
        }
        out.forward(Side::Client, raw.clone());
        Ok(())
    }

    /// The connection is gone: what another one needs to go on is left for it.
    pub(super) fn leave(&mut self, now: Now, out: &mut Output) {
        let resumable = self.link.acks.as_ref().and_then(|a| a.resumable.clone());
        let Some((id, wait)) = resumable.filter(|_| !self.signon.closed) else { return };
        let (Some(account), Some(acks)) = (self.account.take(), self.link.acks.take()) else {
            return;
        };
        let key = key_of(&account.user, &id);
        let owner = Owner::account(&account.user);
        let session = Resumable { acks, account };
        let weight = session.weight();
        let handoff = Handoff::new(session, now.instant + wait).of(owner).weighing(weight);
        // Before the person signs off: whoever sees that may come back at once.
        out.emit(Event::Exchange(Exchange::Leave(key, handoff)));
        // Until then nothing can be delivered.
        out.emit(Event::SignedOut);
        self.stop();
    }

    /// `<resume/>` of a client that the server authenticated: it goes to the server if there is
    /// such a session of that account, which stays where it is until the server says that it goes on
    /// here.
    pub(super) fn resume_from_client(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let resume = self.parse(Side::Client, &raw)?;
        let Stage::Authenticated(authenticated) = std::mem::take(&mut self.signon.stage) else {
            return Err(unasked());
        };
        out.withhold();
        let h = resume.attr("h").and_then(|h| h.parse().ok());
        let id = resume.attr("previd").filter(|id| (1..=MAX_ID).contains(&id.len()));
        let Some(former) = id.zip(h).map(|(id, h)| Former { id: id.to_owned(), h }) else {
            return self.refuse_resume(authenticated, None, &resume, out);
        };
        let accounts = authenticated.accounts(self.naming.domain(), &self.context.network);
        let mut keys = accounts.iter().map(|account| key_of(account, &former.id));
        let Some(first) = keys.next() else {
            return self.refuse_resume(authenticated, Some(former), &resume, out);
        };
        let h = former.h;
        let claim = Claim::read(first, move |handoff| {
            let session = handoff.note.downcast_ref::<Resumable>()?;
            let (user, full) = (session.account.user.clone(), session.account.full.clone());
            // Of a copy: the session goes on, or not, as the server decides.
            Some((user, full, session.acks.clone().client_handled(h)))
        });
        let claim = keys.fold(claim, Claim::or);
        self.signon.stage = Stage::Looking(Box::new(Looking { authenticated, former, raw }));
        out.emit(Event::Exchange(Exchange::Claim(claim)));
        Ok(())
    }

    /// The gateway knows no such session: in a count that it does not know, the server must not hear
    /// of it.
    fn refuse_resume(
        &mut self,
        mut authenticated: Box<Authenticated>,
        former: Option<Former>,
        resume: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        authenticated.refuse(former)?;
        self.signon.stage = Stage::Authenticated(authenticated);
        let missing = Element::new("item-not-found", ns::STANZAS);
        let failed = Element::new("failed", resume.ns()).child(missing);
        out.insert(Side::Client, failed.to_xml());
        Ok(())
    }

    /// `<resumed/>`: the session goes on here, if the gateway lets its person in.
    pub(super) fn resumed(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let resuming = match std::mem::take(&mut self.signon.stage) {
            Stage::Resuming(resuming) => resuming,
            Stage::Unfollowed => {
                self.signon.stage = Stage::Unfollowed;
                out.forward(Side::Client, raw);
                return Ok(());
            }
            _ => return Err(unasked()),
        };
        let resumed = self.parse(Side::Server, &raw)?;
        let bound = resuming.resumed(resumed.attr("previd"))?;
        out.withhold();
        self.begin_to_enter(bound.enter(Some(raw)), out);
        Ok(())
    }

    /// `<failed/>`: the client will start anew, and say again what it thinks lost.
    pub(super) fn resume_failed(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let resuming = match std::mem::take(&mut self.signon.stage) {
            Stage::Resuming(resuming) => resuming,
            stage => {
                self.signon.stage = stage;
                out.forward(Side::Client, raw);
                return Ok(());
            }
        };
        let failed = self.parse(Side::Server, &raw)?;
        let Some(h) = failed.attr("h").and_then(|h| h.parse().ok()) else {
            self.signon.stage = resuming.failed().into();
            out.forward(Side::Client, raw);
            return Ok(());
        };
        let claim = Claim::read(key_of(resuming.user(), resuming.id()), move |handoff| {
            let session = handoff.note.downcast_ref::<Resumable>()?;
            Some(session.acks.clone().server_handled(h))
        });
        self.signon.stage = Stage::Failing(Box::new(Failing { resuming: *resuming, raw }));
        out.emit(Event::Exchange(Exchange::Claim(claim)));
        Ok(())
    }

    /// Tells the gateway who this is, and asks for what is left of another session of the person:
    /// the answer comes only if it lets the person in.
    pub(super) fn begin_to_enter(&mut self, entering: Entering, out: &mut Output) {
        out.emit(entering.bound.sign_in());
        let (user, former) = (entering.bound.user(), entering.bound.former());
        if let Some(former) = former {
            let claim = Claim::take(key_of(user, &former.id));
            out.emit(Event::Exchange(Exchange::Claim(claim)));
        }
        self.signon.stage = Stage::Entering(Box::new(entering));
    }

    /// The answer to what this connection asked for.
    pub(super) fn claimed(
        &mut self,
        now: Now,
        claimed: ClaimResult,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match std::mem::take(&mut self.signon.stage) {
            Stage::Looking(looking) => self.looked(*looking, claimed, out),
            Stage::Failing(failing) => self.failed(*failing, claimed, out),
            Stage::Entering(entering) => self.enter(now, *entering, claimed, out),
            stage => {
                self.signon.stage = stage;
                Ok(())
            }
        }
    }

    /// Passes `<resume/>` on in the server's own count, if there is such a session.
    fn looked(
        &mut self,
        looking: Looking,
        found: ClaimResult,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Looking { authenticated, former, raw } = looking;
        let mut resume = self.parse(Side::Client, &raw)?;
        let found = found.read::<(Address, String, Result<u32, Fault>)>();
        let Some((user, full, theirs)) = found else {
            return self.refuse_resume(authenticated, Some(former), &resume, out);
        };
        resume.set("h", theirs?.to_string());
        let resuming = authenticated.resume(former, user, full);
        self.signon.stage = Stage::Resuming(Box::new(resuming));
        out.insert(Side::Server, resume.to_xml());
        Ok(())
    }

    /// Passes `<failed/>` on in the client's own count.
    fn failed(
        &mut self,
        failing: Failing,
        found: ClaimResult,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Failing { resuming, raw } = failing;
        self.signon.stage = resuming.failed().into();
        let Some(ours) = found.read::<Result<u32, Fault>>() else {
            out.forward(Side::Client, raw);
            return Ok(());
        };
        let mut failed = self.parse(Side::Server, &raw)?;
        failed.set("h", ours?.to_string());
        out.withhold();
        out.insert(Side::Client, failed.to_xml());
        Ok(())
    }

    /// The gateway let the person in: now what belongs to the person comes back. Of two connections
    /// that resume a session one gets it.
    fn enter(
        &mut self,
        now: Now,
        entering: Entering,
        claimed: ClaimResult,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Entering { bound, resumed } = entering;
        let session = claimed.taken().and_then(|handoff| handoff.note.downcast::<Resumable>().ok());
        let (user, full, former) = bound.into_parts();
        let h = former.map_or(0, |former| former.h);
        match (resumed, session) {
            (Some(resumed), Some(session)) => self.go_on(now, &resumed, (*session, h), out),
            (Some(_), None) => Err(Fault::gateway("its session went on elsewhere")),
            (None, session) => {
                let mut account = Account::new(full, user.into_name());
                if let Some(session) = session {
                    account.inherit(session.left(h)?);
                }
                self.become_known(account);
                Ok(())
            }
        }
    }

    /// Both sides go on where they were.
    fn go_on(
        &mut self,
        now: Now,
        resumed: &Bytes,
        (session, handled): (Resumable, u32),
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Resumable { mut acks, mut account } = session;
        let mut resumed = self.parse(Side::Server, resumed)?;
        // The client's count first: what it handled is not sent again below.
        acks.client_handled(handled)?;
        account.requests.acknowledged(handled);
        let h = resumed.attr("h").and_then(|h| h.parse().ok());
        let h = h.ok_or_else(|| Fault::server("it resumed a session without a count"))?;
        resumed.set("h", acks.server_handled(h)?.to_string());
        // Before anything else: what comes before `<resumed/>` belongs to no session and is not
        // counted.
        out.insert(Side::Client, resumed.to_xml());
        let (marks, stanzas) = acks.untold();
        account.repeats.go_on(marks, stanzas);
        for ours in acks.resumed() {
            out.insert(Side::Client, ours);
        }
        account.reconnected(now);
        out.emit(Event::Presence(account.own.told()));
        self.link.acks = Some(acks);
        self.become_known(*account);
        Ok(())
    }
}

/// Passes an acknowledgement on in the other side's count.
fn translated(to: Side, acks: &Acks, raw: &Bytes, (h, theirs): (u32, u32), out: &mut Output) {
    if h == theirs {
        out.forward(to, raw.clone());
    } else {
        out.withhold();
        out.insert(to, Element::new("a", &acks.ns).with("h", theirs.to_string()).to_xml());
    }
}

/// Id and time of resuming that `<enabled/>` grants.
fn resumable(enabled: &Element) -> Option<(String, Duration)> {
    if !matches!(enabled.attr("resume"), Some("true" | "1")) {
        return None;
    }
    let wait = enabled.attr("max").and_then(|max| max.parse().ok()).map(Duration::from_secs);
    let id = enabled.attr("id").filter(|id| (1..=MAX_ID).contains(&id.len()))?;
    Some((id.to_owned(), wait.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT)))
}

/// The key of a session: of two accounts, one never finds the other's.
fn key_of(account: &Address, id: &str) -> Key {
    format!("{} {id}", account.local()).into()
}
