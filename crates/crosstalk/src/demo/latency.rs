//! Measured times and what is said of them.

use std::fmt;
use std::time::Duration;

/// Latencies of several messages.
#[derive(Default)]
pub(crate) struct Latency(Vec<Duration>);

/// Latencies by sender and receiver: a row and a column for each of the titles.
pub(crate) struct Matrix {
    titles: Vec<&'static str>,
    cells: Vec<Vec<Latency>>,
}

impl Latency {
    /// Adds the latency of one more message.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    fn p50(&self) -> Option<Duration> {
        let mut times = self.0.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}

impl Matrix {
    /// An empty one.
    pub(crate) fn new(titles: Vec<&'static str>) -> Self {
        let row = || titles.iter().map(|_| Latency::default()).collect();
        let cells = titles.iter().map(|_| row()).collect();
        Self { titles, cells }
    }

    /// Adds what the messages of the network at `from` to that at `to` took.
    pub(crate) fn add(&mut self, from: usize, to: usize, latency: Latency) {
        if let Some(cell) = self.cells.get_mut(from).and_then(|row| row.get_mut(to)) {
            cell.0.extend(latency.0);
        }
    }

    fn all(&self) -> impl Iterator<Item = Duration> {
        self.cells.iter().flatten().flat_map(|latency| latency.0.iter().copied())
    }
}

/// A table of medians in milliseconds.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CELL: usize = 9;
        let number = |time: Option<Duration>| {
            time.map_or("-".into(), |t| format!("{:.1}", t.as_secs_f64() * 1000.0))
        };
        write!(f, "{:>CELL$}", "from, to")?;
        for title in &self.titles {
            write!(f, "{title:>CELL$}")?;
        }
        for (title, row) in self.titles.iter().zip(&self.cells) {
            write!(f, "\n{title:>CELL$}")?;
            for latency in row {
                write!(f, "{:>CELL$}", number(latency.p50()))?;
            }
        }
        let longest = number(self.all().max());
        write!(f, "\np50 in ms of {} messages; the longest took {longest} ms", self.all().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_longest_are_told() {
        let mut matrix = Matrix::new(vec!["AIM", "Jabber"]);
        for ms in [5, 1, 3] {
            let mut latency = Latency::default();
            latency.add(Duration::from_millis(ms));
            matrix.add(0, 1, latency);
        }
        let table = "\
             from, to      AIM   Jabber
                  AIM        -      3.0
               Jabber        -        -
            p50 in ms of 3 messages; the longest took 5.0 ms";
        let trimmed = |text: &str| text.lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(&matrix.to_string()), trimmed(table));
    }
}
