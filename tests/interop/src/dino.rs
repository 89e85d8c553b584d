//! Dino, with its window. It is told over D-Bus what a button would tell it, and typed into; its
//! database says what it showed.

use std::path::PathBuf;
use std::process::Command;

use crate::desktop::PATIENCE;
use crate::jabber_clients::Account;
use crate::process::{Running, wait_until};
use crate::trusting::trusting;
use crate::{Desktop, Route, sqlite};

/// The name of its program on the message bus.
const PROGRAM: &str = "im.dino.Dino";

/// Dino, with one account.
pub struct Dino<'a> {
    desktop: &'a Desktop,
    database: PathBuf,
    _process: Running,
}

impl<'a> Dino<'a> {
    /// Starts it, signing on through the desktop's proxy: it has no setting of its own.
    pub(crate) fn start(account: &Account<'_>, desktop: &'a Desktop) -> Self {
        let Route::Socks(proxy, ..) = account.way else { panic!("Dino goes to its domain") };
        account.writes(
            ".config/glib-2.0/settings/keyfile",
            &format!(
                "[system/proxy]\nmode='manual'\n\n\
                 [system/proxy/socks]\nhost='127.0.0.1'\nport={proxy}\n"
            ),
        );
        let database = account.home.join(".local/share/dino/dino.db");
        let log = account.home.join("dino.log");
        // It makes its tables when it starts for the first time.
        let mut command = dino(account, desktop);
        let first = Running::logging(&mut command, &log);
        let count = "SELECT count(*) FROM account";
        let made = wait_until(PATIENCE, || sqlite::query(&database, count) == "0\n");
        assert!(made, "Dino made no database; its log is {}", log.display());
        drop(first);
        let Account { jid, password, .. } = account;
        sqlite::execute(
            &database,
            &format!(
                "INSERT INTO account (bare_jid, resourcepart, password, alias, enabled)
                 VALUES ('{jid}', 'dino', '{password}', '', 1)"
            ),
        );
        let process = Running::logging(&mut dino(account, desktop), &log);
        Self { desktop, database, _process: process }
    }

    /// Waits until it shows that `name` asks to see whether its user is there, and presses
    /// *Accept*.
    #[track_caller]
    pub fn accepts(&self, name: &str) {
        let conversation = self.conversation(name);
        self.desktop.activates(PROGRAM, "accept-subscription", &format!("<{conversation}>"));
    }

    /// Types `text` into the conversation with `name`.
    #[track_caller]
    pub fn says(&self, name: &str, text: &str) {
        let conversation = self.conversation(name);
        self.desktop.activates(PROGRAM, "open-conversation", &format!("<{conversation}>"));
        self.desktop.types("Dino|.*@.*", text);
    }

    /// Waits until the conversation with `name` holds what they wrote, `texts` and nothing else.
    #[track_caller]
    pub fn reads(&self, name: &str, texts: &[&str]) {
        let mut read = String::new();
        let query = format!(
            "SELECT body FROM message JOIN jid ON jid.id = counterpart_id
             WHERE bare_jid = '{name}' AND direction = 0 ORDER BY message.id"
        );
        let done = wait_until(PATIENCE, || {
            read = sqlite::query(&self.database, &query);
            read.lines().eq(texts.iter().copied())
        });
        assert!(done, "Dino shows of {name}: {read:?}");
    }

    /// The number of the conversation with `name`, as soon as there is one.
    #[track_caller]
    fn conversation(&self, name: &str) -> i32 {
        let mut number = None;
        let query = format!(
            "SELECT conversation.id FROM conversation JOIN jid ON jid.id = jid_id
             WHERE bare_jid = '{name}'"
        );
        let there = wait_until(PATIENCE, || {
            number = sqlite::query(&self.database, &query).trim().parse().ok();
            number.is_some()
        });
        assert!(there, "Dino shows no conversation with {name}");
        number.unwrap()
    }
}

impl Drop for Dino<'_> {
    fn drop(&mut self) {
        self.desktop.remembers_a_failure();
    }
}

fn dino(account: &Account<'_>, desktop: &Desktop) -> Command {
    let mut command = trusting(account.ca, desktop);
    command.args(["dino-im", "--print-xmpp", "all"]);
    command.env("HOME", account.home).env("XDG_CURRENT_DESKTOP", "GNOME");
    command.env("GSETTINGS_BACKEND", "keyfile").env("GSK_RENDERER", "cairo");
    command
}
