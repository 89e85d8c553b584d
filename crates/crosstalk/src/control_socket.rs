//! The control socket, by which commands on the same machine ask the gateway: it lies in the data
//! directory, which only the gateway's own user can enter.
//!
//! A command writes one line. The gateway writes `ok` or `no`, a line break and a text, and
//! closes.

use std::fmt;
use std::fs::{File, Permissions};
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crosstalk_core::Address;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

/// Longest wait of either side for the other.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after the system had nothing left for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest line.
const LONGEST: u64 = 4096;

/// Request of a command to a running gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// State of its sessions and of its links to other gateways.
    Status,
    /// Forgets a person.
    Wipe(Address),
}

/// Reason why there is no answer.
#[derive(Debug)]
pub(crate) enum Closed {
    /// No gateway runs with that data directory.
    NotRunning,
    /// The gateway could not do it.
    Failed(String),
}

impl Request {
    fn parse(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            None if line == "status" => Some(Self::Status),
            Some(("wipe", user)) => user.parse().ok().map(Self::Wipe),
            _ => None,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Wipe(user) => write!(f, "wipe {user}"),
        }
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the gateway that runs with its data in `data`.
pub(crate) fn ask(data: &Path, request: &Request) -> Result<String, Closed> {
    let failed = |e: io::Error| Closed::Failed(format!("the gateway does not answer: {e}"));
    let mut socket = net::UnixStream::connect(path(data)).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Closed::NotRunning,
        _ => failed(e),
    })?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    writeln!(socket, "{request}").map_err(failed)?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).map_err(failed)?;
    match answer.split_once('\n') {
        Some(("ok", text)) => Ok(text.to_owned()),
        Some((_, text)) => Err(Closed::Failed(text.to_owned())),
        None => Err(Closed::Failed("the gateway does not answer".into())),
    }
}

/// The gateway's side.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    /// A descriptor for whoever comes while there is no other left.
    spare: Option<File>,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens it. The store is held by this process, so a socket that is there is left over.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let path = path(data);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        // The directory is closed to others, unless it was there before and open.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, spare: spare(), path })
    }

    /// Gives each request to `answer`, until it is dropped.
    pub(crate) async fn serve<A, F>(mut self, answer: A)
    where
        A: Fn(Request) -> F + Clone + Send + 'static,
        F: Future<Output = String> + Send + 'static,
    {
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let talk = timeout(PATIENCE, talk(socket, answer.clone()));
                    if self.spare.is_some() {
                        tokio::spawn(talk);
                    } else {
                        // One at a time, which then leaves its descriptor to the next.
                        let _ = talk.await;
                        self.spare = spare();
                    }
                }
                // What is left of them may be taken by others between here and the next try.
                Err(_) if self.spare.take().is_some() => {}
                Err(error) => {
                    tracing::debug!(%error, "no command can ask the gateway for now");
                    sleep(PAUSE).await;
                    self.spare = spare();
                }
            }
        }
    }
}

/// Hears one command, and answers.
async fn talk<A, F>(socket: UnixStream, answer: A) -> io::Result<()>
where
    A: Fn(Request) -> F,
    F: Future<Output = String>,
{
    let mut socket = BufReader::new(socket);
    let mut line = String::new();
    (&mut socket).take(LONGEST).read_line(&mut line).await?;
    let answer = match Request::parse(line.trim_end()) {
        Some(request) => format!("ok\n{}", answer(request).await),
        None => "no\nthe running gateway does not know this: is it older?".into(),
    };
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await
}

/// A descriptor that can be given up for another.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
