//! The order among the files of a crate: no circle through several folders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use crate::modules::{Module, Modules};
use crate::sources::entries;

/// The folders of the overlay, each of which uses only those that stand before it.
const OVERLAY: &[&str] = &[
    "errors",
    "common",
    "membership",
    "wire",
    "directory",
    "delivery",
    "rosters",
    "mappings",
    "outbox",
    "storage",
    "node",
    "hub",
    "transport",
    "overlay",
];
/// The only files of the overlay that lie in no folder.
const OVERLAY_FILES: &[&str] = &["lib.rs", "overlay.rs", "errors.rs"];
/// Modules of the overlay that are for tests and fuzz targets, and may use everything.
const OVERLAY_TESTS: &[&str] = &["fuzzing", "simulation"];

type Uses = BTreeMap<Module, BTreeSet<Module>>;

/// The breaches in the crates under `crates`.
pub(crate) fn breaches(crates: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for folder in entries(crates)? {
        let src = folder.join("src");
        if !src.is_dir() {
            continue;
        }
        let modules = Modules::load(&src)?;
        let uses = modules.uses();
        let folder_of = |module: &Module| modules.file(module).parent();
        found.extend(circle(&uses, folder_of).map(|circle| {
            let files = circle.iter().map(|module| modules.file(module).display().to_string());
            format!("files use each other in a circle: {}", files.collect::<Vec<_>>().join(" > "))
        }));
        if folder.ends_with("overlay") {
            found.extend(upward(&uses));
            found.extend(outside_of_folders(&src)?);
        }
    }
    Ok(found)
}

/// A circle through more than one folder, if there is one. Parent and child of one module may use
/// each other.
fn circle<F: PartialEq>(uses: &Uses, folder: impl Fn(&Module) -> F) -> Option<Vec<Module>> {
    let is_family = |a: &Module, b: &Module| a.starts_with(b) || b.starts_with(a);
    let others = |module: &Module| {
        let seen = uses.get(module).into_iter().flatten();
        seen.filter(|other| !is_family(module, other)).cloned().collect::<Vec<_>>()
    };
    for module in uses.keys() {
        let far = |other: &Module| folder(other) != folder(module);
        for next in others(module).into_iter().filter(far) {
            if let Some(back) = way(&next, module, others) {
                return Some([vec![module.clone()], back].concat());
            }
        }
    }
    None
}

/// The shortest way from one module to another, both included.
fn way(from: &Module, to: &Module, next: impl Fn(&Module) -> Vec<Module>) -> Option<Vec<Module>> {
    let mut came_from = BTreeMap::from([(from.clone(), None)]);
    let mut queue = VecDeque::from([from.clone()]);
    while let Some(module) = queue.pop_front() {
        if module == *to {
            let steps = std::iter::successors(Some(module), |at| came_from.get(at).cloned()?);
            let mut steps: Vec<_> = steps.collect();
            steps.reverse();
            return Some(steps);
        }
        for other in next(&module) {
            if !came_from.contains_key(&other) {
                came_from.insert(other.clone(), Some(module.clone()));
                queue.push_back(other);
            }
        }
    }
    None
}

/// The uses in the overlay that lead to a folder above.
fn upward(uses: &Uses) -> Vec<String> {
    let floor = |module: &Module| {
        let name = module.first()?;
        OVERLAY.iter().position(|folder| folder == name)
    };
    let mut found = Vec::new();
    for (module, others) in uses {
        let Some(own) = floor(module) else { continue };
        for other in others.iter().filter(|other| floor(other).is_none_or(|it| it > own)) {
            let (module, other) = (module.join("::"), other.join("::"));
            found.push(format!("overlay: {module} must not use {other}, which stands above it"));
        }
    }
    found
}

/// Files of the overlay's sources that are in no folder of the order.
fn outside_of_folders(src: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in entries(src)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let known = if path.is_dir() {
            OVERLAY.contains(&name.as_str()) || OVERLAY_TESTS.contains(&name.as_str())
        } else {
            OVERLAY_FILES.contains(&name.as_str())
        };
        if !known {
            found.push(format!("{}: the overlay has its files in folders", path.display()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str) -> Module {
        path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn graph(pairs: &[(&str, &str)]) -> Uses {
        let mut uses = Uses::new();
        for (from, to) in pairs {
            uses.entry(module(to)).or_default();
            uses.entry(module(from)).or_default().insert(module(to));
        }
        uses
    }

    fn above(module: &Module) -> Option<Module> {
        module.split_last().map(|(_, above)| above.to_vec())
    }

    #[test]
    fn a_circle_through_two_folders_is_found() {
        let uses = graph(&[("a::x", "b::y"), ("b::y", "b::z"), ("b::z", "a::x")]);
        let found = circle(&uses, above).unwrap();
        assert_eq!(found, ["a::x", "b::y", "b::z", "a::x"].map(module));
    }

    #[test]
    fn families_and_neighbours_may_use_each_other() {
        let uses = graph(&[("a", "a::x"), ("a::x", "a"), ("b::y", "b::z"), ("b::z", "b::y")]);
        assert_eq!(circle(&uses, above), None);
    }

    #[test]
    fn the_overlay_uses_downward_only() {
        let uses = graph(&[("hub::links", "node"), ("wire::message", "hub"), ("wire", "errors")]);
        let expected = "overlay: wire::message must not use hub, which stands above it";
        assert_eq!(upward(&uses), [expected]);
    }
}
