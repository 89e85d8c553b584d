//! A driver's process: commands go in, and events come out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Event;
use crate::process::Running;

/// Longest wait for a client to show something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client process and what it has shown.
pub(crate) struct Driver {
    name: String,
    input: ChildStdin,
    lines: Receiver<Event>,
    /// What was not looked at yet.
    pub(crate) unseen: Vec<Event>,
    /// What was last shown of each buddy, by lower-case name.
    pub(crate) buddies: BTreeMap<String, Event>,
    transcript: Vec<String>,
    _process: Running,
}

impl Driver {
    /// Starts one, and waits until it is ready. `name` is whose client it is.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Running::start(command);
        let input = process.child().stdin.take().unwrap();
        let (sender, lines) = channel();
        forward(process.child().stdout.take().unwrap(), sender.clone());
        forward(process.child().stderr.take().unwrap(), sender);
        let mut driver = Self {
            name: name.to_owned(),
            input,
            lines,
            unseen: Vec::new(),
            buddies: BTreeMap::new(),
            transcript: Vec::new(),
            _process: process,
        };
        driver.sees(PATIENCE, "ready", |event| event.kind() == "ready");
        driver
    }

    /// Gives it a command.
    pub(crate) fn does(&mut self, words: &[&str]) {
        let line: Vec<String> = words.iter().map(|word| escape(word)).collect();
        self.note(&format!("does {}", line.join(" ")));
        writeln!(self.input, "{}", line.join("\t")).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for an event that is `wanted`, and takes it out of those that were not looked at yet.
    #[track_caller]
    pub(crate) fn sees(
        &mut self,
        within: Duration,
        what: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> Event {
        let mut found = None;
        self.wait(within, what, |driver| {
            let index = driver.unseen.iter().position(&wanted);
            found = index.map(|index| driver.unseen.remove(index));
            found.is_some()
        });
        found.unwrap()
    }

    /// Whether an event came that was not looked at yet.
    pub(crate) fn has_seen(&mut self, kind: &str, fields: &[(&str, &str)]) -> bool {
        self.listen(Duration::ZERO);
        self.unseen.iter().any(|event| event.kind() == kind && event.has(fields))
    }

    /// Takes what was not looked at yet, and waits up to `within` for something.
    pub(crate) fn shown(&mut self, within: Duration) -> Vec<Event> {
        assert!(self.listen(within), "the client of {} has ended", self.name);
        std::mem::take(&mut self.unseen)
    }

    /// Forgets everything not looked at so far.
    pub(crate) fn looks_away(&mut self) {
        self.listen(Duration::ZERO);
        self.unseen.clear();
    }

    /// Takes in what comes until something is so.
    #[track_caller]
    pub(crate) fn wait(
        &mut self,
        within: Duration,
        what: &str,
        mut done: impl FnMut(&mut Self) -> bool,
    ) {
        let deadline = Instant::now() + within;
        while !done(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            let heard = !left.is_zero() && self.listen(left);
            assert!(heard, "{} waited in vain for {what}", self.name);
        }
    }

    /// Takes in what came, waiting up to `within` for something. Returns false when the client
    /// has ended.
    fn listen(&mut self, within: Duration) -> bool {
        let first = match self.lines.recv_timeout(within) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let more: Vec<Event> = self.lines.try_iter().collect();
        for event in std::iter::once(first).chain(more) {
            self.note(&event.to_string());
            if event.kind() == "buddy" {
                self.buddies.insert(event.name().to_lowercase(), event.clone());
            }
            self.unseen.push(event);
        }
        true
    }

    fn note(&mut self, line: &str) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.transcript.push(format!("{:7.3} {line}", at.as_secs_f64() % 1000.0));
    }
}

/// Shows, when a test fails, what each person did and saw.
impl Drop for Driver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // libpurple talks much when asked to.
            let shown = if std::env::var_os("PURPLE_DEBUG").is_some() { 4000 } else { 40 };
            let tail = self.transcript.len().saturating_sub(shown);
            eprintln!("{}:\n  {}", self.name, self.transcript[tail..].join("\n  "));
        }
    }
}

/// Reads a driver's output to its end.
fn forward(output: impl Read + Send + 'static, to: Sender<Event>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if to.send(Event::read(&line)).is_err() {
                return;
            }
        }
    });
}

/// Escapes an argument as all drivers expect it.
fn escape(word: &str) -> String {
    word.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t")
}
