//! The four questions a directory is asked, at several sizes.

use std::time::Instant;

use crosstalk_core::{Contact, Roster, Stamp};

use crate::mesh::{self, user};
use crate::stats::Samples;

const SIZES: [usize; 3] = [3, 20, 100];
const ROUNDS: usize = 400;
/// Contacts in the roster that is read.
const CONTACTS: usize = 50;

/// Times each question between two gateways that are no homes of their own choosing.
pub(crate) async fn run() {
    println!(
        "| gateways | publish, seen by a watcher | watch somebody online | locate | locate nobody | read a roster of {CONTACTS} |"
    );
    println!("|---|---|---|---|---|---|");
    for size in SIZES {
        let mut gateways = mesh::start(size).await;
        let row = measure(&mut gateways).await;
        println!("| {size} | {} |", row.map(|mut samples| samples.show()).join(" | "));
        mesh::stop(gateways).await;
    }
    println!("\np50 / p99 in microseconds, {ROUNDS} rounds, a person and two gateways a round");
}

async fn measure(gateways: &mut [mesh::Gateway]) -> [Samples; 5] {
    let mut row: [Samples; 5] = Default::default();
    for round in 0..ROUNDS {
        let (here, there) = (round % gateways.len(), (round + 1) % gateways.len());
        let (early, late, nobody) = (user(round), user(format!("late{round}")), user("nobody"));

        gateways[there].overlay.watch(std::slice::from_ref(&early)).await;
        // The homes have taken the watch in when they answer a question that came after it.
        gateways[there].overlay.locate(&nobody).await;
        let start = Instant::now();
        gateways[here].overlay.sign_on(&early).await;
        gateways[there].sees(&early).await;
        row[0].add(start.elapsed());

        gateways[here].overlay.sign_on(&late).await;
        while gateways[there].overlay.locate(&late).await.is_empty() {}
        let start = Instant::now();
        gateways[there].overlay.watch(std::slice::from_ref(&late)).await;
        gateways[there].sees(&late).await;
        row[1].add(start.elapsed());

        let other = user(format!("other{round}"));
        gateways[here].overlay.sign_on(&other).await;
        while gateways[there].overlay.locate(&other).await.is_empty() {}
        let start = Instant::now();
        assert_eq!(gateways[there].overlay.locate(&other).await, [gateways[here].id()]);
        row[2].add(start.elapsed());

        let start = Instant::now();
        assert!(gateways[there].overlay.locate(&nobody).await.is_empty());
        row[3].add(start.elapsed());

        gateways[here].overlay.save(&early, &roster()).await;
        // The other homes have it a moment later.
        while gateways[there].overlay.load(&early).await.listed().count() < CONTACTS {}
        let start = Instant::now();
        let read = gateways[there].overlay.load(&early).await;
        row[4].add(start.elapsed());
        assert_eq!(read.listed().count(), CONTACTS);
    }
    row
}

fn roster() -> Roster {
    let mut roster = Roster::default();
    for n in 0..CONTACTS {
        let address = user(format!("contact{n}"));
        let mut contact = Contact::new(address.clone(), address.to_string());
        contact.listed = true;
        roster.put(contact, Stamp { millis: 1, writer: 1 });
    }
    roster
}
