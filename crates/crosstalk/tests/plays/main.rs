//! Performs every play in `tests/plays`, over every way in.
//!
//! `cargo test -p crosstalk --test plays -- blocked` performs those whose name has `blocked`.

mod log;
mod pairs;
mod stage;

use std::error::Error;
use std::path::{Path, PathBuf};

use crosstalk_mock::play::{Outcome, Performance, Play};
use libtest_mimic::{Arguments, Failed, Trial};

use self::pairs::Table;
use self::stage::{Gateways, Route, Setting};

const SETTINGS: [Setting; 4] = [
    Setting { way: Route::Socks5, alone: false },
    Setting { way: Route::Direct, alone: false },
    Setting { way: Route::Socks5, alone: true },
    Setting { way: Route::Direct, alone: true },
];

fn main() {
    log::capture();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("tests/plays"))
        .expect("the plays are in the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "play"))
        .collect();
    paths.sort();
    let table = Table::default();
    let trials = paths.iter().flat_map(|path| SETTINGS.map(|setting| trial(path, setting)));
    let trials = trials.flatten().chain(table.trials()).collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    if let Err(differs) = table.check() {
        eprintln!("{differs}");
        std::process::exit(1);
    }
    conclusion.exit();
}

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A play in a setting; `None` where the play cannot be performed in it.
fn trial(path: &Path, setting: Setting) -> Option<Trial> {
    let title = path.file_stem()?.to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).ok()?;
    let name = format!("{title}, {setting}");
    let play = match Play::parse(&text) {
        Ok(play) if setting.alone && (play.kills() || play.gateways().len() < 2) => return None,
        Ok(play) => play,
        Err(mistake) => return Some(Trial::test(name, move || Err(mistake.into()))),
    };
    Some(Trial::test(name, move || perform(&play, &title, setting).map(drop)))
}

/// Performs a play, and says what came of its chapters.
fn perform(play: &Play, title: &str, setting: Setting) -> Result<Vec<Outcome>, Failed> {
    let begin = log::length();
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(run(play, setting, begin));
    runtime.shutdown_background();
    outcome.map_err(|failure| match log::save(begin, title, setting) {
        Ok(path) => format!("{failure}\n    the log is in {}", path.display()).into(),
        Err(_) => Failed::from(failure),
    })
}

async fn run(
    play: &Play,
    setting: Setting,
    begin: usize,
) -> Result<Vec<Outcome>, Box<dyn Error + Send + Sync>> {
    let mut performance = Performance::prepare(play).await?;
    let mut gateways = Gateways::build(play, &performance, setting).await?;
    performance.run(&mut gateways).await?;
    if log::length() == begin {
        return Err("nothing was logged, so that secrets cannot be looked for".into());
    }
    match performance.secrets().iter().find_map(|secret| log::line_with(begin, secret)) {
        None => Ok(performance.outcomes().to_vec()),
        Some(line) => Err(format!("a secret stands in the log: {line}").into()),
    }
}
