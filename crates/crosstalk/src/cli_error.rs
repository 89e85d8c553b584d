//! Errors of a command, in words for the person who gave it.

use std::process::ExitCode;

use crosstalk_api::client::Unanswered;
use crosstalk_gateway::config::Report;

use crate::advice;

/// Reason why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The configuration or the command line cannot work.
    #[error("{0}")]
    Config(#[from] Report),
    /// The command line cannot work.
    #[error("{0}")]
    Usage(String),
    /// The command was tried and failed.
    #[error("{0}")]
    Failed(String),
    /// No gateway runs.
    #[error("the gateway is not running\n  help: `crosstalk gateway` starts it")]
    NotRunning,
    /// The gateway is stopping.
    #[error("the gateway is stopping, and takes nothing new")]
    Draining,
}

/// Exit code of a command that needs a gateway that runs, where none does.
pub(crate) const NOT_RUNNING: u8 = 3;
/// Exit code of a command to a gateway that is stopping.
pub(crate) const DRAINING: u8 = 4;

impl From<Unanswered> for CliError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotRunning => Self::NotRunning,
            Unanswered::Draining => Self::Draining,
            Unanswered::NoSuchThing => {
                Self::Failed("the running gateway does not know this: is it older?".into())
            }
            Unanswered::Failed(why) => Self::Failed(why),
        }
    }
}

impl CliError {
    /// The words, with these arguments in the commands that they advise.
    pub(crate) fn about(&self, arguments: &str) -> String {
        match self {
            // It shows lines of the file too, and was told which gateway it is about.
            Self::Config(report) => report.to_string(),
            _ => advice::about(&self.to_string(), arguments),
        }
    }

    /// Something was tried and went wrong.
    pub(crate) fn failed(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }

    /// 2 where the person has to change what was asked for, as shells expect; 3 and 4 where the
    /// gateway is not there for it; else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::NotRunning => NOT_RUNNING,
            Self::Draining => DRAINING,
        })
    }
}
