//! The crates of the workspace and what they depend on, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Edges of the dependency graph, by crate name. Build dependencies count as normal ones.
#[derive(Default)]
pub(crate) struct Graph {
    /// The crates of this workspace.
    pub(crate) members: BTreeSet<String>,
    normal: BTreeMap<String, BTreeSet<String>>,
    dev: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of the checkout at `root`, for every platform.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version=1", "--locked"])
            .current_dir(root)
            .output()
            .map_err(|e| format!("cargo metadata: {e}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
        Self::read(&value).ok_or_else(|| "cargo metadata has an unknown form".to_owned())
    }

    fn read(metadata: &Value) -> Option<Self> {
        let mut names = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            names.insert(package["id"].as_str()?, package["name"].as_str()?);
        }
        let mut graph = Self::default();
        for id in metadata["workspace_members"].as_array()? {
            graph.members.insert((*names.get(id.as_str()?)?).to_owned());
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let from = names.get(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let to = names.get(dependency["pkg"].as_str()?)?;
                for kind in dependency["dep_kinds"].as_array()? {
                    graph.link(from, to, kind["kind"].as_str() == Some("dev"));
                }
            }
        }
        Some(graph)
    }

    /// Adds an edge.
    pub(crate) fn link(&mut self, from: &str, to: &str, dev: bool) {
        let edges = if dev { &mut self.dev } else { &mut self.normal };
        edges.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    /// Names of the crates that `name` depends on directly, except for its tests.
    pub(crate) fn direct(&self, name: &str) -> impl Iterator<Item = &str> {
        self.normal.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Names of the crates that the tests of `name` depend on directly.
    pub(crate) fn in_tests(&self, name: &str) -> impl Iterator<Item = &str> {
        self.dev.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Everything that `name` is built from, with one way that leads there.
    pub(crate) fn tree(&self, name: &str) -> BTreeMap<String, String> {
        let mut ways = BTreeMap::from([(name.to_owned(), name.to_owned())]);
        let mut next = vec![name.to_owned()];
        while let Some(from) = next.pop() {
            let way = ways[&from].clone();
            for to in self.direct(&from) {
                if !ways.contains_key(to) {
                    ways.insert(to.to_owned(), format!("{way} -> {to}"));
                    next.push(to.to_owned());
                }
            }
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let metadata = serde_json::json!({
            "packages": [{"id": "a 1", "name": "a"}, {"id": "b 1", "name": "b"}, {"id": "c 1", "name": "c"}],
            "workspace_members": ["a 1"],
            "resolve": {"nodes": [
                {"id": "a 1", "deps": [{"pkg": "b 1", "dep_kinds": [{"kind": null}]}]},
                {"id": "b 1", "deps": [{"pkg": "c 1", "dep_kinds": [{"kind": "build"}, {"kind": "dev"}]}]},
            ]},
        });
        let graph = Graph::read(&metadata).unwrap();
        assert!(graph.members.contains("a") && !graph.members.contains("b"));
        assert_eq!(graph.tree("a")["c"], "a -> b -> c");
        assert_eq!(graph.in_tests("b").collect::<Vec<_>>(), ["c"]);
    }
}
