//! Stream management (XEP-0198) on the wire, and sessions that go on over another connection.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Confirmed, Event, Fault, Now, Output, Owner, Side, Ticket, Via};

use super::acks::Acks;
use super::engine::Jabber;
use super::head::Head;
use super::jid;
use super::ns;
use super::person::{Leftover, Person};
use super::signon::refuse_compression;
use super::xml::Element;

/// How long a session waits for its client where the server does not say, and at most.
const USUAL_WAIT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A session between two connections, kept in the lobby.
pub(super) struct Resumable {
    acks: Acks,
    person: Box<Person>,
}

impl Jabber {
    /// A top-level element of the client that is no stanza.
    pub(super) fn ack_from_client(
        &mut self,
        head: &Head<'_>,
        raw: &Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match (head.name, head.xmlns.as_deref()) {
            ("compress", _) => {
                refuse_compression(out);
                return Ok(());
            }
            ("enable", Some(sm @ (ns::SM | ns::SM2))) => {
                self.link.acks = Some(Acks::enable(sm));
            }
            ("a", Some(ns::SM | ns::SM2)) => {
                if let (Some(acks), Some(h)) = (&mut self.link.acks, head.h) {
                    let theirs = acks.client_handled(h)?;
                    translated(Side::Server, acks, raw, (h, theirs), out);
                    return Ok(());
                }
            }
            _ => {}
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
        let (Some(person), Some(acks)) = (self.person.take(), self.link.acks.take()) else {
            return;
        };
        let key = key(&person, &id);
        let owner = Owner::account(&person.user);
        let ticket = Ticket::new(Resumable { acks, person }, now.instant + wait).of(owner);
        self.context.lobby.leave(now.instant, key, ticket);
        // Until then nothing can be delivered.
        out.emit(Event::SignedOut);
        self.stop();
    }

    /// `<resume/>`: goes to the server in its own count, if we know the session.
    pub(super) fn resume_from_client(
        &mut self,
        now: Now,
        raw: &[u8],
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut resume = self.parse(Side::Client, raw)?;
        let h = resume.attr("h").and_then(|h| h.parse().ok());
        let id = resume.attr("previd").unwrap_or_default();
        let lobby = &self.context.lobby;
        let ticket = lobby.take(now.instant, &key_of(self.naming.domain(), id));
        let session = ticket.and_then(|t| t.note.downcast::<Resumable>().ok());
        out.withhold();
        let (Some(h), Some(mut session)) = (h, session) else {
            let missing = Element::new("item-not-found", ns::STANZAS);
            out.insert(Side::Client, Element::new("failed", resume.ns()).child(missing).to_xml());
            return Ok(());
        };
        resume.set("h", session.acks.client_handled(h)?.to_string());
        self.signon.resuming = Some(session);
        out.insert(Side::Server, resume.to_xml());
        Ok(())
    }

    /// `<resumed/>`: both sides go on where they were.
    pub(super) fn resumed(&mut self, now: Now, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let mut resumed = self.parse(Side::Server, &raw)?;
        let Some(session) = self.signon.resuming.take() else {
            out.forward(Side::Client, raw);
            return Ok(());
        };
        let Resumable { mut acks, mut person } = *session;
        let h = resumed.attr("h").and_then(|h| h.parse().ok());
        let h = h.ok_or_else(|| Fault::server("it resumed a session without a count"))?;
        resumed.set("h", acks.server_handled(h)?.to_string());
        out.withhold();
        out.insert(Side::Client, resumed.to_xml());
        for ours in acks.resumed() {
            out.insert(Side::Client, ours);
        }
        person.reconnected(now);
        let endpoint = jid::resource(&person.full).unwrap_or_default().to_owned();
        let user = Confirmed::by_server(person.user.clone());
        out.emit(Event::SignedIn { user, endpoint });
        out.emit(Event::Presence(person.presence.clone()));
        self.link.acks = Some(acks);
        self.person = Some(person);
        Ok(())
    }

    /// The server does not resume: the client will start anew, and say again what it thinks lost.
    pub(super) fn resume_failed(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let Some(session) = self.signon.resuming.take() else {
            out.forward(Side::Client, raw);
            return Ok(());
        };
        let Resumable { mut acks, person } = *session;
        let mut failed = self.parse(Side::Server, &raw)?;
        match failed.attr("h").and_then(|h| h.parse().ok()) {
            Some(h) => {
                failed.set("h", acks.server_handled(h)?.to_string());
                out.withhold();
                out.insert(Side::Client, failed.to_xml());
            }
            None => out.forward(Side::Client, raw),
        }
        let mut again = acks.resumed();
        again.retain(|stanza| stanza.starts_with(b"<message"));
        self.signon.leftover = Leftover { taken: person.taken(), again };
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

/// What `<enabled/>` says of resuming.
fn resumable(enabled: &Element) -> Option<(String, Duration)> {
    if !matches!(enabled.attr("resume"), Some("true" | "1")) {
        return None;
    }
    let wait = enabled.attr("max").and_then(|max| max.parse().ok()).map(Duration::from_secs);
    Some((enabled.attr("id")?.to_owned(), wait.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT)))
}

fn key(person: &Person, id: &str) -> Vec<u8> {
    let domain = jid::bare(&person.full).rsplit_once('@').map_or("", |(_, domain)| domain);
    key_of(&domain.to_ascii_lowercase(), id)
}

fn key_of(domain: &str, id: &str) -> Vec<u8> {
    format!("{domain} {id}").into_bytes()
}
