//! A gateway as a process, and what it takes.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// The proxy of a gateway that a trial says nothing else of.
pub(crate) const PROXY: &str = "127.0.0.1:1080";
/// Longest time for a gateway to start.
const START: Duration = Duration::from_secs(20);
/// Log filter: sign-ons, and what goes wrong.
const LOG: &str = "warn,crosstalk_gateway::router=info";
pub(crate) const MIB: u64 = 1 << 20;

/// Settings of a gateway to start.
pub(crate) struct Plan {
    home: TempDir,
    settings: String,
    proxy: &'static str,
    /// Options of `prlimit`.
    limits: Vec<&'static str>,
}

/// One that runs. Dropped, it is killed.
pub(crate) struct Gateway {
    process: Child,
    home: TempDir,
}

/// The program that is tried.
fn program() -> PathBuf {
    let named = std::env::var_os("CROSSTALK").map(PathBuf::from);
    named.unwrap_or_else(|| env!("CARGO_BIN_EXE_crosstalk").into())
}

impl Plan {
    pub(crate) fn new() -> Self {
        let home = TempDir::new().unwrap();
        std::fs::create_dir(home.path().join("data")).unwrap();
        Self { home, settings: String::new(), proxy: PROXY, limits: Vec::new() }
    }

    /// With more lines in its configuration.
    pub(crate) fn with(mut self, settings: &str) -> Self {
        self.settings.push_str(settings);
        self
    }

    /// With a limit that the system keeps, as an option of `prlimit` says it.
    pub(crate) fn limited(mut self, limit: &'static str) -> Self {
        self.limits.push(limit);
        self
    }

    /// With its proxy at another address.
    pub(crate) fn at(mut self, proxy: &'static str) -> Self {
        self.proxy = proxy;
        self
    }

    /// Directory for its state.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Runs another command about the same state.
    pub(crate) async fn ask(&self, words: &[&str]) -> Output {
        ask(&self.data(), words).await
    }

    /// Starts it and waits until it is up.
    pub(crate) async fn start(self) -> Gateway {
        let Self { home, settings, proxy, limits } = self;
        let config = home.path().join("gateway.toml");
        let data = home.path().join("data");
        let head = format!("data = \"{}\"\n[[proxy]]\nlisten = \"{proxy}\"\n", data.display());
        std::fs::write(&config, head + &settings).unwrap();
        let log = log_of(home.path());
        // It ends with this process, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "prlimit"]).args(limits).arg(program());
        command.arg("gateway").arg("--config").arg(config).args(["--log", LOG]);
        command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let process = command.spawn().unwrap();
        let mut gateway = Gateway { process, home };
        let mut lines = BufReader::new(gateway.process.stdout.take().unwrap()).lines();
        let up = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("Ctrl-C") {
                    return true;
                }
            }
            false
        };
        let is_up = timeout(START, up).await;
        assert_eq!(is_up, Ok(true), "it did not start: {}", gateway.log());
        gateway
    }
}

fn log_of(home: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(home.join("log")).unwrap()
}

async fn ask(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program());
    let asked = command.args(words).arg("--data").arg(data).kill_on_drop(true).output();
    timeout(START, asked).await.expect("an answer to a command").unwrap()
}

impl Gateway {
    /// One with the usual settings.
    pub(crate) async fn start() -> Self {
        Plan::new().start().await
    }

    /// The last lines that it logged.
    pub(crate) fn log(&self) -> String {
        const LINES: usize = 20;
        let log = self.whole_log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Everything that it logged.
    pub(crate) fn whole_log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Users that signed in so far, in order, once for each time.
    pub(crate) fn signed_in(&self) -> Vec<String> {
        let log = self.whole_log();
        let lines = log.lines().filter(|line| line.contains("signed in"));
        let user = |line: &str| Some(line.split_once("user=")?.1.split(' ').next()?.to_owned());
        lines.filter_map(user).collect()
    }

    /// Runs another command about the same state.
    pub(crate) async fn ask(&self, words: &[&str]) -> Output {
        ask(&self.home.path().join("data"), words).await
    }

    /// Directory of its state.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Whether it still runs.
    pub(crate) fn is_up(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    fn id(&self) -> u32 {
        self.process.id().expect("a gateway that runs")
    }

    /// A count of kilobytes that the system keeps of it, as bytes. None is left of one that ended.
    fn counted(&self, what: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?));
        let line = status.ok()?;
        let line = line.lines().find_map(|line| line.strip_prefix(what))?;
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().ok().map(|kb| kb << 10)
    }

    /// The memory it takes now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.counted("VmRSS:").unwrap_or(u64::MAX)
    }

    /// The most memory it took so far, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.counted("VmHWM:").unwrap_or(u64::MAX)
    }

    /// Number of files and sockets that it has open.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// The time that processors worked for it.
    pub(crate) fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let words: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |at: usize| words[at].parse::<u64>().unwrap();
        Duration::from_millis(
            (ticks(11) + ticks(12)) * 1000 / rustix::param::clock_ticks_per_second(),
        )
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        kill_process(id.unwrap(), signal).unwrap();
    }
}

/// Waits until something holds, as long as it may take.
pub(crate) async fn until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    true
}
