//! A scripted XMPP client.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crosstalk_core::Presence;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::link::{Incoming, Link};
use crate::client::Driver;
use crate::{Event, SignOnError};

mod acts;
mod events;
mod sign_on;

pub use sign_on::{sign_on, sign_on_encrypted};

/// A stream that is bound.
struct Session {
    link: Link,
    driver: Driver,
    /// Its full JID.
    jid: String,
    /// Its presence, as last shown.
    presence: Presence,
    /// Contacts in the roster, by bare JID.
    roster: BTreeSet<String>,
    /// Presences of contacts, by bare JID and resource.
    contacts: BTreeMap<String, BTreeMap<String, Presence>>,
    /// Stanzas that arrived since XEP-0198 was enabled; none before.
    arrived: Option<u32>,
    next: u64,
}

impl Session {
    fn new(link: Link, driver: Driver, jid: String) -> Self {
        Self {
            link,
            driver,
            jid,
            presence: Presence::available(),
            roster: BTreeSet::new(),
            contacts: BTreeMap::new(),
            arrived: None,
            next: 0,
        }
    }

    /// Sends an IQ and says under which id.
    async fn ask(&mut self, kind: &str, payload: Element) -> io::Result<String> {
        let id = self.fresh_id();
        let iq = Element::new("iq", ns::CLIENT).with("type", kind).with("id", &id).child(payload);
        self.link.send(&iq).await?;
        Ok(id)
    }

    fn fresh_id(&mut self) -> String {
        self.next += 1;
        format!("m{}", self.next)
    }

    async fn tell(&self, event: Event) {
        let _ = self.driver.events.send(event).await;
    }

    /// Fetches the roster, then shows up.
    async fn set_up(&mut self) -> Result<(), SignOnError> {
        let roster = self.ask("get", Element::new("query", ns::ROSTER)).await?;
        loop {
            let element = self.link.element().await?;
            let is_roster = element.name() == "iq" && element.attr("id") == Some(&roster);
            if !self.take(&element).await? {
                return Err(SignOnError::Refused(condition(&element)));
            }
            if is_roster {
                break;
            }
        }
        self.ask("set", Element::new("enable", ns::CARBONS)).await?;
        self.show().await?;
        Ok(())
    }

    /// Runs until either side ends it. What had arrived on a connection that breaks is still seen.
    async fn run(mut self) {
        let mut broken = false;
        loop {
            let going = tokio::select! {
                act = self.driver.acts.recv(), if !broken => match act {
                    Some(act) => self.act(act).await,
                    None => break,
                },
                arrived = self.link.next() => match arrived {
                    Ok(Incoming::Element(element)) => self.take(&element).await,
                    _ => break,
                },
            };
            match going {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => broken = true,
            }
        }
        self.link.close().await;
        self.tell(Event::SignedOff).await;
    }
}

/// The name of the error in an element, wherever it stands.
fn condition(element: &Element) -> String {
    let error = element.elements().find(|e| e.name() == "error").unwrap_or(element);
    error.elements().next().map_or_else(|| error.name().to_owned(), |c| c.name().to_owned())
}
