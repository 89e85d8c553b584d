//! Properties of every connection whatever comes in: only a server's word signs somebody in, and an
//! input costs no more than its size is worth.
//!
//! Used by the fuzz targets and by the tests of the networks, which include this file.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosstalk_core::{Address, Network, Side};

/// The bytes that an engine may hold besides what came in: tables, and room for a few frames.
const MEMORY_BASE: usize = 192 * 1024;
/// The bytes that an engine may hold for each byte that came in.
const MEMORY_MULTIPLE: usize = 24;
/// The bytes that may be allocated for one input besides its share.
const WORK_BASE: usize = 512 * 1024;
/// The bytes that may be allocated for each byte that one input makes an engine look at.
const WORK_MULTIPLE: usize = 256;
/// The time on a processor that one input may take besides its share, in a build for tests on a
/// machine that does other things too.
const TIME_BASE: Duration = Duration::from_millis(400);
/// The time for each byte that one input makes an engine look at.
const TIME_MULTIPLE: Duration = Duration::from_micros(15);
/// The shortest run of bytes by which a client shows that it was on another connection.
const PROOF: usize = 10;

/// The most bytes that may be held once `came_in` bytes came in.
pub fn memory_allowed(came_in: usize) -> usize {
    MEMORY_BASE + MEMORY_MULTIPLE * came_in
}

/// The most bytes that may be allocated, in all, for an input that has `looked_at` bytes behind it:
/// its own, and those that waited for it.
pub fn work_allowed(looked_at: usize) -> usize {
    WORK_BASE + WORK_MULTIPLE * looked_at
}

/// The longest that an input may keep a processor busy that has `looked_at` bytes behind it.
pub fn time_allowed(looked_at: usize) -> Duration {
    TIME_BASE + TIME_MULTIPLE.saturating_mul(u32::try_from(looked_at).unwrap_or(u32::MAX))
}

/// Record of what the ends of all connections of a gateway said so far, and of what clients
/// were shown.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Vec<Statements>>>);

/// Statements on one connection.
#[derive(Default)]
struct Statements {
    /// By the client.
    client: Vec<u8>,
    /// Lengths: of the client's bytes up to the end of a statement, and of the server's bytes at
    /// that time.
    times: Vec<(usize, usize)>,
    /// By the server in its own name.
    server: Vec<u8>,
    /// To the client, by whomever.
    shown: Vec<u8>,
}

impl Witness {
    /// Takes note of a new connection, and returns its number.
    pub fn connected(&self) -> usize {
        let mut all = self.lock();
        all.push(Statements::default());
        all.len() - 1
    }

    /// Takes note of what an end said in its own name: not of what a server passes on for others.
    pub fn heard(&self, connection: usize, from: Side, bytes: &[u8]) {
        self.with(connection, |said| match from {
            Side::Client => {
                said.client.extend_from_slice(bytes);
                said.times.push((said.client.len(), said.server.len()));
            }
            Side::Server => said.server.extend_from_slice(bytes),
        });
    }

    /// Takes note of what a client was sent.
    pub fn shown(&self, connection: usize, bytes: &[u8]) {
        self.with(connection, |said| said.shown.extend_from_slice(bytes));
    }

    /// Whether `user` may be said to have signed in on this connection: its server named `user`, or
    /// that of an earlier one did to whose client something was shown that this client knows.
    pub fn confirms(&self, connection: usize, network: &dyn Network, user: &Address) -> bool {
        let all = self.lock();
        let Some(here) = all.get(connection) else { return false };
        let names = |said: &Statements| mentions(network, &said.server, user.local());
        let others = all.iter().enumerate().filter(|(other, _)| *other != connection);
        names(here) || others.map(|(_, said)| said).any(|said| names(said) && here.knows(said))
    }

    fn with(&self, connection: usize, note: impl FnOnce(&mut Statements)) {
        if let Some(said) = self.lock().get_mut(connection) {
            note(said);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Statements>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Statements {
    /// Whether the client said something that was shown to the client of `other`, which that one
    /// never said, and that its own server had not said before.
    fn knows(&self, other: &Self) -> bool {
        let theirs: HashSet<_> = other.client.windows(PROOF).collect();
        let shown = other.shown.windows(PROOF).filter(|run| !theirs.contains(run));
        let shown: HashSet<_> = shown.collect();
        let mut public = HashMap::new();
        for (at, run) in self.server.windows(PROOF).enumerate() {
            public.entry(run).or_insert(at + PROOF);
        }
        let mut times = self.times.iter().peekable();
        self.client.windows(PROOF).enumerate().any(|(at, run)| {
            while times.next_if(|(end, _)| *end <= at).is_some() {}
            let heard = times.peek().map_or(0, |(_, heard)| *heard);
            shown.contains(run) && public.get(run).is_none_or(|end| *end > heard)
        })
    }
}

/// Whether `said` has the name `local`, in any of the spellings that `network` takes for it.
pub fn mentions(network: &dyn Network, said: &[u8], local: &str) -> bool {
    let local = fold(network, local);
    let said = String::from_utf8_lossy(said);
    let resolved = references_resolved(&said);
    let spellings = [percent_decoded(&said), without_tags(&resolved), resolved, said.into_owned()];
    spellings.iter().any(|said| fold(network, said).contains(&local))
}

/// Characters as `network` compares them; blanks and hyphens, which some ignore, are left out.
fn fold(network: &dyn Network, text: &str) -> String {
    const DOMAIN: &str = "@a.b";
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
        if character.is_ascii() {
            folded.push(character.to_ascii_lowercase());
            continue;
        }
        let normal = |text: &str| {
            let normal = network.normalise(&format!("{text}{DOMAIN}")).ok()?;
            normal.strip_suffix(DOMAIN).map(str::to_owned)
        };
        match normal(character.encode_utf8(&mut [0; 4])) {
            Some(normal) => folded.push_str(&normal),
            // Alone it is no name; within one it may be nothing (RFC 3454 3.1).
            None if normal(&format!("x{character}")).as_deref() == Some("x") => {}
            None => folded.push(character),
        }
    }
    folded
}

/// The text with XML's character references in their plain form, and without the marks of CDATA.
fn references_resolved(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        resolved.push_str(before);
        let end = reference.find(';').unwrap_or(0);
        if let Some(character) = reference.get(1..end).and_then(character) {
            resolved.push(character);
            rest = &reference[end + 1..];
        } else {
            resolved.push('&');
            rest = &reference[1..];
        }
    }
    resolved.push_str(rest);
    resolved.replace("<![CDATA[", "").replace("]]>", "")
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

fn without_tags(text: &str) -> String {
    let mut depth = false;
    let plain = text.chars().filter(|c| {
        let is_text = !depth && *c != '<';
        depth = *c == '<' || depth && *c != '>';
        is_text
    });
    plain.collect()
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
