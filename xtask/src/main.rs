//! Development commands, called as `cargo xtask COMMAND`.

mod bare;
mod circles;
mod deny;
mod fuzz;
mod graph;
mod lengths;
mod long;
mod modules;
mod peers;
mod pictures;
mod programs;
mod rule;
mod sources;
mod steps;
mod suite;
mod terminal;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use steps::{Outcome, Steps};

const HELP: &str = "\
cargo xtask test [--no-interop]   everything that must hold before a change lands
cargo xtask test --long           the same with Gajim, Dino and software of Debian's next release,
                                  the whole hostile load and an hour of each fuzz target
cargo xtask deps-rule             who may see whom among the crates
cargo xtask peers                 install the third-party software that interop tests talk to
cargo xtask interop [FILTER]      interop tests alone
cargo xtask interop --long [FILTER]
                                  those alone that only --long runs
cargo xtask compatibility         writes docs/compatibility.md from what tests find
cargo xtask pictures              take the pictures of the README again
cargo xtask fuzz [TARGET]... [--time 1h] [--jobs 2] [--sanitizer none]
                                  fuzz targets under cargo-fuzz, with a corpus that is kept
cargo xtask fuzz TARGET --input FILE
                                  one input again
cargo xtask seeds                 makes the seeds of the fuzz targets from the captures
cargo xtask advisories            known faults of the crates this is built from";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test", options @ ..] => TestOptions::parse(options).and_then(|options| test(&options)),
        ["deps-rule"] => rule::check(&root()),
        ["peers"] => peers::install(&root()).map(drop),
        ["interop"] => interop(None),
        ["interop", "--long"] => long_interop(None),
        ["interop", "--long", filter] => long_interop(Some(filter)),
        ["interop", filter] => interop(Some(filter)),
        ["compatibility"] => compatibility(),
        ["pictures"] => take_pictures(),
        ["fuzz", words @ ..] => fuzz::Request::parse(words).and_then(|r| fuzz::run(&root(), &r)),
        ["seeds"] => seeds(),
        ["advisories"] => deny::advisories(&root()),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(format!("not a command. There are:\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Directory of cargo's build output.
fn target(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from))
}

/// Options of a run of everything.
#[derive(Debug, PartialEq, Eq)]
struct TestOptions {
    /// Tests with real clients and servers.
    interop: bool,
    /// Runs also what takes hours: the whole hostile load, and fuzzing; and clients with windows.
    long: bool,
}

impl TestOptions {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { interop: true, long: false };
        for word in words {
            match *word {
                "--no-interop" => options.interop = false,
                "--long" => options.long = true,
                _ => return Err(format!("test has no option {word}. There are:\n{HELP}")),
            }
        }
        Ok(options)
    }
}

fn test(options: &TestOptions) -> Outcome {
    let with_interop = options.interop;
    let mut steps = Steps::default();
    if with_interop {
        // First of all, so that a machine that lacks something says so within a minute.
        steps.run("interop peers", || {
            if options.long { long::install(&root()) } else { peers::install(&root()).map(drop) }
        });
    }
    steps.run("toolchain", toolchain);
    steps.run("dependency rule", || rule::check(&root()));
    steps.run("licences and sources", || deny::check(&root()));
    steps.run("formatting", || cargo(&["fmt", "--all", "--check"]));
    steps.run("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
        // These need peers to run, but none to be read; `--all-targets` leaves them out.
        let apart = ["--test", "interop", "--test", "long", "--test", "pictures"];
        cargo(&[&["clippy", "--workspace"], &apart[..], &["--", "-D", "warnings"]].concat())
    });
    // Tests are built together with the binary they start: one set of features, one build.
    steps.run("build", build);
    steps.run("tests", || tests(with_interop));
    steps.run("examples in docs", || cargo(&["test", "--workspace", "--doc"]));
    steps.run("documentation", || {
        succeed(
            Command::new("cargo")
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    if options.long {
        steps.run("without the demo", || {
            cargo(&["clippy", "-p", "crosstalk", "--no-default-features", "--", "-D", "warnings"])
        });
        if with_interop {
            steps.run("interop, the long way", || with_peers("long", None));
        }
        steps.run("earlier versions", earlier_versions);
        steps.run("whole load", whole_load);
        let all = fuzz::Request::parse(&[]);
        steps.run("fuzzing", || all.and_then(|request| fuzz::run(&root(), &request)));
    }
    if !with_interop {
        println!("\ninterop was left out, as --no-interop asks");
    }
    steps.finish()
}

/// The tests of all crates and, with peers, those with real clients and servers.
fn tests(with_interop: bool) -> Outcome {
    let mut all = programs::find(&root(), &["--workspace"])?;
    if with_interop {
        let interop = programs::find(&root(), &["--workspace", "--test", "interop"])?;
        // Every test starts servers and clients with deadlines of their own: one at a time.
        let single = |p: programs::Program| {
            p.arg("--test-threads=1").env("CROSSTALK_PEERS", peers::directory(&root()))
        };
        all.extend(interop.into_iter().map(single));
    }
    programs::run(all)
}

/// Commits whose frames and store are read for good.
const EARLIER: &[&str] =
    &["25e62854258fbc1a7b3311af224798dcf723e0d6", "bad35e2acd9b2f9df6fc3b5a9d5a66a48d822070"];

/// Gateways of earlier versions beside those of this one, and what they left on disk.
fn earlier_versions() -> Outcome {
    for commit in EARLIER {
        let checkout = target(&root()).join("earlier").join(commit);
        if !checkout.exists() {
            let mut add = Command::new("git");
            succeed(
                add.args(["worktree", "add", "--force", "--detach"]).arg(&checkout).arg(commit),
            )?;
        }
        let mut build = Command::new("cargo");
        build.args(["build", "-p", "crosstalk", "--manifest-path"]);
        succeed(
            build.arg(checkout.join("Cargo.toml")).env("CARGO_TARGET_DIR", checkout.join("target")),
        )?;
        let mut test = Command::new("cargo");
        test.args(["test", "-p", "crosstalk", "--test", "survives", "--", "--ignored", "versions"]);
        succeed(test.env("CROSSTALK_EARLIER", checkout.join("target/debug/crosstalk")))?;
    }
    Ok(())
}

/// The hostile load that the tests run a tenth of.
fn whole_load() -> Outcome {
    let mut command = Command::new("cargo");
    command.args(["test", "-p", "crosstalk", "--test", "hostile", "--release", "--", "load"]);
    succeed(command.arg("--nocapture").env("CROSSTALK_WHOLE", "1"))
}

/// Adds what a minimal installation of Rust leaves out.
fn toolchain() -> Outcome {
    for component in ["rustfmt", "clippy"] {
        let subcommand = if component == "rustfmt" { "fmt" } else { component };
        if cargo(&[subcommand, "--version"]).is_err() {
            succeed(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn interop(filter: Option<&str>) -> Outcome {
    peers::install(&root())?;
    build()?;
    interop_tests(filter)
}

fn long_interop(filter: Option<&str>) -> Outcome {
    long::install(&root())?;
    build()?;
    with_peers("long", filter)
}

fn seeds() -> Outcome {
    let mut command = Command::new("cargo");
    command.args(["test", "-p", "crosstalk-fuzz", "--test", "seeds"]);
    succeed(command.env("CROSSTALK_REWRITE", "1"))
}

/// The page has what becomes of each kind of content, as tests of the networks find it.
fn compatibility() -> Outcome {
    let measured = [
        ("crosstalk-networks", "nothing_gets_a_yes"),
        ("crosstalk", "calls_and_files"),
        ("crosstalk", "pair,"),
    ];
    for (package, filter) in measured {
        let mut command = Command::new("cargo");
        command.args(["test", "-p", package, "--", filter]);
        succeed(command.env("CROSSTALK_REWRITE", "1"))?;
    }
    Ok(())
}

fn build() -> Outcome {
    cargo(&["build", "--workspace", "--bins", "--tests", "--examples"])
}

fn take_pictures() -> Outcome {
    terminal::picture(&root(), &root().join("docs/demo.svg"))?;
    pictures::install(&root())?;
    build()?;
    with_peers("pictures", None)
}

fn interop_tests(filter: Option<&str>) -> Outcome {
    with_peers("interop", filter)
}

/// Runs tests that need what `cargo xtask peers` installs.
fn with_peers(tests: &str, filter: Option<&str>) -> Outcome {
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--test", tests]);
    // Every test starts servers and clients with deadlines of their own: one at a time.
    command.args(["--", "--test-threads=1"]).args(filter);
    succeed(command.env("CROSSTALK_PEERS", peers::directory(&root())))
}

fn cargo(arguments: &[&str]) -> Outcome {
    succeed(Command::new("cargo").args(arguments))
}

/// Runs a command in the checkout, its output left on the terminal.
fn succeed(command: &mut Command) -> Outcome {
    let status = command.current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} could not be started: {error}")),
    }
}
