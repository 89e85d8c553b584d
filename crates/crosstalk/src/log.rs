//! Logging to stderr.

use crosstalk_gateway::config::bad_level;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli_error::CliError;

/// Reads which lines to log: a level, or levels by part as in `info,libp2p=warn`.
pub(crate) fn filter(text: &str) -> Result<Targets, CliError> {
    let wrong = |what: String| CliError::Usage(format!("log level {text:?}: {what}"));
    if let Some(level) = bad_level(text) {
        return Err(wrong(format!("{level} is none of error, warn, info, debug, trace and off")));
    }
    let targets: Targets = text.parse().map_err(|e: ParseError| wrong(e.to_string()))?;
    // At a bare level the libraries underneath stay quiet below warnings, and the one for the DNS
    // altogether: what it warns of is what anybody may send it.
    Ok(match text.parse::<LevelFilter>() {
        Ok(level) => Targets::new()
            .with_default(level.min(LevelFilter::WARN))
            .with_target("hickory", LevelFilter::OFF)
            .with_target("crosstalk", level),
        Err(_) => targets,
    })
}

/// Logs from now on what `filter` lets through.
pub(crate) fn start(filter: Targets) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
}
