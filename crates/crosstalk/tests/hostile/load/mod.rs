//! Effect on other people's chat while all attacks run, each alone and together.
//!
//! `CROSSTALK_WHOLE=1 cargo test -p crosstalk --test hostile --release -- load` has the whole load,
//! takes minutes and prints the figures of docs/security.md. Without the variable a tenth of it
//! runs, all together.

mod attack;
mod figures;
mod people;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::attack::{Attack, Weight};
use self::figures::Figures;
use self::people::People;
use crate::case::Case;
use crate::gateway::{MIB, Plan};

/// Memory limit of the process, which it is told.
const BUDGET: u64 = 256 * MIB;
const SETTINGS: &str = "[limits]\nmemory = \"256MiB\"\n";
/// Longest latency of 99 of 100 texts of others, and the factor over that without the load.
const P99: Duration = Duration::from_millis(50);
const TIMES: u32 = 10;
/// Longest time of the whole trial.
const LONGEST: Duration = Duration::from_mins(20);

pub(crate) fn cases() -> Vec<Case> {
    let load =
        Case::new("under_the_load_of_all_attacks_others_talk_on", || Box::pin(all_of_them()));
    vec![Case { longest: LONGEST, ..load.alone() }]
}

async fn all_of_them() {
    let weight = Weight::asked_for();
    let mut rows = Vec::new();
    if weight.is_whole() {
        for attack in Attack::ALL {
            rows.push(run(&[attack], weight).await);
        }
    }
    rows.push(run(&Attack::ALL, weight).await);
    println!("\n{}", Figures::HEAD);
    for row in &rows {
        println!("{row}");
    }
    for row in &rows {
        row.check();
    }
}

/// Measures one gateway, first at rest and then under some attacks.
async fn run(attacks: &[Attack], weight: Weight) -> Figures {
    let gateway = Plan::new().with(SETTINGS).start().await;
    let people = People::sign_on().await;
    let (at_rest, before) = (Instant::now(), gateway.worked());
    sleep(weight.time()).await;
    let attacked = Instant::now();
    let running = attack::begin(attacks, weight);
    running.in_place().await;
    sleep(weight.time()).await;
    let figures = Figures {
        name: attack::names(attacks, weight),
        at_rest: people.took(at_rest..attacked).await,
        attacked: people.took(attacked..Instant::now()).await,
        peak: gateway.peak(),
        worked: gateway.worked().saturating_sub(before),
        held: running.held(),
        log: gateway.log(),
    };
    drop(running);
    figures
}
