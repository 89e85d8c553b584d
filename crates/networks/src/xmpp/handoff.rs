//! Stream management (XEP-0198) on the wire, and sessions that go on over another connection.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Address, Event, Fault, Now, Output, Owner, Side, Ticket, Via};

use super::Jabber;
use super::account::{Account, Leftover};
use super::sign_on::NOT_UNDERSTOOD;
use super::sign_on::refused_features::{self, StreamElement};
use super::sign_on::stages::{Entering, Former, Stage, unasked};
use super::stream_management::Acks;
use super::wire::head::Head;
use super::wire::ns;
use super::wire::xml::Element;

/// Time for which a session waits for its client where the server does not say, and at most.
const USUAL_WAIT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// The longest id of a session; XEP-0198 allows 4000 bytes.
const MAX_ID: usize = 4000;

/// A session between two connections, kept in the lobby for the account that it is of.
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

    /// The connection is gone: what another one needs to go on is left in the lobby.
    pub(super) fn leave_ticket(&mut self, now: Now, out: &mut Output) {
        let resumable = self.link.acks.as_ref().and_then(|a| a.resumable.clone());
        let Some((id, wait)) = resumable.filter(|_| !self.signon.closed) else { return };
        let (Some(account), Some(acks)) = (self.account.take(), self.link.acks.take()) else {
            return;
        };
        let key = key_of(&account.user, &id);
        let owner = Owner::account(&account.user);
        let session = Resumable { acks, account };
        let weight = session.weight();
        let ticket = Ticket::new(session, now.instant + wait).of(owner).weighing(weight);
        self.context.lobby.leave(now.instant, key, ticket);
        // Until then nothing can be delivered.
        out.emit(Event::SignedOut);
        self.stop();
    }

    /// `<resume/>` of a client that the server authenticated: goes to the server in the server's
    /// own count, if the session is that account's. It stays in the lobby until the server says
    /// that it goes on here.
    pub(super) fn resume_from_client(
        &mut self,
        now: Now,
        raw: &[u8],
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut resume = self.parse(Side::Client, raw)?;
        let Stage::Authenticated(mut authenticated) = std::mem::take(&mut self.signon.stage) else {
            return Err(unasked());
        };
        let h = resume.attr("h").and_then(|h| h.parse().ok());
        let id = resume.attr("previd").filter(|id| (1..=MAX_ID).contains(&id.len()));
        let asked = id.zip(h).map(|(id, h)| Former { id: id.to_owned(), h });
        let accounts = authenticated.accounts(self.naming.domain(), &self.context.network);
        let found = asked.as_ref().and_then(|asked| {
            accounts.into_iter().find_map(|account| {
                self.context.lobby.look(now.instant, &key_of(&account, &asked.id), |ticket| {
                    let session = ticket.note.downcast_ref::<Resumable>()?;
                    Some((account.clone(), session.account.full.clone(), session.acks.clone()))
                })
            })
        });
        out.withhold();
        match (asked, found) {
            (Some(former), Some((user, full, mut acks))) => {
                resume.set("h", acks.client_handled(former.h)?.to_string());
                self.signon.stage =
                    Stage::Resuming(Box::new(authenticated.resume(former, user, full)));
                out.insert(Side::Server, resume.to_xml());
            }
            (asked, _) => {
                // In a count that the gateway does not know, the server must not hear of it.
                authenticated.refuse(asked)?;
                self.signon.stage = Stage::Authenticated(authenticated);
                let missing = Element::new("item-not-found", ns::STANZAS);
                let failed = Element::new("failed", resume.ns()).child(missing);
                out.insert(Side::Client, failed.to_xml());
            }
        }
        Ok(())
    }

    /// `<resumed/>`: the session goes on here, if the gateway lets its person in.
    pub(super) fn resumed(&mut self, now: Now, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
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
        out.emit(bound.sign_in());
        out.withhold();
        let entering = Entering { bound, resumed: Some(resumed), at: now.instant };
        self.signon.stage = Stage::Entering(Box::new(entering));
        Ok(())
    }

    /// `<failed/>`: the client will start anew, and say again what it thinks lost.
    pub(super) fn resume_failed(
        &mut self,
        now: Now,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let resuming = match std::mem::take(&mut self.signon.stage) {
            Stage::Resuming(resuming) => resuming,
            stage => {
                self.signon.stage = stage;
                out.forward(Side::Client, raw);
                return Ok(());
            }
        };
        let mut failed = self.parse(Side::Server, &raw)?;
        let key = key_of(resuming.user(), resuming.id());
        let acks = self.context.lobby.look(now.instant, &key, |ticket| {
            Some(ticket.note.downcast_ref::<Resumable>()?.acks.clone())
        });
        self.signon.stage = resuming.failed().into();
        match failed.attr("h").and_then(|h| h.parse().ok()).zip(acks) {
            Some((h, mut acks)) => {
                failed.set("h", acks.server_handled(h)?.to_string());
                out.withhold();
                out.insert(Side::Client, failed.to_xml());
            }
            None => out.forward(Side::Client, raw),
        }
        Ok(())
    }

    /// Whatever happens after a sign-on means that the gateway let the person in: now what
    /// belongs to the person comes back. Of two connections that resume a session one gets it.
    pub(super) fn enter(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        if !matches!(self.signon.stage, Stage::Entering(_)) {
            return Ok(());
        }
        let Stage::Entering(entering) = std::mem::take(&mut self.signon.stage) else {
            return Ok(());
        };
        let Entering { bound, resumed, .. } = *entering;
        let (user, full, former) = bound.into_parts();
        let session = former.as_ref().and_then(|former| {
            let key = key_of(user.name(), &former.id);
            let ticket = self.context.lobby.take(now.instant, &key)?;
            ticket.note.downcast::<Resumable>().ok()
        });
        let h = former.map_or(0, |former| former.h);
        match (resumed, session) {
            (Some(resumed), Some(session)) => self.go_on(now, resumed, (*session, h), out),
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
        mut resumed: Element,
        (session, handled): (Resumable, u32),
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Resumable { mut acks, mut account } = session;
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
fn key_of(account: &Address, id: &str) -> Vec<u8> {
    format!("{} {id}", account.local()).into_bytes()
}
