#![allow(clippy::unwrap_used)]
//! The command as its user meets it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

fn crosstalk(words: &[&str], home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosstalk"));
    command.args(words).env("XDG_DATA_HOME", home).current_dir(home);
    command
}

fn run(words: &[&str], home: &Path) -> Output {
    crosstalk(words, home).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A running gateway, and the first thing it said.
fn gateway(home: &Path) -> (Child, String) {
    let mut command = crosstalk(&["gateway", "--proxy", "127.0.0.1:0"], home);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    (child, said)
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

fn exit_code(mut child: Child) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it did not end");
}

#[test]
fn a_gateway_needs_no_configuration_and_ends_on_sigterm() {
    let home = TempDir::new().unwrap();
    let (child, said) = gateway(home.path());
    assert!(said.contains("CrossTalk") && said.contains("is up"), "{said}");
    signal(&child, "TERM");
    assert_eq!(exit_code(child), Some(0));
    assert!(home.path().join("crosstalk").is_dir(), "state goes where XDG says");
}

#[test]
fn check_shows_a_mistake_at_its_line_and_exits_with_2() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("gw.toml"), "[[proxy]]\nlisen = \"127.0.0.1:1080\"\n").unwrap();
    let output = run(&["gateway", "--config", "gw.toml", "--check"], home.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("gw.toml:2:1"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("did you mean `listen`?"));

    std::fs::write(home.path().join("gw.toml"), "[[proxy]]\nlisten = \"127.0.0.1:1080\"\n")
        .unwrap();
    assert!(run(&["gateway", "--config", "gw.toml", "--check"], home.path()).status.success());
}

#[test]
fn check_opens_the_keys_and_certificates_and_writes_nothing() {
    let home = TempDir::new().unwrap();
    let certificate = "[tls]\nterminate = [\"chat.test\"]\n\
         [[tls.certificate]]\nhosts = [\"chat.test\"]\nchain = \"chain\"\nkey = \"key\"\n";
    for (file, content) in [("gw.toml", certificate), ("chain", "none"), ("key", "none")] {
        std::fs::write(home.path().join(file), content).unwrap();
    }
    let complains = |words: &[&str], of: &str| {
        let output = run(words, home.path());
        let complaint = text(&output.stderr);
        assert!(!output.status.success() && complaint.contains(of), "{complaint}");
    };
    complains(&["gateway", "--config", "gw.toml", "--check"], "chain: there is no certificate");
    let terminating = ["gateway", "--terminate", "chat.test", "--check"];
    complains(&terminating, "crosstalk ca init");
    complains(&["gateway", "--log", "loud", "--check"], "log level");

    assert!(run(&["ca", "init"], home.path()).status.success());
    assert!(run(&terminating, home.path()).status.success());
    let made = std::fs::read_dir(home.path().join("crosstalk/ca")).unwrap().count();
    assert_eq!(made, 2, "the key and the certificate that `ca init` made");
}

#[test]
fn a_proxy_is_not_opened_to_strangers() {
    let home = TempDir::new().unwrap();
    let output = run(&["gateway", "--proxy", "0.0.0.0:0"], home.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("whoever can reach 0.0.0.0:0"));
    assert!(text(&output.stderr).contains("`users`"), "{}", text(&output.stderr));
}

#[test]
fn a_port_that_is_taken_is_named_and_exits_with_1() {
    let home = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let output = run(&["gateway", "--proxy", &at], home.path());
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.contains(&at) && complaint.contains("--proxy"), "{complaint}");
}

#[test]
fn a_ca_is_made_once_kept_private_and_exported() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let early = run(&["ca", "export"], home.path());
    assert_eq!(early.status.code(), Some(1));
    assert!(text(&early.stderr).contains("crosstalk ca init"));

    assert!(run(&["ca", "init"], home.path()).status.success());
    let pem = run(&["ca", "export"], home.path()).stdout;
    assert!(text(&pem).starts_with("-----BEGIN CERTIFICATE-----"));
    let key = home.path().join("crosstalk/ca/ca.key").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    assert!(!run(&["ca", "init"], home.path()).status.success(), "a CA is never replaced");
    assert_eq!(run(&["ca", "export"], home.path()).stdout, pem);
}

/// Id of a gateway that nobody knows.
const STRANGER: &str = "12D3KooWQTdpRtDCwjxo2iTxSYwFmGiuVnvLFocn4jPXbGU3yeaZ";

#[test]
fn a_command_that_is_shown_is_about_the_same_gateway() {
    let home = TempDir::new().unwrap();
    let (data, config) = (home.path().join("a b"), home.path().join("gateway.toml"));
    std::fs::write(&config, format!("data = \"{}\"\n", data.display())).unwrap();
    let file = config.to_str().unwrap();
    let hint = format!("`crosstalk ca init --config {file}`");
    for more in
        ["[tls]\nterminate = [\"chat.test\"]", "[api]\nlisten = [\"0.0.0.0:0\"]\nhost = \"a.test\""]
    {
        let whole = home.path().join("more.toml");
        std::fs::write(&whole, format!("data = \"{}\"\n{more}\n", data.display())).unwrap();
        let whole = whole.to_str().unwrap();
        let refused = run(&["gateway", "--check", "--config", whole], home.path());
        let hint = format!("`crosstalk ca init --config {whole}`");
        assert!(text(&refused.stderr).contains(&hint), "{}", text(&refused.stderr));
    }
    let (place, quoted) = (data.to_str().unwrap(), format!("'{}'", data.display()));
    for (words, advised) in [
        (&["gateway", "--terminate", "chat.test", "--check"][..], "ca init"),
        (&["gateway", "--terminate", "chat.test"], "ca init"),
        (&["api", "invite", "ann"], "gateway"),
        (&["mesh", "revoke", STRANGER], "mesh init"),
        (&["api", "token", "revoke", "none"], "api token list"),
    ] {
        let refused = run(&[words, &["--data", place]].concat(), home.path());
        let hint = format!("`crosstalk {advised} --data {quoted}`");
        assert!(text(&refused.stderr).contains(&hint), "{}", text(&refused.stderr));
    }
    let early = run(&["ca", "export", "--config", file], home.path());
    assert!(text(&early.stderr).contains(&hint));
    let made = run(&["ca", "init", "--config", file], home.path());
    let shown = text(&made.stdout);
    assert!(shown.contains(&format!(": crosstalk ca export --config {file} > ")), "{shown}");
    let pem = run(&["ca", "export", "--config", file], home.path()).stdout;
    assert!(text(&pem).starts_with("-----BEGIN CERTIFICATE-----"));
    let id = run(&["mesh", "id", "--data", data.to_str().unwrap()], home.path());
    let at = format!("crosstalk mesh id --data '{}' --at ", data.display());
    assert!(text(&id.stdout).contains(&at), "{}", text(&id.stdout));
}

#[test]
fn the_lines_that_id_prints_are_a_member_for_another_gateway() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let printed = run(&["id"], here.path()).stdout;
    assert_eq!(run(&["id"], here.path()).stdout, printed, "the id stays");
    let config = format!("[mesh]\nlisten = [\"127.0.0.1:0\"]\n{}", text(&printed));
    std::fs::write(there.path().join("gw.toml"), &config).unwrap();
    let output = run(&["gateway", "--config", "gw.toml", "--check"], there.path());
    assert!(output.status.success(), "{config}\n{}", text(&output.stderr));
}

#[test]
fn a_second_signal_does_not_wait_for_sessions() {
    let home = TempDir::new().unwrap();
    std::fs::write(
        home.path().join("gw.toml"),
        "[[proxy]]\nlisten = \"127.0.0.1:0\"\n[limits]\ndrain = \"1h\"\n",
    )
    .unwrap();
    let mut command = crosstalk(&["gateway", "--config", "gw.toml"], home.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let port = proxy_port(&mut child);
    let mut session = TcpStream::connect(("127.0.0.1", port)).unwrap();
    session.write_all(b"\x05\x01\x00").unwrap();
    session.read_exact(&mut [0; 2]).unwrap();
    signal(&child, "INT");
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    signal(&child, "INT");
    assert_eq!(exit_code(child), Some(130), "0 is for a gateway that waited for nobody");
}

#[test]
fn exit_codes_and_json_tell_programs_how_the_gateway_is() {
    let home = TempDir::new().unwrap();
    let config = "[[proxy]]\nlisten = \"127.0.0.1:0\"\n[limits]\ndrain = \"1h\"\n\
                  handshake = \"1h\"\n";
    std::fs::write(home.path().join("gw.toml"), config).unwrap();
    let status = || {
        let output = run(&["mesh", "status", "--json", "--config", "gw.toml"], home.path());
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), said["is_running"].clone(), said["is_draining"].clone())
    };
    assert_eq!(status(), (Some(3), false.into(), false.into()));
    let mut command = crosstalk(&["gateway", "--config", "gw.toml"], home.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let port = proxy_port(&mut child);
    assert_eq!(status(), (Some(0), true.into(), false.into()));
    let wipe = ["wipe", "alice@aol", "--json", "--config", "gw.toml"];
    let wiped = run(&wipe, home.path());
    assert_eq!(
        (wiped.status.code(), text(&wiped.stdout)),
        (Some(0), "{\n  \"name\": \"alice@aol\"\n}\n")
    );
    let mut session = TcpStream::connect(("127.0.0.1", port)).unwrap();
    session.write_all(b"\x05\x01\x00").unwrap();
    session.read_exact(&mut [0; 2]).unwrap();
    signal(&child, "TERM");
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    assert_eq!(status(), (Some(4), true.into(), true.into()));
    let wiped = run(&wipe, home.path());
    assert_eq!(wiped.status.code(), Some(4));
    assert!(text(&wiped.stderr).contains("is stopping"), "{}", text(&wiped.stderr));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(status().0, Some(3));
}

#[test]
fn a_token_is_made_listed_and_revoked_whether_the_gateway_runs_or_not() {
    let home = TempDir::new().unwrap();
    let token = |words: &[&str]| run(&[&["api", "token"], words].concat(), home.path());
    let made = token(&["make", "Weather", "--scopes", "send,read"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let secret = text(&made.stdout).trim().to_owned();
    assert!(secret.starts_with("ct_") && text(&made.stderr).contains("weather@apps"));
    let (child, _) = gateway(home.path());
    let listed = token(&["list"]);
    let line = text(&listed.stdout).lines().find(|line| line.ends_with("weather@apps  send,read"));
    let id = line.unwrap().split(' ').next().unwrap().to_owned();
    let second = token(&["make", "ann@web", "--json"]);
    let second: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(second["who"], "ann@web");
    assert_eq!(token(&["revoke", &id]).status.code(), Some(0));
    let gone = token(&["revoke", &id]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("crosstalk api token list"), "{}", text(&gone.stderr));
    signal(&child, "TERM");
    assert_eq!(exit_code(child), Some(0));
    let revoked = token(&["revoke", second["id"].as_str().unwrap(), "--json"]);
    let revoked: serde_json::Value = serde_json::from_slice(&revoked.stdout).unwrap();
    assert_eq!(revoked, serde_json::json!({"id": second["id"]}));
    assert!(text(&token(&["list"]).stdout).contains("There are no tokens"));
    for nobody in ["alice@aol", "a b", ""] {
        assert_eq!(token(&["make", nobody]).status.code(), Some(2), "{nobody}");
    }
    let scopes = token(&["make", "x", "--scopes", "all"]);
    assert!(text(&scopes.stderr).contains("the scopes are send"), "{}", text(&scopes.stderr));
}

#[test]
fn an_invite_is_a_link_of_a_running_gateway_that_a_browser_can_reach() {
    let home = TempDir::new().unwrap();
    let invite = |words: &[&str]| run(&[&["api", "invite"], words].concat(), home.path());
    assert_eq!(invite(&["ann"]).status.code(), Some(3), "it is the running gateway's");
    let (child, _) = gateway(home.path());
    let nowhere = invite(&["ann"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("`[api]`"), "{}", text(&nowhere.stderr));
    assert_eq!(invite(&["ann", "--hours", "0"]).status.code(), Some(2));
    signal(&child, "TERM");
    assert_eq!(exit_code(child), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_gateway_may_open_as_many_files_as_its_connections_need_or_the_system_allows() {
    let home = TempDir::new().unwrap();
    let limited = "ulimit -Sn 64; ulimit -Hn 2000; exec \"$0\" gateway --proxy 127.0.0.1:0";
    let mut shell = Command::new("sh");
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_crosstalk")]).env("XDG_DATA_HOME", home.path());
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    proxy_port(&mut child);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    signal(&child, "TERM");
    assert_eq!(exit_code(child), Some(0));
    let soft = limits.lines().find(|l| l.starts_with("Max open files")).unwrap();
    assert_eq!(soft.split_whitespace().nth(3), Some("2000"), "{limits}");
}

/// The proxy's port, as the gateway says it.
fn proxy_port(child: &mut Child) -> u16 {
    let mut said = String::new();
    let mut stdout = child.stdout.take().unwrap();
    while !said.contains("Ctrl-C") {
        let mut some = [0; 512];
        let n = stdout.read(&mut some).unwrap();
        said.push_str(text(&some[..n]));
        assert!(n > 0, "{said}");
    }
    let port = said.split("port ").nth(1).unwrap();
    port.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[test]
fn the_demo_plays_to_its_end() {
    let home = TempDir::new().unwrap();
    let output = run(&["demo", "--messages", "3"], home.path());
    let (story, complaint) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{story}\n{complaint}");
    assert!(story.contains("All of it worked") && !story.contains('\x1b'), "{story}");
}
