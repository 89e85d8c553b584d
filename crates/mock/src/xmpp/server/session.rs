//! A connection whose user is known: binding, and the traffic after it.

use std::io;

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;
use tokio::sync::mpsc;

use super::state::{ServerState, Session};
use super::{Shared, iq, message, negotiate, presence};
use crate::incoming::invalid;
use crate::xmpp::link::{Incoming, Link, result};

/// The most stanzas that wait for a client that does not read.
const QUEUE: usize = 4096;
/// Number of stanzas to a client before it is asked for an acknowledgement (XEP-0198).
const ACKNOWLEDGE_EVERY: u32 = 5;

/// Serves the connection to its end.
pub(super) async fn run(shared: &Shared, mut link: Link, user: String) -> io::Result<()> {
    let offered = negotiate::features()
        .child(Element::new("bind", ns::BIND))
        .child(Element::new("sm", ns::SM));
    if !negotiate::open(&mut link, offered).await? {
        return Ok(());
    }
    let Some(jid) = bind(&mut link, &user).await? else { return Ok(()) };
    let (out, queue) = mpsc::channel(QUEUE);
    let session = Session { out, presence: None, wants_roster: false, wants_carbons: false };
    shared.state().sessions.insert(jid.clone(), session);

    let mut stream = Stream { shared, jid: &jid, managed: None };
    let ended = stream.serve(&mut link, queue).await;
    presence::leave(&mut shared.state(), &jid);
    link.close().await;
    ended
}

/// The full JID that the client gets; `None` for one who gave up.
async fn bind(link: &mut Link, user: &str) -> io::Result<Option<String>> {
    loop {
        let iq = match link.next().await? {
            Incoming::Element(iq) => iq,
            Incoming::Open => return Err(invalid("an unexpected stream header")),
            Incoming::Close => return Ok(None),
        };
        let Some(bind) = iq.get("bind", ns::BIND) else { continue };
        let wanted = bind.text_of("resource").filter(|r| !r.is_empty());
        let resource = wanted.unwrap_or_else(|| format!("{:x}", fastrand::u32(..)));
        let jid = format!("{user}/{resource}");
        let bound = Element::new("bind", ns::BIND).child(Element::new("jid", ns::BIND).say(&jid));
        link.send(&result(&iq).child(bound)).await?;
        return Ok(Some(jid));
    }
}

/// The numbers of XEP-0198.
#[derive(Default)]
struct Managed {
    sent: u32,
    received: u32,
}

struct Stream<'a> {
    shared: &'a Shared,
    jid: &'a str,
    managed: Option<Managed>,
}

impl Stream<'_> {
    async fn serve(
        &mut self,
        link: &mut Link,
        mut queue: mpsc::Receiver<Element>,
    ) -> io::Result<()> {
        loop {
            tokio::select! {
                arrived = link.next() => match arrived? {
                    Incoming::Element(element) => self.take(link, &element).await?,
                    Incoming::Open => return Err(invalid("an unexpected stream header")),
                    Incoming::Close => return Ok(()),
                },
                Some(stanza) = queue.recv() => self.give(link, &stanza).await?,
            }
        }
    }

    async fn give(&mut self, link: &mut Link, stanza: &Element) -> io::Result<()> {
        link.send(stanza).await?;
        if let Some(managed) = &mut self.managed {
            managed.sent = managed.sent.wrapping_add(1);
            if managed.sent.is_multiple_of(ACKNOWLEDGE_EVERY) {
                link.send(&Element::new("r", ns::SM)).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, link: &mut Link, element: &Element) -> io::Result<()> {
        if element.ns() == ns::SM {
            return self.manage(link, element).await;
        }
        if let Some(managed) = &mut self.managed {
            managed.received = managed.received.wrapping_add(1);
        }
        let state = &mut self.shared.state();
        dispatch(state, self.jid, element);
        Ok(())
    }

    /// XEP-0198 without resumption. A client that acknowledges what it was never sent is
    /// thrown out, as real servers do.
    async fn manage(&mut self, link: &mut Link, element: &Element) -> io::Result<()> {
        match (element.name(), &self.managed) {
            ("enable", None) => {
                self.managed = Some(Managed::default());
                link.send(&Element::new("enabled", ns::SM)).await
            }
            ("r", Some(managed)) => {
                let received = managed.received.to_string();
                link.send(&Element::new("a", ns::SM).with("h", received)).await
            }
            ("a", Some(managed)) => {
                let handled: Option<u32> = element.attr("h").and_then(|h| h.parse().ok());
                if handled.is_some_and(|h| h <= managed.sent) {
                    return Ok(());
                }
                let error = Element::new("error", ns::STREAMS)
                    .child(Element::new("undefined-condition", ns::STREAM_ERRORS));
                link.send(&error).await?;
                Err(invalid("the client acknowledged more stanzas than sent by the server"))
            }
            _ => {
                let condition = Element::new("unexpected-request", ns::STANZAS);
                link.send(&Element::new("failed", ns::SM).child(condition)).await
            }
        }
    }
}

/// A stanza of the client bound to `jid`, marked as coming from it.
fn dispatch(state: &mut ServerState, jid: &str, stanza: &Element) {
    let stanza = stanza.clone().with("from", jid);
    match stanza.name() {
        "iq" => iq::handle(state, jid, &stanza),
        "message" => message::handle(state, jid, &stanza),
        "presence" => presence::handle(state, jid, &stanza),
        _ => {}
    }
}
