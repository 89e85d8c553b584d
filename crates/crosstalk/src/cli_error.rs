//! Errors of a command, in words for the person who gave it.

use std::process::ExitCode;

use crosstalk_gateway::config::Report;

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
}

impl CliError {
    /// Something was tried and went wrong.
    pub(crate) fn failed(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }

    /// 2 where the person has to change what was asked for, as shells expect; else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        })
    }
}
