//! The lengths of files and functions: what is longer is split.

use std::path::{Path, PathBuf};

use crate::bare::bare;
use crate::sources::{all_rust_files, read};

/// The most lines of a file.
const FILE: usize = 400;
/// The most lines of a function.
const FUNCTION: usize = 80;

/// The files and functions below `folders` that are too long.
pub(crate) fn breaches(root: &Path, folders: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for file in all_rust_files(folder)? {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            found.extend(too_long(&read(&file)?).into_iter().map(|what| format!("{name}:{what}")));
        }
    }
    Ok(found)
}

fn too_long(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > FILE {
        found.push(format!("{lines}: a file has at most {FILE} lines"));
    }
    for (name, first, last) in functions(&bare(text)) {
        let lines = last - first + 1;
        if lines > FUNCTION {
            found.push(format!("{first}: {name} has {lines} lines, a function at most {FUNCTION}"));
        }
    }
    found
}

/// The functions of a bare source with a body: name, first and last line.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in text.match_indices("fn ") {
        let (before, rest) = (text.get(..at), text.get(at + 3..).unwrap_or_default());
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if name.is_empty() || before.is_some_and(|b| b.ends_with(is_word)) {
            continue;
        }
        if let Some(end) = body_end(rest) {
            let line = |upto: usize| text.get(..upto).unwrap_or(text).matches('\n').count() + 1;
            found.push((name, line(at), line(at + 3 + end)));
        }
    }
    found
}

/// End of the body of the function whose name `text` begins with; `None` where it has none.
fn body_end(text: &str) -> Option<usize> {
    let (mut depth, mut brackets) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            ';' if depth == 0 && brackets == 0 => return None,
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_name_to_brace() {
        let text = "trait T { fn none(x: [u8; 2]); }\nfn one() -> [u8; 2] {\n  if a { b }\n}\nlet f: fn(u8);";
        let found = functions(&bare(text));
        assert_eq!(found, [("one".to_owned(), 2, 4)]);
    }

    #[test]
    fn what_is_too_long_is_found() {
        let body = "    x();\n".repeat(79);
        let text = format!("fn short() {{\n    \"}}\";\n}}\n\nfn long() {{\n{body}}}\n");
        assert_eq!(too_long(&text), ["5: long has 81 lines, a function at most 80"]);
        assert_eq!(too_long(&"\n".repeat(401)), ["401: a file has at most 400 lines"]);
    }
}
