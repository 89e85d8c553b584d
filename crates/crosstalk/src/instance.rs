//! Choice of the configuration that a command works on.

use std::path::{Path, PathBuf};

use crosstalk_gateway::config::{Config, Report};

use crate::cli::{Api, CaCommand, Command, Instance, Mesh, Places, Token};
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

impl Command {
    /// The instance that the command is about; none where it runs gateways of its own.
    pub(crate) const fn instance(&self) -> Option<&Instance> {
        Some(match self {
            Self::Gateway(args) => &args.instance,
            #[cfg(feature = "demo")]
            Self::Demo(_) => return None,
            Self::Ca(args) => match &args.what {
                CaCommand::Init(instance) | CaCommand::Export(instance) => instance,
            },
            Self::Mesh(mesh) => match mesh {
                Mesh::Init(args) | Mesh::Id(args) => &args.instance,
                Mesh::Admit(args) => &args.instance,
                Mesh::Revoke(args) => &args.instance,
                Mesh::Join(args) => &args.instance,
                Mesh::Leave(instance) => instance,
                Mesh::Status(args) => &args.instance,
            },
            Self::Wipe(args) => &args.instance,
            Self::Api(Api::Invite(args)) => &args.instance,
            Self::Api(Api::Token(token)) => match token {
                Token::Make(args) => &args.instance,
                Token::List(args) => &args.instance,
                Token::Revoke(args) => &args.instance,
            },
            Self::Places(Places::Fetch(instance)) => instance,
            Self::Places(Places::Ask(args)) => &args.instance,
            Self::Id(args) => &args.instance,
        })
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
