//! A screen that nobody looks at, for clients with windows.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::{Running, wait_until};

/// Wide and high enough for a buddy list beside a conversation.
const SCREEN: &str = "1000x700x24";

/// Longest wait for a window to come up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Settings of GTK 2 for the look of windows.
const LOOK: &str = "\
gtk-theme-name = \"Adwaita\"
gtk-font-name = \"DejaVu Sans 9\"
gtk-xft-antialias = 1
gtk-xft-hinting = 1
gtk-xft-hintstyle = \"hintslight\"
gtk-xft-rgba = \"none\"
gtk-xft-dpi = 98304
";

/// Settings of Openbox for the frames around windows.
const FRAMES: &str = "\
<openbox_config xmlns=\"http://openbox.org/3.4/rc\"><theme><name>Clearlooks</name>
<titleLayout>LIMC</titleLayout>
<font place=\"ActiveWindow\"><name>DejaVu Sans</name><size>9</size><weight>bold</weight></font>
<font place=\"InactiveWindow\"><name>DejaVu Sans</name><size>9</size><weight>bold</weight></font>
</theme></openbox_config>
";

/// Under this, a program takes itself for the user `nobody`, who may still mount what nobody else
/// sees. Its files stay those of whoever runs the tests.
const NOBODY: &[&str] =
    &["unshare", "--user", "--map-user=65534", "--map-group=65534", "--keep-caps"];

/// An X server of its own, with a window manager and a message bus.
pub struct Desktop {
    directory: PathBuf,
    display: String,
    bus: String,
    /// Arguments before every command on it.
    under: &'static [&'static str],
    // In this order: what needs the X server ends before it.
    _manager: Running,
    _bus: Running,
    _screen: Running,
}

impl Desktop {
    /// Opens one that keeps its files in `directory`.
    pub fn open(directory: PathBuf) -> Self {
        Self::under(&["env"], directory)
    }

    /// Opens one for programs that refuse to be root's.
    pub fn of_nobody(directory: PathBuf) -> Self {
        Self::under(NOBODY, directory)
    }

    fn under(under: &'static [&'static str], directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("gtkrc"), LOOK).unwrap();
        fs::write(directory.join("openbox.xml"), FRAMES).unwrap();
        let mut x = Command::new("Xvfb");
        x.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]);
        let (screen, number) = first_line(x.stderr(Stdio::null()));
        let display = format!(":{number}");
        let mut daemon = Command::new(under[0]);
        daemon.args(&under[1..]).args(["dbus-daemon", "--session", "--nofork"]);
        daemon.stderr(Stdio::null());
        let (bus, address) = first_line(daemon.arg("--print-address=1"));
        let mut openbox = Command::new("openbox");
        openbox.arg("--config-file").arg(directory.join("openbox.xml")).env("DISPLAY", &display);
        let manager = Running::logging(&mut openbox, &directory.join("openbox.log"));
        Self {
            directory,
            display,
            bus: address,
            under,
            _manager: manager,
            _bus: bus,
            _screen: screen,
        }
    }

    /// A command that shows its windows here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.under[0]);
        command.args(&self.under[1..]).arg(program);
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        command.env("GTK2_RC_FILES", self.directory.join("gtkrc")).env("LANG", "C.UTF-8");
        // Nobody here needs a screen reader.
        command.env("NO_AT_BRIDGE", "1").env("GTK_A11Y", "none");
        command
    }

    /// Makes the window whose title is `title` this wide and high, as soon as there is one, and
    /// the one in use.
    pub fn resizes(&self, title: &str, width: u32, height: u32) {
        let (name, [width, height]) =
            (format!("^{title}$"), [width, height].map(|n| n.to_string()));
        let words = ["search", "--onlyvisible", "--name", &name, "windowsize", "--sync"];
        let words = [&words[..], &[&width, &height, "windowactivate"]].concat();
        assert!(wait_until(PATIENCE, || self.xdotool(&words)), "there is no window {title:?}");
    }

    /// Presses a key in the window whose title is `title`, as soon as there is one.
    #[track_caller]
    pub(crate) fn presses(&self, title: &str, key: &str) {
        self.goes_to(title);
        self.xdotool(&["key", key]);
    }

    /// Types `text` and Enter in the window whose title is `title`, as soon as there is one.
    #[track_caller]
    pub(crate) fn types(&self, title: &str, text: &str) {
        self.goes_to(title);
        self.xdotool(&["type", "--delay", "50", text]);
        self.xdotool(&["key", "Return"]);
    }

    #[track_caller]
    fn goes_to(&self, title: &str) {
        let title = format!("^({title})$");
        let words = ["search", "--onlyvisible", "--name", &title, "windowactivate", "--sync"];
        assert!(wait_until(PATIENCE, || self.xdotool(&words)), "there is no window {title:?}");
    }

    fn xdotool(&self, words: &[&str]) -> bool {
        let mut command = self.command("xdotool");
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// Activates what a button or a menu of a GTK program would, by the name that its sources give
    /// to the action, of the program or of its window.
    #[track_caller]
    pub(crate) fn activates(&self, program: &str, action: &str, parameter: &str) {
        let application = format!("/{}", program.replace('.', "/"));
        let window = format!("{application}/window/1");
        let known = |path: &str| {
            let listed = self.calls(program, path, &["List"]);
            listed.is_some_and(|names| names.contains(&format!("'{action}'")))
        };
        let mut object = None;
        let found = wait_until(PATIENCE, || {
            object = [&window, &application].into_iter().find(|path| known(path));
            object.is_some()
        });
        assert!(found, "{program} does not know {action}");
        let words = ["Activate", action, &format!("[{parameter}]"), "{}"];
        assert!(self.calls(program, object.unwrap(), &words).is_some(), "{program}: {action}");
    }

    /// Calls one of the functions by which GTK programs take actions, and returns the answer.
    fn calls(&self, program: &str, object: &str, words: &[&str]) -> Option<String> {
        let mut gdbus = self.command("gdbus");
        gdbus.args(["call", "--session", "--dest", program, "--object-path", object, "--method"]);
        gdbus.arg(format!("org.gtk.Actions.{}", words[0])).args(&words[1..]);
        let output = gdbus.output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Leaves a picture of the whole screen behind when a test fails.
    pub(crate) fn remembers_a_failure(&self) {
        if std::thread::panicking() {
            let file = self.directory.join("screen.png");
            let mut import = self.command("import");
            let _ = import.args(["-silent", "-window", "root"]).arg(file).status();
        }
    }

    /// Takes a picture of the window whose title is `title`, with its frame, as soon as there is
    /// one.
    pub fn picture_of(&self, title: &str) -> PathBuf {
        let file = self.directory.join(format!("{title}.png"));
        let taken = wait_until(PATIENCE, || {
            let mut import = self.command("import");
            import.args(["-silent", "-frame", "-window", title]).arg(&file);
            import.stderr(Stdio::null()).status().unwrap().success()
        });
        assert!(taken, "there is no window {title:?}");
        file
    }
}

/// Puts pictures of windows side by side into `file`, each with its shadow.
pub fn side_by_side(windows: &[PathBuf], file: &Path) {
    let mut convert = Command::new("convert");
    for window in windows {
        convert.arg("(").arg(window);
        convert.args(["(", "+clone", "-background", "black", "-shadow", "40x6+0+3", ")", "+swap"]);
        convert.args(["-background", "none", "-layers", "merge", "+repage", ")"]);
    }
    convert.args(["-background", "none", "-gravity", "north", "+append", "-strip"]);
    convert.args(["-define", "png:compression-level=9"]).arg(file);
    assert!(convert.status().unwrap().success(), "{convert:?}");
}

/// Starts a server that prints where it is, and reads that.
fn first_line(command: &mut Command) -> (Running, String) {
    let mut server = Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(server.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{command:?} did not come up");
    (server, line.trim().to_owned())
}
