//! The picture of a terminal in which the demo runs, made of what the demo prints.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::steps::Outcome;

/// The chapters that are shown, in the order of the demo.
const CHAPTERS: [&str; 3] = [
    "Friends on another network",
    "Talking",
    "How long a message takes, client to client, with four conversations at once",
];
/// Line by which the demo ends when nothing went wrong.
const VERDICT: &str = "All of it worked";
const COMMAND: &str = "$ cargo run --release -- demo";

/// In pixels.
const LINE: usize = 19;
const LETTER: usize = 8;
const MARGIN: usize = 20;
const BAR: usize = 34;
/// In letters.
const COLUMNS: usize = 88;

const STYLE: &str = "\
text { fill: #d0d7de; font: 13.3px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre }
.title { fill: #ffffff; font-weight: bold }
.good { fill: #57d364 }
.quiet { fill: #8b949e; text-anchor: end }";

/// Runs the demo and writes the picture to `file`.
pub(crate) fn picture(root: &Path, file: &Path) -> Outcome {
    let demo = "cargo run --quiet --release -p crosstalk -- demo";
    // `script` gives the demo a terminal, which it needs to show its colours.
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", demo, "/dev/null"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("script: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    if !output.status.success() || !text.contains(VERDICT) {
        return Err(format!("the demo failed:\n{text}"));
    }
    fs::write(file, drawn(&excerpt(&text)?)).map_err(|e| format!("{}: {e}", file.display()))
}

/// The chapters that are shown, and the verdict.
fn excerpt(text: &str) -> Result<Vec<&str>, String> {
    let mut lines = vec![COMMAND];
    for title in CHAPTERS {
        let chapter = text.split("\n\n").find(|chapter| {
            let mut first = chapter.lines().next().into_iter().flat_map(spans);
            first.any(|(_, text)| text == title)
        });
        lines.push("");
        lines.extend(chapter.ok_or(format!("the demo has no chapter {title:?}"))?.lines());
    }
    lines.push("");
    lines.extend(text.lines().find(|line| line.contains(VERDICT)));
    Ok(lines)
}

fn drawn(lines: &[&str]) -> String {
    let width = COLUMNS * LETTER + 2 * MARGIN;
    let height = BAR + lines.len() * LINE + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">What the demo prints</title>\n<style>\n{STYLE}\n</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"9\" fill=\"#161b22\"/>\n"
    );
    for (x, colour) in [(20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")] {
        let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"18\" r=\"6\" fill=\"{colour}\"/>");
    }
    for (line, row) in lines.iter().zip(1..) {
        draw(line, BAR + row * LINE, &mut svg);
    }
    svg + "</svg>\n"
}

/// Letters keep to their columns, whatever font a viewer has; times end at the right edge, since
/// an emoji before one may be wider than a letter.
fn draw(line: &str, y: usize, svg: &mut String) {
    let mut column = 0;
    for (look, text) in spans(line) {
        let (start, end) = (column, column + text.chars().count());
        column = end;
        let shown = text.trim();
        if shown.is_empty() {
            continue;
        }
        let before = text.chars().take_while(|c| c.is_whitespace()).count();
        let class = match look {
            "1" => "title",
            "2" => "quiet",
            "32" => "good",
            _ => "",
        };
        let at = if class == "quiet" { COLUMNS } else { start + before };
        let x = MARGIN + at * LETTER;
        let length = shown.chars().count() * LETTER;
        let fit = if shown.is_ascii() && class != "quiet" {
            format!(" textLength=\"{length}\"")
        } else {
            String::new()
        };
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\"{class}{fit}>{shown}</text>");
    }
}

/// The pieces of a line, each with the number of its look; 0 is plain.
fn spans(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let (plain, dressed) = line.split_once("\x1b[").unwrap_or((line, "0m"));
    let dressed = dressed.split("\x1b[").filter_map(|piece| piece.split_once('m'));
    std::iter::once(("0", plain)).chain(dressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_drawn_in_its_colours_and_columns() {
        let mut svg = String::new();
        draw("  \x1b[32mBob\x1b[0m  <b> & more  \x1b[2m 4.6 ms\x1b[0m", 40, &mut svg);
        let lines: Vec<&str> = svg.lines().collect();
        assert_eq!(
            lines,
            [
                "<text x=\"36\" y=\"40\" class=\"good\" textLength=\"24\">Bob</text>",
                "<text x=\"76\" y=\"40\" textLength=\"80\">&lt;b&gt; &amp; more</text>",
                "<text x=\"724\" y=\"40\" class=\"quiet\">4.6 ms</text>",
            ]
        );
    }
}
