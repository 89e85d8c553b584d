//! Our AIM server, and what it was sent.

use std::net::SocketAddr;

use crosstalk_mock::{Account, Server, aim};
use tokio::runtime::{Builder, Runtime};

/// An AIM server on loopback, with a runtime of its own.
pub struct AimServer {
    server: aim::Server,
    _runtime: Runtime,
}

impl AimServer {
    /// Starts one with `users`, each with a password.
    pub fn start(users: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let accounts: Vec<_> =
            users.iter().map(|(name, pass)| Account::new(*name, *pass)).collect();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = runtime.block_on(aim::Server::start(anywhere, &accounts)).unwrap();
        Self { server, _runtime: runtime }
    }

    /// Port it listens on.
    pub fn port(&self) -> u16 {
        self.server.addr().port()
    }

    /// Whether it ever received `text`.
    pub fn has_heard(&self, text: &str) -> bool {
        self.server.record().contains(text)
    }

    /// A stretch of each sign-on cookie that it was shown, in every way a log might spell it.
    pub fn cookies(&self) -> Vec<String> {
        const COOKIE_TLV: [u8; 4] = [0, 6, 1, 0];
        let bytes = self.server.record().bytes();
        let starts = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&COOKIE_TLV));
        let stretches = starts.filter_map(|at| bytes.get(at + 44..at + 52));
        stretches.flat_map(spellings).collect()
    }
}

fn spellings(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect();
    let list = format!("{bytes:?}");
    let list = list.trim_matches(['[', ']']).to_owned();
    vec![hex.to_uppercase(), hex, list, bytes.escape_ascii().to_string()]
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelled_as_logs_do() {
        let expected = ["0AFF", "0aff", "10, 255", "\\n\\xff"];
        assert_eq!(spellings(&[10, 255]), expected);
    }
}
