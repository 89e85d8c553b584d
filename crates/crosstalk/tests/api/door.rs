//! A gateway as a process, and programs that call it with a socket and nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A gateway, and the directory of its state.
pub(crate) struct Gateway {
    home: TempDir,
    process: Child,
}

impl Gateway {
    pub(crate) fn start() -> Self {
        let home = TempDir::new().unwrap();
        let process = run(&home);
        Self { home, process }
    }

    /// Kills it as nothing can be prepared for.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = run(&self.home);
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("crosstalk/api.sock")
    }

    /// Makes a token by the command.
    pub(crate) fn token(&self, name: &str) -> String {
        let mut command = crosstalk(&self.home);
        let made = command.args(["api", "token", "make", name]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// A program at it.
    pub(crate) fn program(&self, token: &str) -> Program {
        Program::new(self.socket(), token)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn crosstalk(home: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosstalk"));
    command.env("XDG_DATA_HOME", home.path());
    command
}

fn run(home: &TempDir) -> Child {
    let mut command = crosstalk(home);
    command.args(["gateway", "--proxy", "127.0.0.1:0"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // What it says first comes when everything is open.
    BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    process
}

/// A program with a token.
#[derive(Clone)]
pub(crate) struct Program {
    socket: PathBuf,
    token: String,
}

impl Program {
    pub(crate) fn new(socket: PathBuf, token: &str) -> Self {
        Self { socket, token: token.to_owned() }
    }

    /// Makes a call. Returns the status and the answer; nothing where the gateway is away.
    pub(crate) fn call(&self, call: &str, headers: &str, body: &Value) -> Option<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = self.ask(call, headers, &body).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }

    /// A call that has to be answered well.
    pub(crate) fn does(&self, call: &str, body: &Value) -> Value {
        let (status, answer) = self.call(call, "", body).expect("an answer");
        assert!((200..300).contains(&status), "{call}: {status} {answer}");
        answer
    }

    fn ask(&self, call: &str, headers: &str, body: &str) -> std::io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (token, length) = (&self.token, body.len());
        write!(
            stream,
            "{call} HTTP/1.0\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )?;
        Ok(stream)
    }

    /// Events behind a number, until the gateway is gone.
    pub(crate) fn events(&self, after: u64) -> impl Iterator<Item = Value> + use<> {
        let stream = self.ask(&format!("GET /v1/events?after={after}"), "", "");
        let lines = stream.into_iter().flat_map(|stream| BufReader::new(stream).lines());
        lines.map_while(Result::ok).filter_map(|line| {
            line.strip_prefix("data: ").map(|event| serde_json::from_str(event).unwrap())
        })
    }

    /// Waits for the next message, and returns its text.
    pub(crate) fn hears(&self, after: &mut u64) -> String {
        let mut events = self.events(*after);
        let message = events.find(|event| event["type"] == "message").expect("a message");
        *after = message["id"].as_u64().unwrap();
        message["text"].as_str().unwrap().to_owned()
    }

    /// Asks again and again until an answer is as it should be.
    pub(crate) fn waits(&self, call: &str, is_it: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.call(call, "", &Value::Null).map(|(_, answer)| answer);
            if answer.as_ref().is_some_and(&is_it) {
                return;
            }
            assert!(Instant::now() < deadline, "{call}: {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Makes two people friends, both ways.
pub(crate) fn befriend(ann: (&Program, &str), bob: (&Program, &str)) {
    let granted = |contacts: &Value, member: &str, standing: &str| contacts[0][member] == standing;
    for ((one, _), (other, name)) in [(ann, bob), (bob, ann)] {
        one.does(&format!("PUT /v1/contacts/{name}"), &serde_json::json!({}));
        let step = format!("POST /v1/contacts/{name}/consent");
        one.does(&step, &serde_json::json!({"step": "request", "words": "May I?"}));
        other.waits("GET /v1/contacts", |contacts| granted(contacts, "is_seen", "asked"));
        let asker = other.does("GET /v1/contacts", &Value::Null);
        let step = format!("POST /v1/contacts/{}/consent", asker[0]["name"].as_str().unwrap());
        other.does(&step, &serde_json::json!({"step": "grant"}));
        one.waits("GET /v1/contacts", |contacts| granted(contacts, "sees", "granted"));
    }
}
