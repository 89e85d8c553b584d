//! The modules of a crate, and which of them use which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::bare::bare;
use crate::sources::{read, rust_files, without_tests};

/// A module by its path, as in `["hub", "links"]`; the crate itself is empty.
pub(crate) type Module = Vec<String>;

/// Limit of the times that a name is exported on from one module to the next.
const MAX_EXPORTS: usize = 8;

/// The modules of a crate that are in its product, and not in its tests.
#[derive(Default)]
pub(crate) struct Modules {
    files: BTreeMap<Module, PathBuf>,
    /// Names that each module has in scope by a `use`, with their paths.
    imports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    /// The paths that each module mentions, from the crate's root.
    mentions: BTreeMap<Module, Vec<Vec<String>>>,
}

impl Modules {
    /// Reads the sources below `src`.
    pub(crate) fn load(src: &Path) -> Result<Self, String> {
        let files = rust_files(src)?;
        let texts = files.into_iter().map(|file| {
            let text = read(&file)?;
            Ok((module_of(src, &file), file, text))
        });
        Ok(Self::of(&texts.collect::<Result<Vec<_>, String>>()?))
    }

    fn of(texts: &[(Module, PathBuf, String)]) -> Self {
        let mut modules = Self::default();
        for (module, file, _) in texts {
            modules.files.insert(module.clone(), file.clone());
        }
        for (module, _, text) in texts {
            modules.read(module, &bare(without_tests(text)));
        }
        modules
    }

    fn read(&mut self, module: &Module, text: &str) {
        let mut mentions = Vec::new();
        for (tree, _) in statements(text) {
            let mut paths = Vec::new();
            expand(&tree, &mut Vec::new(), &mut paths);
            for (path, name) in paths {
                let Some(path) = self.absolute(module, &path) else { continue };
                mentions.push(path.clone());
                self.imports.entry(module.clone()).or_default().insert(name, path);
            }
        }
        for path in inline_paths(text) {
            mentions.extend(self.absolute(module, &path));
        }
        self.mentions.insert(module.clone(), mentions);
    }

    /// A path that `module` mentions, from the crate's root; `None` where it leads out.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let from = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            child => {
                let child = [module.as_slice(), &[child.to_owned()]].concat();
                self.files.contains_key(&child).then_some(child)?
            }
        };
        let more = rest.iter().take_while(|part| *part == "super").count();
        let from = from.get(..from.len().checked_sub(more)?)?;
        Some([from, rest.get(more..)?].concat())
    }

    /// The module in which what `path` names stands.
    fn resolve(&self, path: &[String], exports: usize) -> Module {
        let is_module = |len: &usize| path.get(..*len).is_some_and(|m| self.files.contains_key(m));
        let len = (0..=path.len()).rev().find(is_module).unwrap_or(0);
        let (module, rest) = path.split_at(len);
        let export = rest.first().and_then(|name| self.imports.get(module)?.get(name));
        match export {
            Some(other) if exports < MAX_EXPORTS && other != path => {
                self.resolve(other, exports + 1)
            }
            _ => module.to_vec(),
        }
    }

    /// Every module with those that it uses, itself left out.
    pub(crate) fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let uses = self.mentions.iter().map(|(module, paths)| {
            let seen = paths.iter().map(|path| self.resolve(path, 0));
            (module.clone(), seen.filter(|other| other != module).collect())
        });
        uses.collect()
    }

    /// The file of a module.
    pub(crate) fn file(&self, module: &Module) -> &Path {
        self.files.get(module).map_or(Path::new(""), PathBuf::as_path)
    }
}

/// The module that `file` below `src` holds.
fn module_of(src: &Path, file: &Path) -> Module {
    let inside = file.strip_prefix(src).unwrap_or(file).with_extension("");
    let parts = inside.iter().map(|part| part.to_string_lossy().into_owned());
    let mut module: Module = parts.collect();
    if module.last().is_some_and(|last| last == "mod")
        || matches!(module.as_slice(), [only] if only == "lib" || only == "main")
    {
        module.pop();
    }
    module
}

/// The trees of the `use` statements of a bare source, with where they begin.
fn statements(text: &str) -> Vec<(String, usize)> {
    let starts = text.match_indices("use ").filter(|(at, _)| {
        let before = text.get(..*at).unwrap_or_default().chars().next_back();
        before.is_none_or(char::is_whitespace)
    });
    let trees = starts.filter_map(|(at, word)| {
        let rest = text.get(at + word.len()..)?;
        let (tree, _) = rest.split_once(';')?;
        Some((tree.split_whitespace().collect::<Vec<_>>().join(" "), at))
    });
    trees.collect()
}

/// The paths of a `use` tree, each with the name that it gets.
fn expand(tree: &str, before: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some(inner) = tree.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        for part in split_outside(inner) {
            expand(part, &mut before.clone(), found);
        }
        return;
    }
    match tree.split_once("::") {
        Some((first, rest)) if !first.contains('{') => {
            before.push(first.trim().to_owned());
            expand(rest, before, found);
        }
        _ => {
            let (path, alias) = tree.split_once(" as ").unwrap_or((tree, tree));
            if path != "self" && path != "*" && !path.is_empty() {
                before.push(path.to_owned());
            }
            let name =
                if alias == "self" { before.last().cloned() } else { Some(alias.to_owned()) };
            found.push((before.clone(), name.unwrap_or_default()));
        }
    }
}

/// The parts of a list between its commas, but not those inside of braces.
fn split_outside(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(list.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(list.get(from..));
    parts
}

/// The paths that begin with `crate` or `super` anywhere in a bare source.
fn inline_paths(text: &str) -> Vec<Vec<String>> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    // What ends in `::` is the beginning of a tree, which `expand` reads.
    let words = text.split(|c: char| !is_path(c)).filter(|word| !word.ends_with("::"));
    let paths = words.filter(|w| w.starts_with("crate::") || w.starts_with("super::"));
    let parts =
        |path: &str| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    paths.map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str) -> Module {
        path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn uses(texts: &[(&str, &str)]) -> Vec<String> {
        let texts: Vec<_> = texts
            .iter()
            .map(|(path, text)| (module(path), PathBuf::new(), (*text).to_owned()))
            .collect();
        let uses = Modules::of(&texts).uses();
        let pairs = uses.iter().flat_map(|(module, others)| {
            others.iter().map(|other| format!("{} > {}", module.join("::"), other.join("::")))
        });
        pairs.collect()
    }

    #[test]
    fn uses_lead_to_where_a_name_stands() {
        let found = uses(&[
            ("", "mod a;\nmod b;"),
            ("a", "mod inner;\npub use inner::{Name, Other as More};"),
            ("a::inner", "use super::super::b::{self, x::Y};"),
            ("b", "use crate::{a::{Name, More}};\nfn f() { crate::a::g() }"),
        ]);
        assert_eq!(found, ["a > a::inner", "a::inner > b", "b > a", "b > a::inner"]);
    }

    #[test]
    fn files_are_modules() {
        let src = Path::new("/src");
        for (file, path) in
            [("lib.rs", ""), ("a/mod.rs", "a"), ("a.rs", "a"), ("a/lib.rs", "a::lib")]
        {
            assert_eq!(module_of(src, &src.join(file)), module(path), "{file}");
        }
    }
}
