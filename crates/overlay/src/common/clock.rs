//! The clocks of a gateway. A simulated gateway has a runtime with its own time, and a wall clock
//! that may be wrong.

use std::time::{Instant, SystemTime};

use crosstalk_core::UnixMillis;

/// Time of the monotonic clock, which a simulation may drive.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Wall {
    /// The system's.
    #[default]
    System,
    /// One that showed a time at a moment.
    #[cfg(test)]
    Simulated(UnixMillis, Instant),
}

impl Wall {
    /// Time that the clock shows.
    pub(crate) fn read(self) -> UnixMillis {
        match self {
            Self::System => SystemTime::now().into(),
            #[cfg(test)]
            Self::Simulated(then, at) => {
                let since = now().saturating_duration_since(at);
                UnixMillis(then.0 + since.as_millis() as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_goes_with_the_time_of_its_runtime() {
        let wall = Wall::Simulated(UnixMillis(5000), now());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(wall.read(), UnixMillis(7000));
    }
}
