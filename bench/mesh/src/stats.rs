//! Figures of many samples.

use std::time::Duration;

/// Durations of something, many times.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// More of them.
    pub(crate) fn extend(&mut self, took: Vec<Duration>) {
        self.0.extend(took);
    }

    /// One more.
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// The value below which `share` of the samples lie, in microseconds.
    pub(crate) fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let at = ((self.0.len().saturating_sub(1)) as f64 * share).round() as usize;
        self.0.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1e6)
    }

    /// `p50 / p99`, in microseconds.
    pub(crate) fn show(&mut self) -> String {
        format!("{:.0} / {:.0}", self.quantile(0.5), self.quantile(0.99))
    }
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
