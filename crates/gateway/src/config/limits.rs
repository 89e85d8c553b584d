//! Bounds: on what clients and servers can make the gateway do, and on what it keeps for people.

use std::time::Duration;

use crosstalk_core::Rate;
use crosstalk_overlay as overlay;
use serde::Deserialize;

use super::{Memory, text};

/// Bounds of the messages that are kept on disk for people who are not signed on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// For how long; then it is reported back.
    #[serde(deserialize_with = "text::duration")]
    pub age: Duration,
    /// The most messages of one person, and for one person. With 0 none is kept: what cannot be
    /// delivered at once is reported back at once.
    pub messages: usize,
    /// The most bytes of one person, and for one person.
    pub bytes: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        let overlay::Limits { age, messages, bytes, .. } = overlay::Limits::default();
        Self { age, messages, bytes }
    }
}

/// Bounds on what clients and servers can make the gateway do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Memory limit of the whole gateway.
    pub memory: Memory,
    /// Threads that carry messages and bytes.
    pub threads: usize,
    /// Client connections at once, over all listeners.
    pub connections: usize,
    /// Client connections at once from one IP address.
    pub connections_per_client: usize,
    /// Longest time for a client to say where it wants to go, and for either side's TLS handshake;
    /// six times as long for the part in which a client may ask its owner. Also the longest silence
    /// of a connection before both sides have said something, and after one has left.
    #[serde(deserialize_with = "text::duration")]
    pub handshake: Duration,
    /// Longest wait for the bytes that tell the protocol; after it the port decides.
    #[serde(deserialize_with = "text::duration")]
    pub sniff: Duration,
    /// Longest time for connecting to a server.
    #[serde(deserialize_with = "text::duration")]
    pub dial: Duration,
    /// Longest time for which a client or server may take nothing of what waits for it.
    #[serde(deserialize_with = "text::duration")]
    pub stall: Duration,
    /// Time that running sessions get to end after SIGTERM.
    #[serde(deserialize_with = "text::duration")]
    pub drain: Duration,
    /// Bytes waiting for one side of a connection before the other side is no longer read.
    pub buffer: usize,
    /// Number of texts that one person may send at once, before [`Limits::texts_per_second`] sets
    /// the pace. From a person who exceeds both no more is read until that is made up for.
    pub texts: u32,
    /// See `texts`.
    pub texts_per_second: u32,
    /// Time for which a list of foreign contacts is kept whose owner does not sign on, counted in
    /// time that the gateway runs; for ever with zero.
    #[serde(deserialize_with = "text::duration")]
    pub unused_lists: Duration,
    /// Bytes of all the lists of foreign contacts of people of one domain.
    pub lists_of_domain: usize,
    /// Bytes of everything that applications keep in the directory here.
    pub directory: usize,
    /// Bytes of that which one other gateway brings.
    pub directory_of_gateway: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: Memory::of_machine(),
            threads: default_threads(),
            connections: 20_000,
            connections_per_client: 10_000,
            handshake: Duration::from_secs(10),
            sniff: Duration::from_secs(2),
            dial: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            buffer: 256 * 1024,
            texts: 500,
            texts_per_second: 50,
            unused_lists: overlay::Lists::default().age,
            lists_of_domain: overlay::Lists::default().of_domain,
            directory: overlay::MappingLimits::default().bytes,
            directory_of_gateway: overlay::MappingLimits::default().of_gateway,
        }
    }
}

/// Number of threads that carry messages and bytes where none is configured. With fewer of them
/// than there are processors the one that is awake takes what comes, where it would wake another: on
/// two processors a text wakes three threads in place of six (`bench/cross`). But never one alone:
/// everybody would wait while it reads the worst that somebody sends.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |processors| processors.get().div_ceil(2).max(2))
}

impl Limits {
    /// Rate at which one person may send texts.
    pub fn pace(&self) -> Rate {
        Rate::new(self.texts, Duration::from_secs(1) / self.texts_per_second.max(1))
    }
}
