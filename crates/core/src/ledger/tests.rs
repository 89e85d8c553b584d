use super::*;
use std::collections::HashMap;

const KIB: usize = 1 << 10;

fn address(last: u8) -> Payer {
    Payer::Address([192, 0, 2, last].into())
}

fn domain(name: &str) -> Payer {
    Payer::Domain(name.into())
}

fn ledger() -> Ledger {
    Ledger::new(Budgets::of(1024 * KIB))
}

/// Charges what has to fit.
fn fits(ledger: &mut Ledger, id: EntryId, bytes: usize) {
    assert_eq!(ledger.charge(id, bytes), Relief::default());
}

#[test]
fn those_who_have_not_signed_on_have_a_quarter_and_the_heaviest_goes_first() {
    let mut ledger = ledger();
    let signed_on = ledger.open(&address(1));
    let _ = ledger.know(signed_on, None);
    fits(&mut ledger, signed_on, 400 * KIB);
    let light = ledger.open(&address(2));
    fits(&mut ledger, light, 20 * KIB);
    let heavy = ledger.open(&address(2));
    fits(&mut ledger, heavy, 200 * KIB);
    let last = ledger.open(&address(3));
    let relief = ledger.charge(last, 60 * KIB);
    assert_eq!(relief, Relief { end: vec![heavy], strained: true });
    assert_eq!(ledger.close(heavy), Some(Short::Unknown));
    assert_eq!([signed_on, light, last].map(|id| ledger.close(id)), [None; 3]);
    assert_eq!(ledger.ended(), Ended { unknown: 1, ..Ended::default() });
}

#[test]
fn a_payer_over_its_share_loses_its_own_heaviest_and_nobody_else_anything() {
    let mut ledger = ledger();
    let other = ledger.open(&address(1));
    let _ = ledger.know(other, Some(&domain("honest.test")));
    fits(&mut ledger, other, 450 * KIB);
    let own: Vec<_> = (1..=4)
        .map(|place| {
            // From everywhere, but all of one domain.
            let id = ledger.open(&address(10 + place));
            let _ = ledger.know(id, Some(&domain("evil.test")));
            fits(&mut ledger, id, usize::from(place) * 40 * KIB);
            id
        })
        .collect();
    let relief = ledger.charge(own[0], 130 * KIB);
    assert_eq!(relief, Relief { end: vec![own[0]], strained: false });
    assert_eq!(ledger.close(own[0]), Some(Short::Payer(PayerKind::Domain)));
    assert_eq!(ledger.close(other), None);
}

#[test]
fn a_user_of_a_proxy_pays_instead_of_the_address() {
    let mut ledger = ledger();
    for name in ["ann", "ben"] {
        let id = ledger.open(&address(1));
        let _ = ledger.know(id, None);
        let _ = ledger.pays(id, &Payer::User(name.into()));
        fits(&mut ledger, id, 450 * KIB);
    }
}

#[test]
fn when_all_is_short_strangers_go_first_then_the_heaviest_and_idle_ones_stay() {
    let mut ledger = ledger();
    let open = |ledger: &mut Ledger, place: u8, is_known: bool, kib: usize| {
        let id = ledger.open(&address(place));
        if is_known {
            let _ = ledger.know(id, None);
        }
        fits(ledger, id, kib * KIB);
        id
    };
    let passing = open(&mut ledger, 1, false, 2);
    let chat = open(&mut ledger, 2, true, 9);
    let stranger = open(&mut ledger, 3, false, 60);
    let heaviest = open(&mut ledger, 4, true, 480);
    let heavy = open(&mut ledger, 5, true, 440);
    let relief = ledger.charge(heavy, 35 * KIB);
    assert_eq!(relief, Relief { end: vec![stranger, heaviest], strained: true });
    for id in [passing, chat, heavy] {
        assert_eq!(ledger.close(id), None);
    }
}

#[test]
fn what_is_ending_counts_until_it_is_gone_but_ends_nobody_else() {
    let mut ledger = ledger();
    let heavy = ledger.open(&address(1));
    fits(&mut ledger, heavy, 250 * KIB);
    let second = ledger.open(&address(2));
    assert_eq!(ledger.charge(second, 40 * KIB).end, [heavy]);
    assert_eq!(ledger.used(), (290 * KIB, 290 * KIB));
    fits(&mut ledger, second, 100 * KIB);
    ledger.close(heavy);
    assert_eq!(ledger.used(), (140 * KIB, 140 * KIB));
}

#[test]
fn strain_is_said_once_and_is_over_once_there_is_room_to_spare() {
    let mut ledger = ledger();
    let ids: Vec<_> = (0..5).map(|_| ledger.open(&address(1))).collect();
    let strained: Vec<_> = ids.iter().map(|id| ledger.charge(*id, 60 * KIB).strained).collect();
    assert_eq!(strained, [false, false, false, false, true]);
    assert!(ledger.is_strained() && !ledger.recover());
    assert!(!ledger.charge(ids[4], 100 * KIB).strained);
    for id in ids {
        ledger.close(id);
    }
    assert!(ledger.recover() && !ledger.is_strained() && !ledger.recover());
}

#[test]
fn an_entry_that_was_closed_is_not_the_one_that_took_its_place() {
    let mut ledger = ledger();
    let keep = ledger.open(&address(1));
    let old = ledger.open(&address(1));
    ledger.close(old);
    let new = ledger.open(&address(1));
    let _ = ledger.charge(old, 10 * KIB);
    assert_eq!((ledger.close(old), ledger.held(new), ledger.used().0), (None, 0, 0));
    ledger.close(keep);
}

/// The same numbers for every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

/// Compares every sum that is kept with one made of the entries.
fn audit(ledger: &Ledger) {
    let (mut whole, mut unknown) = (Sum::default(), Sum::default());
    let mut payers: HashMap<u32, (Sum, u32)> = HashMap::new();
    for (_, entry) in &ledger.entries {
        let held = entry.held as usize;
        let ending = if entry.ending.is_some() { held } else { 0 };
        let add = |sum: &mut Sum| {
            sum.held += held;
            sum.ending += ending;
        };
        add(&mut whole);
        if !entry.is_known {
            add(&mut unknown);
        }
        for place in entry.payers() {
            let (sum, entries) = payers.entry(place).or_default();
            add(sum);
            *entries += 1;
        }
    }
    assert_eq!((ledger.whole, ledger.unknown), (whole, unknown));
    assert_eq!(ledger.payers.all().collect::<HashMap<_, _>>(), payers);
}

/// Nothing that stays exceeds a budget.
fn within_budgets(ledger: &Ledger) {
    let Budgets { whole, unknown, payer } = ledger.budgets;
    assert!(ledger.whole.staying() <= whole && ledger.unknown.staying() <= unknown);
    assert!(ledger.payers.all().all(|(_, (sum, _))| sum.staying() <= payer));
}

#[test]
fn whatever_is_opened_charged_and_closed_every_sum_is_exact_and_no_budget_exceeded() {
    for seed in 1..=100 {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let mut ledger = ledger();
        let mut open: Vec<(EntryId, usize)> = Vec::new();
        for _ in 0..500 {
            let at = dice.roll(open.len().max(1));
            let magnitude = dice.roll(19);
            let bytes = dice.roll(1 << magnitude);
            match (dice.roll(9), open.get(at).copied()) {
                (0..=1, _) | (_, None) => {
                    open.push((ledger.open(&address(dice.roll(5) as u8)), 0));
                }
                (2..=4, Some((id, held))) => {
                    let _ = ledger.charge(id, bytes);
                    open[at].1 = held + bytes;
                }
                (5, Some((id, held))) => {
                    let _ = ledger.release(id, bytes.min(held));
                    open[at].1 = held - bytes.min(held);
                }
                (6, Some((id, _))) => {
                    let domains = [None, Some(domain("a.test")), Some(domain("b.test"))];
                    let _ = ledger.know(id, domains[dice.roll(3)].as_ref());
                }
                (7, Some((id, _))) => {
                    let _ = match dice.roll(2) {
                        0 => ledger.forget(id),
                        _ => ledger.pays(id, &Payer::User("ann".into())),
                    };
                }
                (_, Some((id, _))) => {
                    ledger.close(id);
                    open.swap_remove(at);
                }
            }
            audit(&ledger);
            within_budgets(&ledger);
            for (id, held) in &open {
                assert_eq!(ledger.held(*id), *held);
            }
        }
        for (id, _) in open {
            ledger.close(id);
        }
        audit(&ledger);
        assert_eq!((ledger.used(), ledger.payers.all().count()), ((0, 0), 0));
        assert_eq!(ledger.entries.capacity(), 0);
    }
}
