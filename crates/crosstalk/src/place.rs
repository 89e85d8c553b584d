//! Which configuration a command works on.

use std::path::{Path, PathBuf};

use crosstalk_gateway::config::{Config, Report};

use crate::cli::Place;
use crate::complaint::Complaint;

impl Place {
    /// The configuration that the command line points at, checked, or that of a lone gateway.
    pub(crate) fn config(&self) -> Result<Config, Complaint> {
        self.with(Config::read)
    }

    /// The same before its parts fit together, for commands that prepare them.
    pub(crate) fn draft(&self) -> Result<Config, Complaint> {
        self.with(Config::draft)
    }

    fn with(
        &self,
        read: fn(&Path, PathBuf) -> Result<Config, Report>,
    ) -> Result<Config, Complaint> {
        let data = self.data.clone().or_else(user_data).ok_or_else(|| {
            Complaint::Usage(
                "there is no home directory: say with --data where to keep state".into(),
            )
        })?;
        match &self.config {
            Some(path) => Ok(read(path, data)?),
            None => Ok(Config::alone(data)),
        }
    }
}

/// The directory for the user's own data: XDG's, or what this system has instead.
fn user_data() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set("XDG_DATA_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| Some(std::env::home_dir()?.join(".local/share")))?;
    Some(base.join("crosstalk"))
}
