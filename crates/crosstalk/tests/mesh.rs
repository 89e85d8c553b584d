#![allow(clippy::unwrap_used)]
//! `crosstalk mesh`, as two people meet it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const README: &str = include_str!("../../../README.md");
const PATIENCE: Duration = Duration::from_mins(1);

/// A person's machine.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A line, as it is typed into a shell.
    fn types(&self, line: &str) -> Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_crosstalk")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", path).env("XDG_DATA_HOME", self.path());
        shell.current_dir(self.path()).output().unwrap()
    }

    /// Output of a command line that works.
    fn says(&self, line: &str) -> String {
        let output = self.types(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Error message of a command line that does not work.
    fn complains(&self, line: &str) -> String {
        let output = self.types(line);
        assert!(!output.status.success(), "{line}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn run(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosstalk"));
        command.args(["gateway", "--proxy", "127.0.0.1:0"]).env("XDG_DATA_HOME", self.path());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until `crosstalk mesh status` says `what`.
    fn status_says(&self, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Before it runs, this says so and is no success.
            let status = String::from_utf8(self.types("crosstalk mesh status").stdout).unwrap();
            if status.contains(what) {
                return status;
            }
            assert!(Instant::now() < deadline, "no {what:?} in\n{status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The command that the operator gets from this machine.
    fn admission(&self, at: &str) -> String {
        let printed = self.says(&format!("crosstalk mesh id --at {at}"));
        let line = printed.lines().find(|line| line.contains("mesh admit")).unwrap();
        line.trim_start_matches(['#', ' ']).to_owned()
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The commands of the README's section, in order.
fn steps() -> Vec<&'static str> {
    let section = README.split("## Two gateways in five minutes").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section.lines().map(str::trim).filter(|line| line.starts_with("crosstalk ")).collect()
}

#[test]
fn two_people_connect_two_gateways_by_the_readme() {
    let (one, two) = (Home::new(), Home::new());
    let (at_one, at_two) = (free(), free());
    let here = |line: &str| {
        line.replace("one.example.net:7700", &at_one).replace("two.example.net:7700", &at_two)
    };
    let [init, id, admit, join, gateway, status] = steps()[..] else { panic!("{:?}", steps()) };

    one.says(&here(init));
    let printed = two.says(&here(id));
    let (before, after) = admit.split_once("12D3KooW…").unwrap();
    let sent = printed.lines().map(|line| line.trim_start_matches(['#', ' ']));
    let sent = sent.filter(|line| line.starts_with(before)).collect::<Vec<_>>()[0];
    let networks = "aol,jabber,msn";
    assert!(after.contains(networks), "{after}");
    let rest = sent.split_once(" --at").unwrap().1.split_once("--networks").unwrap();
    assert_eq!(format!(" --at{}", rest.0), here(after.split_once("--networks").unwrap().0));
    assert!(sent.ends_with("> mesh.toml") && after.ends_with("> mesh.toml"), "{sent}");
    one.says(sent);
    std::fs::copy(one.path().join("mesh.toml"), two.path().join("mesh.toml")).unwrap();
    two.says(join);
    assert_eq!((gateway, status), ("crosstalk gateway", "crosstalk mesh status"));
    let (_one, _two) = (one.run(), two.run());
    let said = one.status_says("1 of 1 up");
    assert!(said.contains(&at_two) && said.contains("membership version 2"), "{said}");
    assert!(said.contains("People      0 signed on here") && said.contains("Dropped     nothing"));
    two.status_says("1 of 1 up");
}

#[test]
fn a_gateway_is_admitted_and_revoked_while_all_run() {
    let (one, two) = (Home::new(), Home::new());
    one.says(&format!("crosstalk mesh init --at {}", free()));
    let _one = one.run();
    one.status_says("0 of 0 up");
    let door = std::fs::metadata(one.path().join("crosstalk/api.sock")).unwrap();
    assert_eq!(door.permissions().mode() & 0o777, 0o600);
    one.says(&two.admission(&free()));
    std::fs::copy(one.path().join("mesh.toml"), two.path().join("mesh.toml")).unwrap();
    two.says("crosstalk mesh join mesh.toml");
    let _two = two.run();
    let linked = two.status_says("1 of 1 up");
    let id = linked.lines().find_map(|l| l.strip_prefix("Gateway")).unwrap().trim();
    one.status_says("1 of 1 up");
    let network = format!("crosstalk mesh admit {id} --networks aol --until 2999-12-31");
    assert!(one.says(&network).contains("until = \"2999-12-31\""));
    let changed = one.status_says("membership version 3");
    assert!(changed.contains("until     2999-12-31"), "{changed}");
    assert!(one.says(&format!("crosstalk mesh revoke {id}")).contains("version 4"));
    one.status_says("0 of 0 up");
    two.status_says("0 of 1 up");
    assert!(one.complains(&format!("crosstalk mesh revoke {id}")).contains("is no member"));
}

#[test]
fn two_that_cannot_call_each_other_are_told_so() {
    let (one, two, three) = (Home::new(), Home::new(), Home::new());
    one.says(&format!("crosstalk mesh init --at {}", free()));
    for home in [&two, &three] {
        let printed = home.says("crosstalk mesh id");
        let line = printed.lines().find(|line| line.contains("mesh admit")).unwrap();
        one.says(line.trim_start_matches(['#', ' ']));
    }
    for home in [&two, &three] {
        std::fs::copy(one.path().join("mesh.toml"), home.path().join("mesh.toml")).unwrap();
        home.says("crosstalk mesh join mesh.toml");
    }
    let _running = [&one, &two, &three].map(Home::run);
    assert!(!one.status_says("2 of 2 up").contains("impossible"));
    let status = two.status_says("1 of 2 up");
    assert!(status.contains("link      impossible: neither"), "{status}");
}

#[test]
fn complaints_say_what_to_do() {
    let (one, two, three) = (Home::new(), Home::new(), Home::new());
    let at = free();
    assert!(one.complains(&two.admission(&at)).contains("crosstalk mesh init"));
    one.says(&format!("crosstalk mesh init --at {at}"));
    assert!(one.complains("crosstalk mesh init").contains("crosstalk mesh leave"));
    one.says(&two.admission(&at));
    let document = std::fs::read_to_string(one.path().join("mesh.toml")).unwrap();
    let give = |home: &Home, text: &str| std::fs::write(home.path().join("m.toml"), text).unwrap();

    give(&three, &document);
    assert!(three.complains("crosstalk mesh join m.toml").contains("crosstalk mesh id"));
    give(&two, &document.replace("version = 2", "version = 9"));
    assert!(two.complains("crosstalk mesh join m.toml").contains("the signature does not fit"));
    give(&two, "Hi! Here is the file.");
    assert!(two.complains("crosstalk mesh join m.toml").contains("not a membership document"));
    assert!(two.complains("crosstalk mesh join gone.toml").contains("gone.toml"));
    give(&two, &document);
    two.says("crosstalk mesh join - < m.toml");
    two.says("crosstalk mesh join m.toml");
    assert!(two.complains(&three.admission(&at)).contains("only the operator"));
    let status = two.types("crosstalk mesh status");
    assert!(String::from_utf8(status.stdout).unwrap().contains("is not running"));
    assert_eq!(status.status.code(), Some(3));
    two.says("crosstalk mesh leave");
    assert!(two.complains("crosstalk mesh leave").contains("in no mesh"));
    assert!(one.complains("crosstalk mesh admit nobody --networks aol").contains("12D3KooW"));
    let tomorrow = format!("{} --until tomorrow", two.admission(&at).replace("> mesh.toml", ""));
    assert!(one.complains(&tomorrow).contains("2027-11-22"));
    assert!(two.says("crosstalk id").contains("[[mesh.member]]"));
}

#[test]
fn a_second_list_of_members_is_refused() {
    let one = Home::new();
    let member = one.says("crosstalk mesh id");
    std::fs::write(
        one.path().join("gw.toml"),
        format!("[mesh]\nlisten = [\"127.0.0.1:0\"]\n{member}"),
    )
    .unwrap();
    let complaint = one.complains("crosstalk mesh init --config gw.toml");
    assert!(complaint.contains("take out [[mesh.member]]"), "{complaint}");
    one.says("crosstalk mesh init");
    let complaint = one.complains("crosstalk gateway --config gw.toml --proxy 127.0.0.1:0");
    assert!(complaint.contains("keep one of the two"), "{complaint}");
}

#[test]
fn somebody_is_forgotten_whether_the_gateway_runs_or_not() {
    let one = Home::new();
    let said = one.says("crosstalk wipe 'Dave%Example.ORG@jabber.xt'");
    assert!(
        said.starts_with("Forgotten: dave@example.org@jabber") && said.contains("is not running")
    );
    one.says("crosstalk mesh init");
    let _one = one.run();
    one.status_says("0 of 0 up");
    let said = one.says("crosstalk wipe alice@aol");
    assert!(said.starts_with("Forgotten: alice@aol") && !said.contains("is not running"), "{said}");
    assert!(one.complains("crosstalk wipe alice").contains("name@network"));
    assert!(one.complains("crosstalk wipe crosstalk@gateway").contains("nobody's name"));
}
