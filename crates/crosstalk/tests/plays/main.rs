//! Performs every play in `tests/plays`, over every way in.
//!
//! `cargo test -p crosstalk --test plays -- blocked` performs those whose name has `blocked`.

mod log;
mod stage;

use std::error::Error;
use std::path::{Path, PathBuf};

use crosstalk_mock::play::{Performance, Play};
use libtest_mimic::{Arguments, Failed, Trial};

use self::stage::{Gateways, Way};

/// How a play is performed.
#[derive(Clone, Copy)]
struct Setting {
    way: Way,
    /// All through one gateway, instead of each gateway of the play by its own.
    alone: bool,
}

const SETTINGS: [Setting; 4] = [
    Setting { way: Way::Socks5, alone: false },
    Setting { way: Way::Direct, alone: false },
    Setting { way: Way::Socks5, alone: true },
    Setting { way: Way::Direct, alone: true },
];

fn main() {
    log::capture();
    let plays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plays");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(plays)
        .expect("the plays are in the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "play"))
        .collect();
    paths.sort();
    let trials = paths.iter().flat_map(|path| SETTINGS.map(|setting| trial(path, setting)));
    libtest_mimic::run(&Arguments::from_args(), trials.flatten().collect()).exit();
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
    Some(Trial::test(name, move || {
        let begin = log::length();
        let runtime = tokio::runtime::Runtime::new()?;
        let outcome = runtime.block_on(perform(&play, setting, begin));
        runtime.shutdown_background();
        outcome.map_err(|failure| match log::save(begin, &title, setting) {
            Ok(path) => format!("{failure}\n    the log is in {}", path.display()).into(),
            Err(_) => Failed::from(failure),
        })
    }))
}

async fn perform(
    play: &Play,
    setting: Setting,
    begin: usize,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut performance = Performance::prepare(play).await?;
    let mut gateways = Gateways::build(play, &performance, setting).await?;
    performance.run(&mut gateways).await?;
    if log::length() == begin {
        return Err("nothing was logged, so that secrets cannot be looked for".into());
    }
    match performance.secrets().iter().find_map(|secret| log::line_with(begin, secret)) {
        None => Ok(()),
        Some(line) => Err(format!("a secret stands in the log: {line}").into()),
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = match self.way {
            Way::Socks5 => "over SOCKS5",
            Way::Direct => "with the gateway as the server",
        };
        write!(f, "{way}{}", if self.alone { ", through one gateway" } else { "" })
    }
}
