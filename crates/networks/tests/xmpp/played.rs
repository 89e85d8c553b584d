//! A client, a server and a router that keep to the specifications, around an engine.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_networks::xmpp::wire::xml::{Element, Scope};
use crosstalk_networks::xmpp::wire::{Frame, Framer};

use crate::scene::*;

const SM: &str = "urn:xmpp:sm:3";
const ROSTER: &str = "jabber:iq:roster";

/// The stanzas in what was sent to a side.
fn stanzas(framer: &mut Framer, bytes: &str) -> Vec<Element> {
    let (mut buf, mut found) = (BytesMut::from(bytes), Vec::new());
    while let Some(frame) = framer.next(&mut buf).unwrap() {
        if let Frame::Stanza(raw) = frame {
            found.push(Element::parse(&raw, &Scope::default()).unwrap());
        }
    }
    assert!(buf.is_empty(), "an unfinished stanza was sent");
    found
}

fn is_counted(stanza: &Element) -> bool {
    matches!(stanza.name(), "message" | "presence" | "iq")
}

fn is_stanza(said: &str) -> bool {
    ["<iq", "<message", "<presence"].iter().any(|name| said.starts_with(name))
}

fn count(of: &Element) -> usize {
    of.attr("h").unwrap().parse().unwrap()
}

/// Ann's client: what it says, is told, and makes of it.
#[derive(Default)]
pub struct Client {
    framer: Framer,
    /// The name of its session, once it may be resumed; and how much it handled in it.
    pub session: Option<String>,
    pub handled: usize,
    /// Stanzas that it sent since it asked for that, and the number of them that was acknowledged.
    said: Option<Vec<String>>,
    settled: usize,
    /// Answers to what it was told, still to be sent.
    pub answers: Vec<String>,
    pub listed: BTreeMap<String, usize>,
    pub online: BTreeSet<String>,
    /// Number of times that it was shown each text.
    pub texts: BTreeMap<String, usize>,
    pub requests: usize,
    pub carbons: bool,
    pub resumed: Option<bool>,
    /// It neither gets nor says anything any more.
    pub is_cut: bool,
}

impl Client {
    /// It says a stanza, or `<enable/>`.
    pub fn says(&mut self, stanza: &str) {
        if stanza.starts_with("<enable") {
            self.said = Some(Vec::new());
        } else if let Some(said) = self.said.as_mut().filter(|_| is_stanza(stanza)) {
            said.push(stanza.to_owned());
        }
    }

    /// It has another connection.
    pub fn reconnected(&mut self) {
        self.framer = Framer::default();
        self.answers.clear();
        self.is_cut = false;
        if self.session.is_none() {
            self.said = None;
        }
    }

    /// Stanzas that it repeats in its next session, where the one before did not go on.
    pub fn repeats(&mut self) -> Vec<String> {
        if self.resumed != Some(false) {
            return Vec::new();
        }
        let said = self.said.take().unwrap_or_default().split_off(self.settled);
        (self.settled, self.handled, self.session) = (0, 0, None);
        said.into_iter().filter(|said| said.starts_with("<message")).collect()
    }

    /// Takes what it was sent. Where its connection breaks and its session can be resumed, it did
    /// not come to the last `lost` stanzas.
    pub fn take(&mut self, bytes: &str, lost: usize) {
        if self.is_cut {
            return;
        }
        let mut told = stanzas(&mut self.framer, bytes);
        let tail = told.iter().rev().take(lost).take_while(|stanza| is_counted(stanza)).count();
        if self.session.is_some() {
            told.truncate(told.len() - tail);
            self.is_cut = tail > 0;
        }
        for stanza in told {
            self.handled += usize::from(is_counted(&stanza));
            match (stanza.name(), stanza.attr("type")) {
                ("iq", kind) => self.iq(&stanza, kind.unwrap()),
                ("presence", kind) => self.presence(&stanza, kind),
                ("message", _) => {
                    *self.texts.entry(stanza.text_of("body").unwrap()).or_default() += 1;
                }
                ("enabled", _) => {
                    (self.session, self.handled) = (stanza.attr("id").map(str::to_owned), 0);
                }
                ("r", _) => self.answers.push(format!("<a xmlns='{SM}' h='{}'/>", self.handled)),
                ("a", _) => self.settled = count(&stanza),
                (name @ ("resumed" | "failed"), _) => {
                    self.settled = count(&stanza);
                    self.resumed = Some(name == "resumed");
                    if let Some(said) = self.said.as_mut().filter(|_| name == "resumed") {
                        self.answers.extend(said.split_off(self.settled));
                    }
                }
                other => panic!("the client was told {other:?}"),
            }
        }
        let said = self.said.as_ref().map_or(0, Vec::len);
        assert!(self.settled <= said, "{} of {said} acknowledged", self.settled);
    }

    fn iq(&mut self, stanza: &Element, kind: &str) {
        assert_ne!(kind, "error", "{stanza:?}");
        let query = stanza.get("query", ROSTER);
        if let ("result", Some(_)) = (kind, query) {
            self.listed.clear();
        }
        for item in query.into_iter().flat_map(Element::elements) {
            let times = self.listed.entry(item.attr("jid").unwrap().to_owned()).or_default();
            *times = if kind == "set" { 1 } else { *times + 1 };
        }
        let id = stanza.attr("id").unwrap();
        self.carbons |= (kind, id) == ("result", "c");
        if kind == "set" || kind == "get" {
            let to = stanza.attr("from").map(|from| format!(" to='{from}'")).unwrap_or_default();
            self.answers.push(format!("<iq type='result' id='{id}'{to}/>"));
        }
    }

    fn presence(&mut self, stanza: &Element, kind: Option<&str>) {
        let from = stanza.attr("from").unwrap();
        match kind {
            None => drop(self.online.insert(from.to_owned())),
            Some("unavailable") => drop(self.online.remove(from)),
            Some("subscribe") => self.requests += 1,
            other => panic!("presence of {other:?}"),
        }
    }
}

/// Ann's server: what it is told, and says in its time.
#[derive(Default)]
pub struct Server {
    framer: Framer,
    answers: Vec<String>,
    /// Stanzas that it sent, and the number of those it got, since it enabled stream management.
    said: Option<Vec<String>>,
    pub handled: Option<usize>,
    /// Stanzas that it did not come to send on the connection before.
    unsaid: Vec<String>,
    /// The texts that it was to deliver to Ben.
    pub texts: usize,
    pub presences: usize,
    /// Whether it lets sessions go on.
    pub resumes: bool,
}

impl Server {
    /// Its client has another connection, and knows of a session to resume or not.
    pub fn reconnected(&mut self, managed: bool) {
        self.framer = Framer::default();
        self.unsaid.append(&mut self.answers);
        if !managed {
            (self.said, self.handled) = (None, None);
            self.unsaid.retain(|answer| answer.starts_with("<message"));
        }
    }

    pub fn take(&mut self, bytes: &str) {
        assert!(!bytes.contains("aol"), "a foreign name reached the server: {bytes}");
        for stanza in stanzas(&mut self.framer, bytes) {
            if let Some(handled) = self.handled.as_mut().filter(|_| is_counted(&stanza)) {
                *handled += 1;
            }
            let answer = match stanza.name() {
                "iq" => answer(&stanza),
                "enable" => {
                    self.handled = Some(0);
                    Some(format!("<enabled xmlns='{SM}' id='sm1' resume='true' max='60'/>"))
                }
                "r" => Some(format!("<a xmlns='{SM}' h='{}'/>", self.handled.unwrap())),
                "resume" => return self.resume(&stanza),
                "message" => {
                    self.texts += 1;
                    None
                }
                "presence" => {
                    self.presences += 1;
                    None
                }
                "a" => None,
                other => panic!("the server was told {other}"),
            };
            let bound = answer.as_ref().is_some_and(|answer| answer.contains("<jid>"));
            self.answers.extend(answer);
            if bound {
                self.answers.append(&mut self.unsaid);
            }
        }
    }

    /// A session goes on, and what its client did not handle is said again; or does not.
    fn resume(&mut self, stanza: &Element) {
        let said = self.said.take().unwrap_or_default();
        let (h, handled) = (count(stanza), self.handled.unwrap());
        assert!(h <= said.len(), "the client handled {h} of {}", said.len());
        if self.resumes {
            self.answers.push(format!("<resumed xmlns='{SM}' previd='sm1' h='{handled}'/>"));
            self.answers.extend(said[h..].iter().cloned());
            self.answers.append(&mut self.unsaid);
            self.said = Some(said[..h].to_vec());
        } else {
            self.answers.push(format!("<failed xmlns='{SM}' h='{handled}'/>"));
            let texts = said[h..].iter().filter(|said| said.starts_with("<message")).cloned();
            self.unsaid.splice(..0, texts);
            self.unsaid.retain(|answer| answer.starts_with("<message"));
            self.handled = None;
        }
    }

    /// The next thing that it sends.
    pub fn next(&mut self) -> Option<String> {
        let next = (!self.answers.is_empty()).then(|| self.answers.remove(0))?;
        if next.starts_with("<enabled") {
            self.said = Some(Vec::new());
        } else if let Some(said) = self.said.as_mut().filter(|_| is_stanza(&next)) {
            said.push(next.clone());
        }
        Some(next)
    }

    /// Ben says something.
    pub fn relay(&mut self, text: &str) {
        let from = "from='ben@chat.test/x' to='ann@chat.test/r'";
        self.answers.push(format!("<message {from}><body>{text}</body></message>"));
    }
}

/// The server's answer to an IQ that waits for one.
fn answer(stanza: &Element) -> Option<String> {
    let kind = stanza.attr("type").filter(|kind| matches!(*kind, "get" | "set"))?;
    let (id, asked) = (stanza.attr("id").unwrap(), stanza.elements().next().unwrap());
    Some(match (asked.ns(), kind) {
        (ns, _) if ns.ends_with("xmpp-bind") => bound("ann@chat.test/r"),
        (ROSTER, _) => format!(
            "<iq type='result' id='{id}'><query xmlns='{ROSTER}' ver='3'>\
             <item jid='ben@chat.test' subscription='both'/></query></iq>"
        ),
        ("jabber:iq:privacy", _) => {
            format!("<iq type='result' id='{id}'><query xmlns='jabber:iq:privacy'/></iq>")
        }
        _ => format!("<iq type='result' id='{id}'/>"),
    })
}
