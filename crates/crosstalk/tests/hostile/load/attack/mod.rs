//! The attackers, all on one thread that gives way to everybody else, so that it is the gateway
//! that is measured.

mod bodies;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gateway::until;

/// Set, the whole load is wanted.
const WHOLE: &str = "CROSSTALK_WHOLE";
/// The priority of the attackers' thread.
const LOWEST: i32 = 19;
/// Number of attackers that connect at a time.
const AT_ONCE: usize = 50;
/// Longest time for all of them to connect.
const COMING: Duration = Duration::from_mins(5);

/// Part of the load that is used.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    is_whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Connections from one address of which each leaves a megabyte unfinished, as its server does.
    Unfinished,
    /// Sessions that read nothing of what is said to them.
    Unread,
    /// Sessions on which the worst markup arrives.
    Markup,
    /// Names that nobody resolves.
    Names,
}

/// Attacks under way. Dropped, they end.
pub(super) struct Running {
    crowd: Arc<Crowd>,
    thread: Option<JoinHandle<()>>,
}

/// The attackers.
struct Crowd {
    /// Number of attackers that have not connected yet, nor were refused.
    to_come: AtomicUsize,
    /// Number of attackers that are connected.
    held: AtomicUsize,
    is_over: AtomicBool,
    /// Permits to connect now.
    connecting: Semaphore,
}

impl Weight {
    pub(super) fn asked_for() -> Self {
        Self { is_whole: std::env::var_os(WHOLE).is_some() }
    }

    pub(super) const fn is_whole(self) -> bool {
        self.is_whole
    }

    /// Time for which others' texts are measured, at rest and under the whole of the load.
    pub(super) const fn time(self) -> Duration {
        Duration::from_secs(if self.is_whole { 12 } else { 5 })
    }

    /// This many, or a tenth.
    const fn of(self, count: usize) -> usize {
        if self.is_whole { count } else { count.div_ceil(10) }
    }
}

impl Attack {
    pub(super) const ALL: [Self; 4] = [Self::Unfinished, Self::Unread, Self::Markup, Self::Names];

    fn count(self, weight: Weight) -> usize {
        weight.of(match self {
            Self::Unfinished => 5000,
            Self::Unread => 500,
            Self::Markup => 16,
            Self::Names => 300,
        })
    }

    fn name(self, weight: Weight) -> String {
        let what = match self {
            Self::Unfinished => "unfinished megabytes",
            Self::Unread => "sessions that read nothing",
            Self::Markup => "sessions with the worst markup",
            Self::Names => "dead names",
        };
        format!("{} {what}", self.count(weight))
    }
}

/// Names of the attacks, in one text.
pub(super) fn names(attacks: &[Attack], weight: Weight) -> String {
    let names: Vec<_> = attacks.iter().map(|attack| attack.name(weight)).collect();
    names.join(", ")
}

/// Begins some attacks.
pub(super) fn begin(attacks: &[Attack], weight: Weight) -> Running {
    let attacks: Vec<_> = attacks.iter().map(|attack| (*attack, attack.count(weight))).collect();
    let crowd = Arc::new(Crowd {
        to_come: AtomicUsize::new(attacks.iter().map(|(_, count)| count).sum()),
        held: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        connecting: Semaphore::new(AT_ONCE),
    });
    let thread = std::thread::spawn({
        let crowd = Arc::clone(&crowd);
        move || {
            setpriority_process(Some(gettid()), LOWEST).unwrap();
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                bodies::serve(&mut tasks);
                for (attack, count) in attacks {
                    bodies::spawn(attack, count, &crowd, &mut tasks);
                }
                while !crowd.is_over.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(100)).await;
                }
            });
        }
    });
    Running { crowd, thread: Some(thread) }
}

impl Crowd {
    /// Lets one more attacker connect. What comes of it counts as long as it is kept.
    async fn come<T>(&self, coming: impl Future<Output = Option<T>>) -> Option<Here<'_, T>> {
        let connecting = self.connecting.acquire().await;
        let there = coming.await;
        self.to_come.fetch_sub(1, Ordering::Relaxed);
        drop(connecting);
        let there = there?;
        self.held.fetch_add(1, Ordering::Relaxed);
        Some(Here { there, crowd: self })
    }
}

/// An attacker who is connected.
struct Here<'a, T> {
    there: T,
    crowd: &'a Crowd,
}

impl<T> Drop for Here<'_, T> {
    fn drop(&mut self) {
        self.crowd.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Running {
    /// Waits until all have come, or were refused.
    pub(super) async fn in_place(&self) {
        let to_come = || self.crowd.to_come.load(Ordering::Relaxed);
        assert!(until(COMING, || to_come() == 0).await, "{} did not come", to_come());
    }

    /// Number of connected attackers.
    pub(super) fn held(&self) -> usize {
        self.crowd.held.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.crowd.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
