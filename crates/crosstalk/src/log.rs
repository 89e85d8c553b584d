//! Logging to stderr.

use crosstalk_gateway::config::bad_level;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::complaint::Complaint;

/// Logs what `filter` lets through: a level, or levels by part as in `info,libp2p=warn`.
pub(crate) fn start(filter: &str) -> Result<(), Complaint> {
    let wrong = |what: String| Complaint::Usage(format!("log level {filter:?}: {what}"));
    if let Some(level) = bad_level(filter) {
        return Err(wrong(format!("{level} is none of error, warn, info, debug, trace and off")));
    }
    let targets: Targets = filter.parse().map_err(|e: ParseError| wrong(e.to_string()))?;
    // At a bare level the libraries underneath stay quiet below warnings.
    let targets = match filter.parse::<LevelFilter>() {
        Ok(level) => Targets::new()
            .with_default(level.min(LevelFilter::WARN))
            .with_target("crosstalk", level),
        Err(_) => targets,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(targets).with(lines).init();
    Ok(())
}
