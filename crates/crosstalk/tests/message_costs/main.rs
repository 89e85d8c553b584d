//! Costs of a text from somebody at one gateway to somebody at another, counted: how often it makes
//! the gateways ask for memory, and how often it wakes them.
#![allow(clippy::unwrap_used)]

mod counter;
mod stage;

use std::fmt::Write as _;
use std::time::Duration;

use crosstalk_core::Address;
use crosstalk_mock::{Act, Client, Event, NETWORKS, Network};
use tokio::time::sleep;

use counter::{Cost, Counter};
use stage::{PATIENCE, Stage, account};

#[global_allocator]
static COUNTER: Counter = Counter;

/// Number of texts from which costs are taken.
const TEXTS: u32 = 25;
/// How often they are taken at most. A text whose answer takes longer than ten milliseconds is
/// written to the disk, which happens when a machine does much else, and is no cost of the road.
const TRIES: usize = 5;
/// Time for a text's answer to have gone back before the next one: nothing is done for two at once.
const PAUSE: Duration = Duration::from_millis(5);

/// The most that a text may cost, both gateways together: requests to the allocator, and wake-ups.
/// Three are what a text needs: it is sent on, written, and answered.
const MOST: [f64; 2] = [180.0, 5.0];
/// The most where clients answer that they showed it, which goes back the same road.
const MOST_WITH_RECEIPT: [f64; 2] = [290.0, 7.0];

fn address(network: &dyn Network, at: usize) -> Address {
    let local = network.local(&account(at).name);
    format!("{local}@{}", network.id()).parse().unwrap()
}

/// Makes the two each other's contacts.
async fn befriend(
    stage: &Stage,
    from: (&dyn Network, &mut Client),
    to: (&dyn Network, &mut Client),
) {
    let other = from.0.spell(&stage.names, &address(to.0, 1));
    from.1.act(Act::Add(other.clone())).await;
    let asked = |event: &Event| match event {
        Event::Asked { by, .. } => Some(by.clone()),
        _ => None,
    };
    let by = to.1.expect(PATIENCE, asked).await.expect("to be asked");
    to.1.act(Act::Accept(by)).await;
    let online = |event: &Event| {
        matches!(event, Event::Presence { of, presence } if presence.is_online() && *of == other)
            .then_some(())
    };
    from.1.expect(PATIENCE, online).await.expect("the contact to be online");
}

/// Says one text after another and waits until each is shown.
async fn talk(stage: &Stage, from: (&dyn Network, &Client), to: (&dyn Network, &mut Client)) {
    let name = from.0.spell(&stage.names, &address(to.0, 1));
    for n in 0..TEXTS {
        let text = format!("text {n} with some words such as people say");
        from.1.say(&name, text.clone()).await;
        let shown =
            |event: &Event| matches!(event, Event::Said { text: said, .. } if said.text() == text);
        let shown = to.1.expect(PATIENCE, |event| shown(event).then_some(())).await;
        shown.expect("the text to be shown");
        sleep(PAUSE).await;
    }
}

/// The least that a text cost, of some tries if it is more than `most`.
async fn cost(
    stage: &Stage,
    from: (&dyn Network, &Client),
    to: (&dyn Network, &mut Client),
    most: [f64; 2],
) -> [f64; 2] {
    let mut least = [f64::MAX; 2];
    // What a conversation begins with is not counted.
    talk(stage, from, (to.0, to.1)).await;
    for _ in 0..TRIES {
        let before = Cost::so_far();
        talk(stage, from, (to.0, to.1)).await;
        let cost = Cost::so_far().a_text(before, TEXTS);
        least = [least[0].min(cost[0]), least[1].min(cost[1])];
        if !is_more(least, most) {
            break;
        }
    }
    least
}

fn is_more(cost: [f64; 2], most: [f64; 2]) -> bool {
    cost.iter().zip(most).any(|(cost, most)| *cost > most)
}

#[tokio::test]
async fn a_text_asks_for_little_memory_and_wakes_little() {
    let stage = Stage::build().await;
    let (mut table, mut is_too_much) = (String::new(), false);
    for from in NETWORKS {
        for to in NETWORKS.iter().filter(|to| to.id() != from.id()) {
            let mut ann = stage.sign_on(*from, 0).await;
            let mut bob = stage.sign_on(*to, 1).await;
            befriend(&stage, (*from, &mut ann), (*to, &mut bob)).await;
            let most = if to.id() == "jabber" { MOST_WITH_RECEIPT } else { MOST };
            let cost = cost(&stage, (*from, &ann), (*to, &mut bob), most).await;
            is_too_much |= is_more(cost, most);
            let [requests, wakes] = cost;
            let pair = format!("{} to {}", from.id(), to.id());
            writeln!(table, "{pair}: {requests:.0} requests, {wakes:.1} wakes of {most:?}")
                .unwrap();
        }
    }
    println!("{table}");
    assert!(!is_too_much, "a text costs too much:\n{table}");
}
