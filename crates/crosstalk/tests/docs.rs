#![allow(clippy::unwrap_used)]
//! The manuals say what is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crosstalk_services::COMMANDS;

#[test]
fn the_manual_lists_every_command_of_the_control_contact() {
    let manual = include_str!("../../../docs/commands.md");
    let row = |c: &crosstalk_services::Command| {
        let usage = format!("/{} {}", c.name, c.arguments);
        format!("| `{}` | {} |\n", usage.trim_end(), c.help)
    };
    let rows = COMMANDS.iter().map(row).collect::<Vec<_>>().concat();
    assert!(manual.ends_with(&rows), "docs/commands.md must end with\n{rows}");
}

/// Every Markdown file of the project's own, from its top.
fn manuals() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    [top.clone(), top.join("docs"), top.join("docs/clients")]
        .iter()
        .flat_map(|dir| fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect()
}

#[test]
fn every_file_that_a_manual_names_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut named = 0;
    for manual in manuals() {
        let text = fs::read_to_string(&manual).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|l| !l.is_empty() && !l.contains("://"));
        let links = links.map(|link| manual.parent().unwrap().join(link));
        for path in links {
            assert!(path.exists(), "{} names {}", manual.display(), path.display());
            named += 1;
        }
        for (path, function) in places(&text) {
            let what = format!("{} names {path}:{}", manual.display(), function.unwrap_or(""));
            let path = top.join(path);
            assert!(path.exists(), "{what}");
            let Some(function) = function else { continue };
            let code = fs::read_to_string(&path).expect(&what);
            let is_there =
                ["(", "<"].iter().any(|end| code.contains(&format!("fn {function}{end}")));
            assert!(is_there, "{what}");
            named += 1;
        }
    }
    assert!(named > 20, "the manuals name files");
}

/// The files that a text names by their paths from the top, each with the function that follows it
/// behind a colon.
fn places(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|q| q.starts_with("crates/"));
    quoted.map(|q| q.split_once(':').map_or((q, None), |(path, function)| (path, Some(function))))
}

#[test]
fn each_step_of_the_road_is_a_function() {
    let text = include_str!("../../../ARCHITECTURE.md");
    let road =
        text.split("\n## ").find(|part| part.starts_with("The road of one message")).unwrap();
    let rows: Vec<_> = road.lines().filter(|l| l.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 10, "the road has its steps");
    for row in rows {
        assert!(places(row).any(|(_, function)| function.is_some()), "no function: {row}");
    }
}

#[test]
fn the_manual_signs_as_the_example_does() {
    let manual = include_str!("../../../docs/api.md");
    let code = manual.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = include_str!("../../../examples/directory.py");
    assert!(example.contains(code.unwrap()));
}

#[test]
fn the_service_runs_a_command_that_there_is() {
    let unit = include_str!("../../../config/crosstalk.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words = command.strip_prefix("/usr/local/bin/crosstalk ").unwrap().split(' ');
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/example.toml");
    let words = words.map(|word| if word == "/etc/crosstalk.toml" { example } else { word });
    let checked =
        Command::new(env!("CARGO_BIN_EXE_crosstalk")).args(words).arg("--check").output().unwrap();
    assert!(checked.status.success(), "{command}: {}", String::from_utf8_lossy(&checked.stderr));
}
