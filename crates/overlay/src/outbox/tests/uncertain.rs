//! Messages of which no gateway said what became of them.

use super::attempt::LAST_WAIT;
use super::*;

#[test]
fn a_gateway_that_may_have_shown_it_is_asked_before_another_gets_it() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    bench.says(1);
    bench.outbox.lost(&THERE);
    bench.answers(None);
    bench.arrives(ELSEWHERE);
    bench.pass(UNCERTAIN_TIMEOUT / 2);
    assert_eq!(bench.sent, [(1, THERE)]);
    bench.outbox.linked(bench.now, THERE);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE), (1, THERE)]);
    bench.answers(Some(Err(Failure::Offline)));
    assert_eq!(bench.sent[2..], [(1, ELSEWHERE)]);
}

#[test]
fn it_is_asked_also_after_a_restart_but_not_for_ever() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let number = bench.says(1);
    bench.outbox.keep_meanwhile(bench.now, number);
    bench.work();
    assert_eq!(bench.disk[&number].tried, BTreeSet::from([THERE]));
    let mut bench = bench.restart();
    assert_eq!(bench.sent, [(1, THERE)]);
    bench.outbox.lost(&THERE);
    bench.answers(None);
    bench.arrives(ELSEWHERE);
    bench.pass(UNCERTAIN_TIMEOUT + LAST_WAIT);
    assert!(bench.sent.contains(&(1, ELSEWHERE)), "rather twice than never");
}

#[test]
fn where_a_kept_message_goes_is_on_disk_before_it_leaves() {
    let mut bench = Bench::new(Limits::default());
    let number = bench.says(1);
    bench.writes = false;
    bench.arrives(THERE);
    bench.pass(KEEP_DEADLINE * 2);
    assert!(bench.sent.is_empty(), "a slow disk is waited for");
    bench.outbox.kept(bench.now, number, 2);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE)]);
}

#[test]
fn who_had_no_room_is_not_asked_after_a_restart_what_another_one_showed() {
    let mut bench = Bench::new(Limits::default());
    bench.says(1);
    bench.at = vec![THERE, ELSEWHERE];
    bench.outbox.arrived(bench.now, &bob());
    bench.work();
    let number = bench.says(2) - 1;
    bench.answers(Some(Err(Failure::Busy)));
    bench.writes = false;
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(1, THERE), (1, ELSEWHERE)], "the next one waits");
    bench.outbox.kept(bench.now, number, 3);
    bench.work();
    assert_eq!(bench.sent[2..], [(2, THERE), (2, ELSEWHERE)]);
    assert!(bench.disk.is_empty());
}

#[test]
fn what_may_have_been_shown_is_not_called_undelivered() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let silent = bench.outbox.post(bench.now, text(1), false);
    bench.work();
    bench.answers(None);
    let dropped = bench.outbox.post(bench.now, text(2), false);
    bench.work();
    bench.answers(Some(Err(Failure::Unreachable)));
    let away = bench.outbox.post(bench.now, text(3), false);
    bench.work();
    bench.answers(Some(Err(Failure::Offline)));
    let (unsure, lost) = (Err(Failure::Unconfirmed), Err(Failure::Offline));
    assert_eq!(bench.settled, [(silent, unsure), (dropped, unsure), (away, lost)]);
}

#[test]
fn of_two_gateways_the_one_that_said_nothing_decides_what_is_told() {
    for outcome in [Failure::Offline, Failure::Busy, Failure::Refused] {
        let mut bench = Bench::new(Limits::default());
        bench.at = vec![THERE, ELSEWHERE];
        let number = bench.outbox.post(bench.now, text(1), false);
        bench.work();
        bench.answers(None);
        bench.answers(Some(Err(outcome)));
        assert_eq!(bench.settled, [(number, Err(Failure::Unconfirmed))], "{outcome:?}");
    }
}

#[test]
fn what_expires_while_in_doubt_is_reported_as_such_also_after_a_restart() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    bench.says(1);
    bench.answers(None);
    bench.outbox.lost(&THERE);
    bench.at = Vec::new();
    let mut bench = bench.restart();
    bench.answers(None);
    bench.outbox.lost(&THERE);
    bench.pass(Limits::default().age);
    let reports = bench.disk.values().filter_map(|post| match &post.message {
        Message::Report { why, .. } => Some(*why),
        _ => None,
    });
    assert_eq!(reports.collect::<Vec<_>>(), [Failure::Unconfirmed]);
}

#[test]
fn what_may_have_arrived_is_not_said_to_be_taken_back() {
    let kept = || {
        let mut bench = Bench::new(Limits::default());
        bench.says(1);
        bench.says(2);
        bench
    };
    let wiped = |mut bench: Bench| bench.outbox.wipe(bench.now, &"alice@aol".parse().unwrap());
    assert_eq!(wiped(kept()), [(bob(), 2)].into());
    let mut bench = kept();
    bench.arrives(THERE);
    assert_eq!(bench.sent, [(1, THERE)]);
    assert_eq!(wiped(bench), [(bob(), 1)].into(), "one is under way");
    let mut bench = kept();
    bench.arrives(THERE);
    bench.outbox.lost(&THERE);
    bench.answers(None);
    assert_eq!(wiped(bench), [(bob(), 1)].into(), "of one nothing is known");
}
