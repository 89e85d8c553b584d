//! Figures of all rounds, as a table and as ratios.

use std::time::Duration;

use crate::measure::Slice;

/// Kinds of figures, in the order of the columns.
const COLUMNS: [&str; 10] = [
    "p50 at 20/s, us",
    "p99",
    "p50 at 200/s, us",
    "p99",
    "CPU s per 1,000 at 200/s",
    "wakes a text",
    "CPU s per 1,000 busy, one conversation",
    "texts/s",
    "CPU s per 1,000 busy, all",
    "texts/s",
];

/// Figures of one endpoint, a set for each round.
pub(crate) struct Row {
    name: &'static str,
    rounds: Vec<[f64; 10]>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rounds: Vec::new() }
    }

    /// The slices of a round: at 20/s, at 200/s, at most in one conversation and in all.
    pub(crate) fn add(&mut self, [mut slow, mut quick, one, all]: [Slice; 4]) {
        self.rounds.push([
            quantile(&mut slow.took, 0.5),
            quantile(&mut slow.took, 0.99),
            quantile(&mut quick.took, 0.5),
            quantile(&mut quick.took, 0.99),
            quick.cpu(),
            quick.wakes(),
            one.cpu(),
            one.rate(),
            all.cpu(),
            all.rate(),
        ]);
    }

    fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.rounds.iter().map(move |round| round[column])
    }
}

/// Prints the medians, and the ratios of the last row to each other one with their spread.
pub(crate) fn print(rows: &[Row]) {
    println!("| medians | {} |\n|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len() + 1));
    for row in rows {
        let cell = |column| number(median(row.column(column).collect()));
        let cells: Vec<_> = (0..COLUMNS.len()).map(cell).collect();
        println!("| {} | {} |", row.name, cells.join(" | "));
    }
    let Some((own, others)) = rows.split_last() else { return };
    println!("\n| {} to | {} |", own.name, COLUMNS.join(" | "));
    println!("|{}", "---|".repeat(COLUMNS.len() + 1));
    for other in others {
        let cell = |column| {
            // Of slices that followed each other.
            let pairs = own.column(column).zip(other.column(column));
            let mut ratios: Vec<_> = pairs.map(|(own, other)| own / other).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            let (least, most) = (ratios.first().copied(), ratios.last().copied());
            let [least, most] = [least, most].map(Option::unwrap_or_default);
            format!("{:.2} ({least:.2} to {most:.2})", median(ratios))
        };
        let cells: Vec<_> = (0..COLUMNS.len()).map(cell).collect();
        println!("| {} | {} |", other.name, cells.join(" | "));
    }
}

fn number(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.3}") } else { format!("{figure:.0}") }
}

/// The value below which `share` of them lie, in microseconds.
fn quantile(took: &mut [Duration], share: f64) -> f64 {
    took.sort_unstable();
    let at = ((took.len().saturating_sub(1)) as f64 * share).round() as usize;
    took.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1e6)
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
