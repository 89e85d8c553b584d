//! The part of the dependency rule that only the sources can tell.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls and paths that pure code does not use, each with what it is given instead.
const BANNED: &[(&str, &str)] = &[
    ("std::net", "addresses are text until the gateway dials"),
    ("std::fs", "files belong to the gateway and the overlay"),
    ("std::process", "processes belong to the binary"),
    ("std::thread", "tasks belong to the gateway"),
    ("std::env", "settings arrive as arguments"),
    ("SystemTime::now", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("Mutex", LOCKS),
    ("RwLock", LOCKS),
    ("Condvar", LOCKS),
    ("Atomic", LOCKS),
];
const LOCKS: &str = "what connections share is in the gateway's registry";

/// Crates whose sources are pure.
const PURE: &[&str] = &["core", "networks", "router", "services"];

/// The folder beside the networks that holds what several of them need.
const COMMON: &str = "common";

/// The breaches in the sources of the crates under `crates`.
pub(crate) fn breaches(crates: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for name in PURE {
        for file in rust_files(&crates.join(name).join("src"))? {
            let text = read(&file)?;
            found.extend(impurities(&text).map(|what| format!("{}:{what}", file.display())));
        }
    }
    let networks = crates.join("networks/src");
    // `common` is what all of them may use.
    let is_network = |path: &PathBuf| path.is_dir() && !path.ends_with(COMMON);
    let folders: Vec<String> = entries(&networks)?
        .into_iter()
        .filter(is_network)
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    for folder in &folders {
        for file in rust_files(&networks.join(folder))? {
            let text = read(&file)?;
            let others = folders.iter().filter(|other| *other != folder);
            for what in others.flat_map(|other| mentions(&text, other)) {
                found.push(format!("{}:{what}", file.display()));
            }
        }
    }
    Ok(found)
}

/// What makes a source impure, line by line, and why it does.
fn impurities(text: &str) -> impl Iterator<Item = String> {
    product_lines(text).flat_map(|(number, line)| {
        let hits = BANNED.iter().filter(move |(call, _)| line.contains(call));
        hits.map(move |(call, why)| format!("{number}: {call} in pure code; {why}"))
    })
}

fn mentions(text: &str, network: &str) -> Vec<String> {
    let is_word = |line: &str| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == network)
    };
    product_lines(text)
        .filter(|(_, line)| is_word(line))
        .map(|(number, _)| format!("{number}: a network names another one, {network}"))
        .collect()
}

/// The numbered lines of a source file without comments, up to its tests.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = without_tests(text).lines().enumerate();
    lines.map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default()))
}

/// A source file up to its tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Every Rust file below `directory`.
pub(crate) fn all_rust_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in entries(directory)? {
        if path.is_dir() {
            files.extend(all_rust_files(&path)?);
        } else if is_rust(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// Every Rust file below `directory`, except modules that exist in tests only.
pub(crate) fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    below(directory, &["tests".to_owned()])
}

/// Like [`rust_files`]; `test_only` are modules that a file further up has declared.
fn below(directory: &Path, test_only: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut test_only = test_only.to_vec();
    let paths = entries(directory)?;
    for path in paths.iter().filter(|path| is_rust(path)) {
        test_only.extend(test_modules(&read(path)?));
    }
    for path in paths {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if test_only.iter().any(|name| name == stem) {
            continue;
        }
        if path.is_dir() {
            files.extend(below(&path, &test_only)?);
        } else if is_rust(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The modules that `text` declares for tests only, each in a file of its own.
fn test_modules(text: &str) -> Vec<String> {
    let after = text.split("#[cfg(test)]").skip(1);
    let declared = after.filter_map(|rest| {
        let rest = rest.trim_start();
        if let Some(path) = rest.strip_prefix("#[path = \"") {
            return Some(path.split_once(".rs\"]")?.0.to_owned());
        }
        let (_, rest) = rest.split_once("mod ").filter(|(before, _)| {
            before.is_empty() || (before.starts_with("pub") && !before.contains('\n'))
        })?;
        let (name, _) = rest.split_once(';')?;
        (!name.contains('{')).then(|| name.to_owned())
    });
    declared.collect()
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// Paths in `directory`, in order.
pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let blame = |error| format!("{}: {error}", directory.display());
    let entries = fs::read_dir(directory).map_err(blame)?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// The text of `file`.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_read_is_found_but_not_in_tests_or_comments() {
        let text = "fn f() {\n    let t = Instant::now(); // why\n}\n// Instant::now\n#[cfg(test)]\nmod tests { use std::fs; }";
        let found: Vec<_> = impurities(text).collect();
        assert_eq!(found, ["2: Instant::now in pure code; time is an argument"]);
    }

    #[test]
    fn a_network_that_names_another_is_found() {
        let text = "use crate::xmpp::wire;\n// like xmpp\nlet xmppish = 1;";
        assert_eq!(mentions(text, "xmpp"), ["1: a network names another one, xmpp"]);
    }

    #[test]
    fn modules_for_tests_only_are_known() {
        let text = "#[cfg(test)]\nmod stage;\nmod wire;\n#[cfg(test)]\npub(crate) mod golden;\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod tests {\n  x;\n}";
        assert_eq!(test_modules(text), ["stage", "golden", "a_tests"]);
    }

    #[test]
    fn a_folder_is_searched() {
        let crates = std::env::temp_dir().join(format!("xtask-sources-{}", std::process::id()));
        for folder in
            ["core/src", "networks/src/oscar", "networks/src/xmpp", "router/src", "services/src"]
        {
            fs::create_dir_all(crates.join(folder)).unwrap();
        }
        fs::write(crates.join("networks/src/oscar/mod.rs"), "use super::xmpp;").unwrap();
        fs::write(crates.join("core/src/lib.rs"), "use std::net::TcpStream;").unwrap();
        fs::write(crates.join("core/src/registry.rs"), "use std::sync::Mutex;").unwrap();
        fs::write(crates.join("router/src/lib.rs"), "use std::sync::Mutex;").unwrap();
        let found = breaches(&crates).unwrap();
        fs::remove_dir_all(&crates).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
