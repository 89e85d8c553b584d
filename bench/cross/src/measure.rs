//! Slices of measurement: how long texts take at a pace, and how many go at once.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::endpoint::{Conversation, Endpoint};
use bench_processes::cost::Cost;

/// Conversations among which a pace is divided.
const FEW: usize = 4;
/// The most unheard texts of one conversation, and of each of many.
const WINDOW: u64 = 32;
const WINDOW_OF_MANY: u64 = 4;

/// Figures of some texts.
#[derive(Default)]
pub(crate) struct Slice {
    pub(crate) took: Vec<Duration>,
    pub(crate) texts: u64,
    pub(crate) all: Duration,
    pub(crate) cost: Cost,
}

impl Slice {
    /// Texts a second.
    pub(crate) fn rate(&self) -> f64 {
        self.texts as f64 / self.all.as_secs_f64()
    }

    /// Seconds on a processor for 1,000 texts.
    pub(crate) fn cpu(&self) -> f64 {
        self.cost.cpu.as_secs_f64() * 1000.0 / self.texts as f64
    }

    /// Times that something slept and was woken, for one text.
    pub(crate) fn wakes(&self) -> f64 {
        self.cost.wakes as f64 / self.texts as f64
    }
}

/// Says so many texts a second, for so long, each as if nothing else were said.
pub(crate) async fn at_pace(endpoint: &mut Endpoint, a_second: u32, count: u64) -> Slice {
    let (mut slice, pause) = (Slice::default(), Duration::from_secs(1) / a_second);
    let (before, start) = (Cost::of(&endpoint.processes), Instant::now());
    let few = endpoint.conversations.len().min(FEW);
    for n in 0..count {
        let number = n as usize % few;
        let conversation = &mut endpoint.conversations[number];
        sleep_until((start + pause * n as u32).into()).await;
        conversation.from.drain();
        let said = Instant::now();
        conversation.say(number).await;
        while conversation.heard < conversation.sent {
            conversation.hear(number).await;
        }
        slice.took.push(said.elapsed());
    }
    slice.finish(endpoint, count, start, before)
}

/// Says as much as is heard, in one conversation or in all of them.
pub(crate) async fn at_most(endpoint: &mut Endpoint, in_all: bool, count: u64) -> Slice {
    let used = if in_all { endpoint.conversations.len() } else { 1 };
    let window = if in_all { WINDOW_OF_MANY } else { WINDOW };
    let (before, start) = (Cost::of(&endpoint.processes), Instant::now());
    let mut talks = JoinSet::new();
    for (number, conversation) in endpoint.conversations.drain(..used).enumerate() {
        talks.spawn_local(talk(number, conversation, window, count / used as u64));
    }
    let mut back: Vec<_> = talks.join_all().await;
    back.sort_unstable_by_key(|(number, _)| *number);
    let rest = std::mem::take(&mut endpoint.conversations);
    endpoint.conversations = back.into_iter().map(|(_, one)| one).chain(rest).collect();
    Slice::default().finish(endpoint, count / used as u64 * used as u64, start, before)
}

async fn talk(
    number: usize,
    mut conversation: Conversation,
    window: u64,
    count: u64,
) -> (usize, Conversation) {
    let end = conversation.sent + count;
    while conversation.heard < end {
        let more = (end - conversation.sent).min(window + conversation.heard - conversation.sent);
        if more > 0 {
            conversation.from.drain();
            conversation.say_up_to(number, more).await;
        }
        conversation.hear(number).await;
    }
    (number, conversation)
}

impl Slice {
    fn finish(mut self, endpoint: &Endpoint, texts: u64, start: Instant, before: Cost) -> Self {
        self.all = start.elapsed();
        self.texts = texts;
        self.cost = Cost::of(&endpoint.processes).since(before);
        self
    }
}
