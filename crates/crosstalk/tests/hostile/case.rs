//! A trial, and the runner of all trials: each is a process of its own.

use std::process::ExitStatus;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::world::World;

/// Number of trials that wait for something at the same time.
const AT_ONCE: usize = 6;
/// Longest time of a trial before it counts as failed.
const LONGEST: Duration = Duration::from_mins(2);

/// Held for writing by a trial that measures time.
static MACHINE: RwLock<()> = RwLock::new(());

/// A trial, which panics where it fails.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) body: fn() -> BoxFuture<'static, ()>,
    /// Nothing else runs beside it, since it measures time.
    pub(crate) alone: bool,
    pub(crate) longest: Duration,
}

impl Case {
    /// A trial that may run beside others.
    pub(crate) const fn new(name: &'static str, body: fn() -> BoxFuture<'static, ()>) -> Self {
        Self { name, body, alone: false, longest: LONGEST }
    }

    /// A trial that measures time.
    pub(crate) const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// Trials from functions without arguments, under their names.
macro_rules! cases {
    ($($body:ident),* $(,)?) => {
        [$($crate::case::Case::new(stringify!($body), || Box::pin($body()))),*]
    };
}
pub(crate) use cases;

/// Runs what the command line asks for.
pub(crate) fn run(mut cases: Vec<Case>) -> ! {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    // Those that need the machine for themselves wait for all others anyway.
    cases.sort_by_key(|case| case.alone);
    let world = World::find();
    let trials = cases.into_iter().map(|case| {
        let world = world.clone();
        Trial::ignorable_test(case.name, move || match &world {
            Ok(world) => attempt(world, &case),
            Err(why) => Ok(Completion::ignored_with(why)),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

fn attempt(world: &World, case: &Case) -> Result<Completion, Failed> {
    let output = if case.alone {
        let _machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        world.enter(case.name).output()?
    } else {
        let _machine = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        world.enter(case.name).output()?
    };
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if ExitStatus::success(&output.status) {
        return Ok(Completion::Completed);
    }
    Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// Performs the trial `name` in this process, which is in a world of its own.
pub(crate) fn perform(cases: &[Case], name: &str) {
    let case = cases.iter().find(|case| case.name == name).expect("a trial by that name");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { timeout(case.longest, (case.body)()).await });
    assert!(done.is_ok(), "not done within {:?}", case.longest);
}
