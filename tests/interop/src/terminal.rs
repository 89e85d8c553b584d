//! A client that runs in a terminal, and what its screen shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::process::wait_until;

/// Longest wait for a client to show something.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two keys, as a hand needs it.
const HAND: Duration = Duration::from_millis(100);

/// A program in a terminal of its own, which tmux plays.
pub struct Terminal {
    name: String,
    socket: PathBuf,
}

impl Terminal {
    /// Starts `command`, wide enough that no line is broken that a test looks for.
    pub(crate) fn start(name: &str, directory: &Path, command: &Command) -> Self {
        let terminal = Self { name: name.to_owned(), socket: directory.join("tmux") };
        let variables = command
            .get_envs()
            .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)));
        let words = command.get_args().map(|word| word.to_str().unwrap().to_owned());
        let mut tmux = terminal.tmux();
        tmux.args(["-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "60"]);
        tmux.arg("env").args(variables).arg(command.get_program()).args(words);
        // A client that ends leaves what it said on the screen.
        tmux.args([";", "set-option", "remain-on-exit", "on"]);
        let output = run(&mut tmux);
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        terminal
    }

    /// Types a line and presses Enter.
    pub fn types(&self, line: &str) {
        // Of what comes at once, Poezio's roster takes a slash for a key and forgets the rest.
        let rest = line.strip_prefix('/').inspect(|_| {
            run(self.tmux().args(["send-keys", "/"]));
            std::thread::sleep(HAND);
        });
        run(self.tmux().args(["send-keys", "-l", "--", rest.unwrap_or(line)]));
        std::thread::sleep(HAND);
        run(self.tmux().args(["send-keys", "Enter"]));
    }

    /// Waits until the screen shows `text` somewhere.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let shown = wait_until(PATIENCE, || self.screen().contains(text));
        assert!(shown, "{}'s screen never showed {text:?}", self.name);
    }

    /// Text on the screen now.
    pub fn screen(&self) -> String {
        let output = run(self.tmux().args(["capture-pane", "-p"]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u").arg("-S").arg(&self.socket).env("LANG", "C.UTF-8").env_remove("TMUX");
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}'s screen:\n{}", self.name, self.screen());
        }
        // A client that has lost its terminal may look for it for ever.
        let of_client = run(self.tmux().args(["display-message", "-p", "#{pane_pid}"]));
        run(Command::new("kill").arg("-9").arg(String::from_utf8_lossy(&of_client.stdout).trim()));
        run(self.tmux().arg("kill-server"));
    }
}

fn run(command: &mut Command) -> Output {
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?} could not be started: {error}"),
    }
}
