//! The examples do what they say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::door::{Gateway, befriend};

/// A program that runs. Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

fn start(command: &mut Command, gateway: &Gateway, token: &str) -> Running {
    let command = command.arg(gateway.socket()).env("CROSSTALK_TOKEN", token);
    Running(command.stdin(Stdio::null()).spawn().unwrap())
}

fn python(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(example(name));
    command
}

/// The example in Rust, as cargo builds it beside this test; built now, where that was not done.
fn built(name: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_crosstalk")).with_file_name("examples").join(name);
    let written = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    if written(&program) > written(&example(&format!("{name}.rs"))) {
        return Command::new(program);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "crosstalk-api", "--example", name]);
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(built.success());
    Command::new(program)
}

fn echoes(program: &mut Command) {
    let mut gateway = Gateway::start();
    let token = gateway.token("echo");
    let [echo, ann] =
        [token.clone(), gateway.token("ann@web")].map(|token| gateway.program(&token));
    befriend((&ann, "ann@web"), (&echo, "echo@apps"));
    let _running = start(program, &gateway, &token);
    let mut last = 0;
    for words in ["Hello?", "Gr\u{fc}\u{df}e \u{1f44b}"] {
        ann.does("POST /v1/messages", &json!({"to": "echo@apps", "text": words}));
        assert_eq!(ann.hears(&mut last), words);
        // It goes on when its gateway is back.
        gateway.kill();
        gateway.start_again();
    }
}

#[test]
fn the_echo_bots_are_short_and_echo_also_when_their_gateway_was_away() {
    for name in ["echo.py", "echo.rs"] {
        let text = std::fs::read_to_string(example(name)).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        assert!(lines <= 25, "{name} has {lines} lines");
    }
    echoes(&mut python("echo.py"));
    echoes(&mut built("echo"));
}

/// A gateway that refuses each call once. Returns what it was asked, and when.
fn refuses(at: &Path) -> Vec<(String, Option<String>, Instant)> {
    let event = json!({"id": 7, "type": "message", "from": "ann@web", "message": "1", "auto": false,
        "text": "Hello?", "sent_at": 1});
    let listener = UnixListener::bind(at).unwrap();
    let (mut asked, mut answers) = (Vec::new(), Vec::new());
    for stream in listener.incoming().take(7) {
        let stream = stream.unwrap();
        let mut reader = BufReader::new(&stream);
        let mut lines = reader.by_ref().lines().map(Result::unwrap);
        let request = lines.next().unwrap();
        let heads: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let head = |name| heads.iter().find_map(|line| line.strip_prefix(name));
        let key = head("Idempotency-Key: ");
        let length = head("Content-Length: ").map_or(0, |length| length.parse().unwrap());
        reader.take(length).read_to_string(&mut String::new()).unwrap();
        answers.push(request.clone());
        let (status, body) = if answers.iter().filter(|one| **one == request).count() == 1 {
            ("503 Service Unavailable", "{}".to_owned())
        } else if request.starts_with("POST") {
            ("200 OK", "{}".to_owned())
        } else {
            ("200 OK", format!("data: {event}\n\n"))
        };
        asked.push((request, key.map(str::to_owned), Instant::now()));
        let length = body.len();
        let answer = format!("HTTP/1.0 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        // A program that has read as much as it needs may be gone by now.
        let _ = (&stream).write_all(answer.as_bytes());
    }
    asked
}

#[test]
fn the_echo_bots_wait_after_a_refusal_and_say_again_what_was_refused() {
    for command in [&mut python("echo.py"), &mut built("echo")] {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("api.sock");
        let gateway = std::thread::spawn({
            let socket = socket.clone();
            move || refuses(&socket)
        });
        let command = command.arg(&socket).env("CROSSTALK_TOKEN", "ct_x").stdin(Stdio::null());
        let running = Running(command.spawn().unwrap());
        let asked = gateway.join().unwrap();
        drop(running);
        let calls: Vec<_> = asked
            .iter()
            .map(|(request, key, _)| (request.rsplit_once(' ').unwrap().0, key.as_deref()))
            .collect();
        let (listen, say) = (("GET /v1/events", None), ("POST /v1/messages", Some("7")));
        let on = ("GET /v1/events?after=7", None);
        // Refused, heard, refused, heard again, said; and then it goes on behind that.
        assert_eq!(calls, [listen, listen, say, listen, say, on, on]);
        for (before, after) in asked.iter().zip(&asked[1..]) {
            let is_answered = after.0.starts_with("POST");
            let pause = after.2 - before.2;
            assert!(is_answered || pause >= Duration::from_millis(100), "{after:?} at once");
        }
    }
}

/// Answers as Open-Meteo does, to whoever asks; of Bergen, less than it says.
fn open_meteo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            let answer = if asked.starts_with("GET /search?name=San+Diego&") {
                json!({"results": [{"name": "San Diego", "country": "United States",
                    "latitude": 32.71571, "longitude": -117.16472}]})
            } else if asked.starts_with("GET /search?name=Oslo&") {
                json!({"results": [{"latitude": 1, "longitude": 2}]})
            } else if asked.contains("latitude=1&longitude=2") {
                json!({"current": {"temperature_2m": 3}})
            } else if asked.starts_with("GET /search?") {
                json!({"generationtime_ms": 0.4})
            } else {
                assert!(asked.contains("latitude=32.71571&longitude=-117.16472"), "{asked}");
                json!({"current": {"temperature_2m": 21.5, "wind_speed_10m": 9.4}})
            };
            let answer = answer.to_string();
            let is_short = asked.starts_with("GET /search?name=Bergen&");
            let length = answer.len() + usize::from(is_short);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json";
            write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{answer}").unwrap();
        }
    });
    format!("http://{at}")
}

#[test]
fn the_weather_bot_stands_in_a_list_and_tells_the_weather() {
    let gateway = Gateway::start();
    let token = gateway.token("weather");
    let ann = gateway.program(&gateway.token("ann@web"));
    let at = open_meteo();
    let mut bot = python("weather.py");
    bot.env("CITIES", format!("{at}/search")).env("WEATHER", format!("{at}/forecast"));
    let _running = start(&mut bot, &gateway, &token);
    ann.does("PUT /v1/contacts/weather@apps", &json!({}));
    ann.does("POST /v1/contacts/weather@apps/consent", &json!({"step": "request"}));
    ann.waits("GET /v1/contacts", |contacts: &Value| {
        contacts[0]["presence"]
            == json!({"show": "available", "text": "Write me the name of a city."})
    });
    let mut last = 0;
    for (asked, answer) in [
        ("San Diego", "San Diego, United States: 21.5 \u{b0}C, wind 9.4 km/h."),
        ("Oslo", "I cannot find out just now. Please ask me later."),
        ("Bergen", "I cannot find out just now. Please ask me later."),
        ("Xyzzy", "I do not know a city called Xyzzy."),
    ] {
        let sent = ann.does("POST /v1/messages", &json!({"to": "weather@apps", "text": asked}));
        assert_eq!(sent["state"], "delivered");
        assert_eq!(ann.hears(&mut last), answer);
    }
}
