//! Choice of the configuration that a command works on.

use std::path::{Path, PathBuf};

use crosstalk_gateway::config::{Config, Report};

use crate::cli::Instance;
use crate::cli_error::CliError;

impl Instance {
    /// The configuration that the command line points at, checked, or that of a lone gateway.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        self.with(Config::read)
    }

    /// The same before its parts fit together, for commands that prepare them.
    pub(crate) fn draft(&self) -> Result<Config, CliError> {
        self.with(Config::draft)
    }

    /// The arguments that name this instance, for a command that somebody is shown, each with a blank
    /// before it.
    pub(crate) fn arguments(&self) -> String {
        let places = [("config", &self.config), ("data", &self.data)];
        let given = places.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
        given.fold(String::new(), |all, (name, path)| {
            all + &format!(" --{name} {}", quoted(&path.to_string_lossy()))
        })
    }

    fn with(&self, read: fn(&Path, PathBuf) -> Result<Config, Report>) -> Result<Config, CliError> {
        let data = self.data.clone().or_else(user_data).ok_or_else(|| {
            CliError::Usage(
                "there is no home directory: name one for keys and buddy lists with --data".into(),
            )
        })?;
        match &self.config {
            Some(path) => Ok(read(path, data).map_err(|report| report.about(&self.arguments()))?),
            None => Ok(Config::alone(data)),
        }
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+=:@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The directory for the user's own data, as the XDG Base Directory Specification says.
fn user_data() -> Option<PathBuf> {
    let set = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let base = set.or_else(|| Some(std::env::home_dir()?.join(".local/share")))?;
    Some(base.join("crosstalk"))
}
