//! Costs of processes, as Linux counts them.

use std::fs;
use std::time::Duration;

/// Costs of some processes since they started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Time on a processor.
    pub cpu: Duration,
    /// Number of times that a thread had nothing to do and was woken again.
    pub wakes: u64,
}

impl Cost {
    /// Costs of `processes` until now.
    pub fn of(processes: &[u32]) -> Self {
        let mut cost = Self::default();
        for process in processes {
            for task in fs::read_dir(format!("/proc/{process}/task")).unwrap() {
                let task = task.unwrap().path();
                // A thread may have ended since it was listed.
                let read = |file: &str| fs::read_to_string(task.join(file)).unwrap_or_default();
                let ran = read("schedstat");
                let ran = ran.split_whitespace().next().and_then(|n| n.parse().ok());
                cost.cpu += Duration::from_nanos(ran.unwrap_or(0));
                let status = read("status");
                let gave_up =
                    status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
                cost.wakes += gave_up.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0);
            }
        }
        cost
    }

    /// Costs since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            wakes: self.wakes.saturating_sub(before.wakes),
        }
    }
}
