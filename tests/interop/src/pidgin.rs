//! Pidgin itself, with its windows. It is asked what it shows, and told what to do, over D-Bus.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::process::{Running, wait_until};
use crate::{Desktop, Route, peer};

/// Longest wait for a client to show something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A buddy list of a size that suits a picture.
const WINDOW: &str = "<?xml version='1.0' encoding='UTF-8'?>
<pref version='1' name='/'>
 <pref name='purple'>
  <pref name='savedstatus'><pref name='startup_current_status' type='bool' value='1'/></pref>
  <pref name='logging'><pref name='log_ims' type='bool' value='0'/></pref>
 </pref>
 <pref name='pidgin'>
  <pref name='blist'>
   <pref name='x' type='int' value='20'/><pref name='y' type='int' value='40'/>
   <pref name='width' type='int' value='280'/><pref name='height' type='int' value='450'/>
   <pref name='list_visible' type='bool' value='1'/>
  </pref>
 </pref>
</pref>
";

/// Time for which Pidgin shows a buddy as having just come, in place of the status.
pub const JUST_COME: Duration = Duration::from_secs(10);

/// Pidgin, with one account.
pub struct Pidgin<'a> {
    desktop: &'a Desktop,
    account: String,
    _process: Running,
}

impl<'a> Pidgin<'a> {
    /// Starts it with an AIM account, which signs on at once.
    pub fn at_aim(
        name: &str,
        password: &str,
        way: &Route,
        home: &Path,
        desktop: &'a Desktop,
    ) -> Self {
        let aim = peer("aim");
        fs::create_dir_all(home.join("plugins")).unwrap();
        fs::copy(aim.join("libaim.so"), home.join("plugins/libaim.so")).unwrap();
        fs::write(home.join("prefs.xml"), WINDOW).unwrap();
        fs::write(home.join("accounts.xml"), aim_account(name, password, way)).unwrap();
        let mut command = desktop.command("pidgin");
        command.arg("--config").arg(home).env("LD_LIBRARY_PATH", &aim);
        let process = Running::logging(&mut command, &home.join("pidgin.log"));
        let mut pidgin = Self { desktop, account: String::new(), _process: process };
        let signed_on = wait_until(PATIENCE, || {
            let accounts = pidgin.try_asks("PurpleAccountsGetAllActive", &[]);
            pidgin.account = accounts.as_deref().and_then(number).unwrap_or_default();
            !pidgin.account.is_empty()
                && pidgin.asks("PurpleAccountIsConnected", &[("int32", &pidgin.account)]) != "0"
        });
        assert!(signed_on, "Pidgin did not sign on; its log is in {}", home.display());
        pidgin
    }

    /// Waits until the buddy list shows `name` so, with this text if `status` is not empty.
    #[track_caller]
    pub fn finds(&self, name: &str, alias: &str, online: bool, status: &str) {
        let mut found = (String::new(), false, String::new());
        let shown = wait_until(PATIENCE, || {
            found = self.shows(name);
            found.0 == alias && found.1 == online && found.2.contains(status)
        });
        assert!(shown, "Pidgin shows {name} as {found:?}");
    }

    /// Alias of `name` in the buddy list, whether online, and status text.
    fn shows(&self, name: &str) -> (String, bool, String) {
        let found = self.asks("PurpleFindBuddy", &[("int32", &self.account), ("string", name)]);
        let buddy = [("int32", found.as_str())];
        let presence = self.asks("PurpleBuddyGetPresence", &buddy);
        let presence = [("int32", presence.as_str())];
        let status = self.asks("PurplePresenceGetActiveStatus", &presence);
        let text = [("int32", status.as_str()), ("string", "message")];
        (
            self.asks("PurpleBuddyGetAlias", &buddy),
            self.asks("PurplePresenceIsOnline", &presence) == "1",
            self.asks("PurpleStatusGetAttrString", &text),
        )
    }

    /// Writes `html` to `name`, in its conversation.
    pub fn says(&self, name: &str, html: &str) {
        let conversation = self.conversation(name);
        let im = self.asks("PurpleConvIm", &[("int32", &conversation)]);
        self.asks("PurpleConvImSend", &[("int32", &im), ("string", html)]);
    }

    /// Waits until the conversation with `name` shows these texts, the newest last.
    #[track_caller]
    pub fn reads(&self, name: &str, texts: &[&str]) {
        let mut lines = Vec::new();
        let read = wait_until(PATIENCE, || {
            lines = self.lines(name);
            lines.len() == texts.len() && lines.iter().zip(texts).all(|(l, t)| l.contains(t))
        });
        assert!(read, "the conversation with {name} shows {lines:?}");
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let conversation = [("int32", &*self.conversation(name))];
        // There is none before the first message.
        let history = self.try_asks("PurpleConversationGetMessageHistory", &conversation);
        let history = history.unwrap_or_default();
        let ids: Vec<&str> = history.split_whitespace().filter(|word| is_number(word)).collect();
        let text = |id| self.asks("PurpleConversationMessageGetMessage", &[("int32", id)]);
        // The newest comes first.
        ids.into_iter().rev().map(text).collect()
    }

    fn conversation(&self, name: &str) -> String {
        let im = [("int32", "1"), ("string", name), ("int32", &self.account)];
        self.asks("PurpleFindConversationWithAccount", &im)
    }

    /// Waits until `name` is shown as typing.
    #[track_caller]
    pub fn sees_typing(&self, name: &str) {
        let typing = wait_until(PATIENCE, || {
            let im = self.asks("PurpleConvIm", &[("int32", &self.conversation(name))]);
            self.asks("PurpleConvImGetTypingState", &[("int32", &im)]) == "1"
        });
        assert!(typing, "Pidgin does not show that {name} is typing");
    }

    #[track_caller]
    fn asks(&self, function: &str, arguments: &[(&str, &str)]) -> String {
        let answer = self.try_asks(function, arguments);
        answer.unwrap_or_else(|| panic!("Pidgin has no answer to {function} {arguments:?}"))
    }

    /// Calls a function of libpurple; numbers are given back as digits.
    fn try_asks(&self, function: &str, arguments: &[(&str, &str)]) -> Option<String> {
        let mut command = self.desktop.command("dbus-send");
        command.args(["--session", "--print-reply=literal"]);
        command.args(["--dest=im.pidgin.purple.PurpleService", "/im/pidgin/purple/PurpleObject"]);
        command.arg(format!("im.pidgin.purple.PurpleInterface.{function}"));
        command.args(arguments.iter().map(|(kind, value)| format!("{kind}:{value}")));
        let output = command.stderr(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let bare = ["int32 ", "uint32 "].iter().find_map(|kind| text.strip_prefix(kind));
        output.status.success().then(|| bare.map_or(text.clone(), str::to_owned))
    }
}

/// The last number in `text`.
fn number(text: &str) -> Option<String> {
    text.split_whitespace().rfind(|word| is_number(word)).map(str::to_owned)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn aim_account(name: &str, password: &str, way: &Route) -> String {
    let (host, port, proxy) = match way {
        Route::Socks(proxy, host, port) => {
            (host, port, format!("<type>socks5</type><host>127.0.0.1</host><port>{proxy}</port>"))
        }
        Route::Direct(host, port) => (host, port, "<type>none</type>".to_owned()),
    };
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>
<account version='1.0'><account>
 <protocol>prpl-aim</protocol><name>{name}</name><password>{password}</password>
 <settings>
  <setting name='server' type='string'>{host}</setting>
  <setting name='port' type='int'>{port}</setting>
  <setting name='encryption' type='string'>no_encryption</setting>
  <setting name='login_type' type='string'>md5_login</setting>
 </settings>
 <settings ui='gtk-gaim'><setting name='auto-login' type='bool'>1</setting></settings>
 <proxy>{proxy}</proxy>
</account></account>
"
    )
}
