//! Real Jabber servers.

use std::path::{Path, PathBuf};

use crate::suite::Suite;
use crate::{Ejabberd, Prosody};

/// Jabber server of a stage.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Prosody,
    Ejabberd,
}

/// A server with STARTTLS.
pub(crate) enum JabberServer {
    Prosody(Prosody),
    Ejabberd(Ejabberd),
}

impl JabberServer {
    /// Starts one with `users`, each with a password.
    pub(crate) fn start(
        (kind, suite): (Kind, Suite),
        directory: &Path,
        users: &[(&str, &str)],
    ) -> Self {
        let directory = directory.join("jabber");
        match kind {
            Kind::Prosody => Self::Prosody(Prosody::start_of(suite, directory, users)),
            Kind::Ejabberd => Self::Ejabberd(Ejabberd::start(suite, directory, users)),
        }
    }

    /// Port it listens on.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Prosody(server) => server.port(),
            Self::Ejabberd(server) => server.port(),
        }
    }

    /// The certificate of the CA behind its own, a PEM file.
    pub(crate) fn ca(&self) -> PathBuf {
        match self {
            Self::Prosody(server) => server.ca(),
            Self::Ejabberd(server) => server.ca(),
        }
    }

    /// Everything it noticed: each stanza is in it as a whole.
    pub(crate) fn memory(&self) -> String {
        match self {
            Self::Prosody(server) => server.memory(),
            Self::Ejabberd(server) => server.memory(),
        }
    }
}
