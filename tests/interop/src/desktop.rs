//! A screen that nobody looks at, for clients with windows.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::{Running, wait_until};

/// Wide and high enough for a buddy list beside a conversation.
const SCREEN: &str = "1000x700x24";

/// How long a window may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What GTK 2 windows look like.
const LOOK: &str = "\
gtk-theme-name = \"Adwaita\"
gtk-font-name = \"DejaVu Sans 9\"
gtk-xft-antialias = 1
gtk-xft-hinting = 1
gtk-xft-hintstyle = \"hintslight\"
gtk-xft-rgba = \"none\"
gtk-xft-dpi = 98304
";

/// What frames around windows look like.
const FRAMES: &str = "\
<openbox_config xmlns=\"http://openbox.org/3.4/rc\"><theme><name>Clearlooks</name>
<titleLayout>LIMC</titleLayout>
<font place=\"ActiveWindow\"><name>DejaVu Sans</name><size>9</size><weight>bold</weight></font>
<font place=\"InactiveWindow\"><name>DejaVu Sans</name><size>9</size><weight>bold</weight></font>
</theme></openbox_config>
";

/// An X server of its own, with a window manager and a message bus.
pub struct Desktop {
    directory: PathBuf,
    display: String,
    bus: String,
    // In this order: what needs the X server ends before it.
    _manager: Running,
    _bus: Running,
    _screen: Running,
}

impl Desktop {
    /// Opens one that keeps its files in `directory`.
    pub fn open(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("gtkrc"), LOOK).unwrap();
        fs::write(directory.join("openbox.xml"), FRAMES).unwrap();
        let mut x = Command::new("Xvfb");
        x.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]);
        let (screen, number) = first_line(x.stderr(Stdio::null()));
        let display = format!(":{number}");
        let mut daemon = Command::new("dbus-daemon");
        let (bus, address) =
            first_line(daemon.args(["--session", "--nofork", "--print-address=1"]));
        let mut openbox = Command::new("openbox");
        openbox.arg("--config-file").arg(directory.join("openbox.xml")).env("DISPLAY", &display);
        let manager = Running::logging(&mut openbox, &directory.join("openbox.log"));
        Self { directory, display, bus: address, _manager: manager, _bus: bus, _screen: screen }
    }

    /// A command that shows its windows here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        command.env("GTK2_RC_FILES", self.directory.join("gtkrc")).env("LANG", "C.UTF-8");
        command
    }

    /// Makes the window whose title is `title` this wide and high, as soon as there is one, and
    /// the one in use.
    pub fn resizes(&self, title: &str, width: u32, height: u32) {
        let size = [width.to_string(), height.to_string()];
        let done = wait_until(PATIENCE, || {
            let mut xdotool = self.command("xdotool");
            xdotool.args(["search", "--onlyvisible", "--name", &format!("^{title}$")]);
            xdotool.args(["windowsize", "--sync"]).args(&size).arg("windowactivate");
            xdotool.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        });
        assert!(done, "there is no window {title:?}");
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
