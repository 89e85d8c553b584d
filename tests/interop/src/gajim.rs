//! Gajim, with its windows. It is told over D-Bus what to do, as its own `gajim-remote` does, and
//! its files and its log say what it showed.

use std::path::PathBuf;
use std::process::Command;

use crate::desktop::PATIENCE;
use crate::jabber_clients::Account;
use crate::process::{Running, wait_until};
use crate::trusting::trusting;
use crate::{Desktop, Route, sqlite};

/// Name of the account in Gajim.
const ACCOUNT: &str = "mine";

/// Database that Gajim makes when it starts for the first time.
const SETTINGS: &str = "
CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);
CREATE TABLE account_settings (account TEXT UNIQUE, settings TEXT);
INSERT INTO settings VALUES ('soundevents', '{}'), ('status_presets', '{}'), ('plugins', '{}'),
 ('workspaces', '{\"69a64a0d-3ea5-4ec0-ac77-9a1a2ac8f9a2\": {}}');
PRAGMA user_version=5;
";

/// Gajim, with one account.
pub struct Gajim<'a> {
    desktop: &'a Desktop,
    home: PathBuf,
    _process: Running,
}

impl<'a> Gajim<'a> {
    /// Starts it, signing on through the proxy that the account's settings name.
    pub(crate) fn start(account: &Account<'_>, desktop: &'a Desktop) -> Self {
        let Route::Socks(proxy, ..) = account.way else { panic!("Gajim goes to its domain") };
        let (name, host) = account.jid.split_once('@').unwrap();
        let password = account.password;
        let settings = account.writes(".config/gajim/settings.sqlite", "");
        sqlite::execute(&settings, SETTINGS);
        sqlite::execute(
            &settings,
            &format!(
                "INSERT INTO settings VALUES
                 ('app', '{{\"use_keyring\": false, \"remote_control\": true}}'),
                 ('proxies', '{{\"gateway\": {{\"type\": \"socks5\", \"host\": \"127.0.0.1\",
                  \"port\": {proxy}}}}}');
                 INSERT INTO account_settings VALUES ('{ACCOUNT}', '{{\"account\":
                  {{\"name\": \"{name}\", \"hostname\": \"{host}\", \"password\": \"{password}\",
                  \"savepass\": true, \"active\": true, \"proxy\": \"gateway\"}},
                  \"contact\": {{}}, \"group_chat\": {{}}}}');"
            ),
        );
        let mut command = trusting(account.ca, desktop);
        command.args(["gajim", "--loglevel", "gajim=INFO"]).env("HOME", account.home);
        let log = account.home.join("gajim.log");
        let process = Running::logging(&mut command, &log);
        let gajim = Self { desktop, home: account.home.to_owned(), _process: process };
        let signed_on = wait_until(PATIENCE, || gajim.status() == "online");
        assert!(signed_on, "Gajim did not sign on; its log is {}", log.display());
        gajim
    }

    fn status(&self) -> String {
        self.remote(&["get_status", ACCOUNT]).unwrap_or_default()
    }

    /// Waits until it shows that `name` asks to see whether its user is there.
    #[track_caller]
    pub fn is_asked_by(&self, name: &str) {
        self.notes(&format!("Received Subscribe: {name},"));
    }

    /// Presses *Accept* beside the request of `name`, and adds them in the window that this opens.
    pub fn accepts(&self, name: &str) {
        let action = format!("subscription-accept-{ACCOUNT}");
        self.desktop.activates("org.gajim.Gajim", &action, &format!("<['{name}', '']>"));
        self.desktop.presses("Add Contact", "Return");
        // It asks what Alice's client is before it goes on to the next page.
        self.notes(&format!("Disco Info received: {name}\n"));
        self.desktop.presses("Add Contact", "Return");
    }

    /// Writes `text` to `name`.
    pub fn says(&self, name: &str, text: &str) {
        let said = self.remote(&["send_chat_message", name, text, ACCOUNT]);
        assert_eq!(said.as_deref(), Some("True"), "Gajim did not write to {name}");
    }

    /// Shows itself so to its contacts.
    pub fn changes_status(&self, show: &str, text: &str) {
        assert!(self.remote(&["change_status", show, text, ACCOUNT]).is_some());
    }

    /// Waits until the conversation with `name` holds what they wrote, `texts` and nothing else.
    #[track_caller]
    pub fn reads(&self, name: &str, texts: &[&str]) {
        let database = self.home.join(".local/share/gajim/logs.db");
        let mut read = String::new();
        // Gajim's number for a message in a chat that came.
        let query = format!(
            "SELECT message FROM logs NATURAL JOIN jids WHERE jid = '{name}' AND kind = 4
             ORDER BY log_line_id"
        );
        let done = wait_until(PATIENCE, || {
            read = sqlite::query(&database, &query);
            read.lines().eq(texts.iter().copied())
        });
        assert!(done, "Gajim shows of {name}: {read:?}");
    }

    #[track_caller]
    fn notes(&self, text: &str) {
        let log = self.home.join("gajim.log");
        let read = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(wait_until(PATIENCE, || read().contains(text)), "Gajim never noted {text:?}");
    }

    /// Asks the running one, by the program that comes with it.
    fn remote(&self, words: &[&str]) -> Option<String> {
        let mut command: Command = self.desktop.command("gajim-remote");
        let output = command.args(words).env("HOME", &self.home).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }
}

impl Drop for Gajim<'_> {
    fn drop(&mut self) {
        self.desktop.remembers_a_failure();
    }
}
