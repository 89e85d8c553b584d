//! Software that we did not write, for interop tests to talk to: libpurple with its AIM plugin,
//! slixmpp, Profanity, Poezio, go-sendxmpp, Prosody and ejabberd; schemathesis for the API; `HAProxy`; proxychains for clients that
//! know no proxy, tmux for those that want a terminal, and strace, which counts system calls.
//!
//! Everything but Debian packages is put under the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::Outcome;

/// Debian packages that must be installed.
const PACKAGES: &[&str] = &[
    "ca-certificates",
    "ejabberd",
    "gcc",
    "go-sendxmpp",
    "haproxy",
    "libc6-dev",
    "pkg-config",
    "libpurple0",
    "libpurple-dev",
    "poezio",
    "profanity",
    "prosody",
    "prosody-modules",
    "proxychains4",
    "python3",
    "python3-venv",
    "strace",
    "tmux",
];

/// The newest Debian release whose libpurple has the AIM plugin.
const AIM_SUITE: &str = "bullseye";

/// Directory of the peers, once [`install`] has been called.
pub(crate) fn directory(root: &Path) -> PathBuf {
    crate::target(root).join("peers")
}

/// Installs what is missing. Does nothing, quickly, when nothing is.
pub(crate) fn install(root: &Path) -> Result<PathBuf, String> {
    let peers = directory(root);
    let sources = root.join("tests/interop/drivers");
    fs::create_dir_all(&peers).map_err(|e| format!("{}: {e}", peers.display()))?;
    packages(PACKAGES)?;
    aim_plugin(&peers)?;
    purple_driver(&sources, &peers)?;
    python(&sources.join("requirements.txt"), &peers.join("venv"))?;
    python(&sources.join("schemathesis.txt"), &peers.join("schemathesis"))?;
    println!("peers are ready in {}", peers.display());
    Ok(peers)
}

/// Installs those of these Debian packages that are missing.
pub(crate) fn packages(names: &[&str]) -> Outcome {
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = || {
        format!(
            "this needs Debian packages, and is neither root nor allowed to use sudo without a \
             password. Install them by hand:\n  apt-get install {}\n\
             or, in `cargo xtask test`, leave interop out with --no-interop",
            missing.join(" ")
        )
    };
    let mut apt = as_root().ok_or_else(by_hand)?;
    run(apt.args(["apt-get", "-q", "update"]))?;
    let mut apt = as_root().ok_or_else(by_hand)?;
    run(apt.args(["apt-get", "-q", "install", "--yes", "--no-install-recommends"]).args(&missing))
}

fn is_installed(package: &str) -> bool {
    let status = quiet(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]));
    status.is_ok_and(|text| text == "install ok installed")
}

/// `env` with the rights of root, to put a command behind; `None` without a way to get them.
pub(crate) fn as_root() -> Option<Command> {
    let mut command = if quiet(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0") {
        Command::new("env")
    } else {
        quiet(Command::new("sudo").args(["-n", "true"])).ok()?;
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env"]);
        sudo
    };
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Some(command)
}

/// Takes `libaim.so` and what it needs out of an older release's package, without installing it.
fn aim_plugin(peers: &Path) -> Outcome {
    let plugin = peers.join("aim/libaim.so");
    if plugin.exists() {
        return Ok(());
    }
    let apt = peers.join("apt");
    fs::create_dir_all(apt.join("lists")).map_err(|e| format!("{}: {e}", apt.display()))?;
    let list = apt.join("sources.list");
    fs::write(&list, format!("deb {} {AIM_SUITE} main\n", mirror()?))
        .map_err(|e| format!("{}: {e}", list.display()))?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.current_dir(&apt).arg("-q").args(["-o", "Acquire::Retries=3"]);
        for (option, value) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::Etc::sourceparts", "/dev/null"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "."),
        ] {
            let value = if value.starts_with('/') { value.into() } else { apt.join(value) };
            command.arg("-o").arg(format!("{option}={}", value.display()));
        }
        // Nothing here needs root, nor the user that apt would switch to.
        command.args(["-o", "APT::Sandbox::User=root"]);
        command
    };
    run(apt_get().arg("update"))?;
    run(apt_get().args(["download", &format!("libpurple0/{AIM_SUITE}")]))?;
    let archive = find(&apt, "libpurple0_")?;
    run(Command::new("dpkg").arg("-x").arg(&archive).arg(&apt))?;
    fs::create_dir_all(peers.join("aim")).map_err(|e| e.to_string())?;
    for name in ["liboscar.so.0", "libaim.so"] {
        let from = apt.join("usr/lib/purple-2").join(name);
        fs::copy(&from, peers.join("aim").join(name))
            .map_err(|e| format!("{}: {e}", from.display()))?;
    }
    Ok(())
}

/// The mirror that this machine gets Debian from.
pub(crate) fn mirror() -> Result<String, String> {
    let format = "$(ORIGIN) $(LABEL) $(REPO_URI)";
    let targets = quiet(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let mirror = targets.lines().find_map(|line| line.strip_prefix("Debian Debian "));
    mirror.map(str::to_owned).ok_or_else(|| {
        format!(
            "no Debian mirror is configured (or apt-get update never ran), so the AIM plugin \
             cannot be fetched from Debian {AIM_SUITE}. Run this on Debian, or leave interop \
             out with --no-interop"
        )
    })
}

fn purple_driver(sources: &Path, peers: &Path) -> Outcome {
    let (source, driver) = (sources.join("purple"), peers.join("purple"));
    let mut files = Vec::new();
    for entry in fs::read_dir(&source).map_err(|e| format!("{}: {e}", source.display()))? {
        files.push(entry.map_err(|e| e.to_string())?.path());
    }
    let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
    if files.iter().all(|file| changed(file) < changed(&driver)) {
        return Ok(());
    }
    let flags = quiet(Command::new("pkg-config").args(["--cflags", "--libs", "purple"]))?;
    let sources = files.iter().filter(|file| file.extension().is_some_and(|e| e == "c"));
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=gnu11", "-O1", "-Wall", "-Werror", "-Wno-cast-function-type", "-o"]);
    run(gcc.arg(&driver).args(sources).args(flags.split_whitespace()))
}

/// Puts packages of Python, those that a file lists, into an environment of their own.
pub(crate) fn python(requirements: &Path, venv: &Path) -> Outcome {
    let done = venv.join("requirements.txt");
    let wanted = fs::read(requirements).map_err(|e| e.to_string())?;
    if fs::read(&done).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut pip = Command::new(venv.join("bin/pip"));
    run(pip.args(["install", "--quiet", "--no-deps", "--requirement"]).arg(requirements))?;
    fs::write(&done, wanted).map_err(|e| e.to_string())
}

fn find(directory: &Path, prefix: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(directory).map_err(|e| e.to_string())?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = names.into_iter().find(|name| name.starts_with(prefix));
    name.map(|name| directory.join(name))
        .ok_or_else(|| format!("nothing was downloaded to {}", directory.display()))
}

/// Runs a command with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Outcome {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} could not be started: {error}")),
    }
}

/// Runs a command for its output.
pub(crate) fn quiet(command: &mut Command) -> Result<String, String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Err(format!("{command:?} could not be started: {error}")),
    }
}
