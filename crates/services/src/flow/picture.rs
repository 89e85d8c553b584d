//! Flows as a picture, in SVG 1.1: a row for each, from the text that comes to the person who is
//! shown it.

use std::fmt::Write as _;

use super::node::Node;
use super::stored::{self, Line};
use super::{Flow, host};
use crate::offers::Offers;

/// The most characters of one box; more is cut.
const MAX_LABEL: usize = 32;
/// Measures in pixels: of a character of the type that the boxes are in, of the room around it, of
/// a box, of the arrow between two, and of a row.
const CHARACTER: usize = 8;
const PADDING: usize = 12;
const HEIGHT: usize = 32;
const ARROW: usize = 28;
const ROW: usize = 56;

/// One box.
struct Part {
    label: String,
    is_condition: bool,
}

impl Part {
    fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), is_condition: false }
    }

    fn of(node: &Node) -> Self {
        let label = match node {
            // Addresses and secrets of webhooks may be keys.
            Node::Webhook { url, .. } => format!("webhook {}", host(url.expose())),
            node => node.stored(),
        };
        let cut = label.chars().count() > MAX_LABEL;
        let mut label: String = label.chars().take(MAX_LABEL).collect();
        if cut {
            label.push('…');
        }
        Self { label, is_condition: node.is_condition() }
    }

    fn width(&self) -> usize {
        self.label.chars().count() * CHARACTER + 2 * PADDING
    }
}

/// A picture of what texts to somebody with these settings run through.
pub fn picture(settings: &[String], offers: &Offers) -> String {
    let own = stored::translations(settings).map(|(of, language)| Flow {
        name: "translate".to_owned(),
        nodes: vec![Node::From(of), Node::Translate(language)],
    });
    let everybody = offers.flows.everybody.iter();
    let everybody = everybody.filter_map(|line| Line::of_everybody(line.expose()));
    let rows: Vec<Vec<Part>> =
        own.chain(stored::flows(settings)).chain(everybody).map(|flow| row(&flow)).collect();
    let rows =
        if rows.is_empty() { vec![vec![Part::new("text"), Part::new("shown")]] } else { rows };
    let width = rows.iter().map(|row| width(row)).max().unwrap_or_default();
    let height = rows.len() * ROW + PADDING;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" \
         font-size=\"13\">\n<title>Flows of texts</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (at, row) in rows.iter().enumerate() {
        draw(&mut svg, row, PADDING + at * ROW);
    }
    svg.push_str("</svg>\n");
    svg
}

fn row(flow: &Flow) -> Vec<Part> {
    let nodes = flow.nodes.iter().map(Part::of);
    let begin = Part::new(format!("{}: text", flow.name));
    std::iter::once(begin).chain(nodes).chain([Part::new("shown")]).collect()
}

fn width(row: &[Part]) -> usize {
    row.iter().map(|part| part.width() + ARROW).sum::<usize>() - ARROW + 2 * PADDING
}

/// Draws boxes, those of conditions dashed, with arrows between them.
fn draw(svg: &mut String, row: &[Part], top: usize) {
    let (mut left, middle) = (PADDING, top + HEIGHT / 2);
    for (at, part) in row.iter().enumerate() {
        if at > 0 {
            let (tip, back) = (left + ARROW, left + ARROW - 7);
            let (above, below) = (middle - 4, middle + 4);
            let _ = writeln!(
                svg,
                "<path d=\"M{left} {middle}H{tip}M{back} {above}L{tip} {middle}L{back} {below}\" \
                 fill=\"none\" stroke=\"#444\"/>"
            );
            left = tip;
        }
        let (width, dashes) = (part.width(), if part.is_condition { "5 3" } else { "none" });
        let (text, base) = (left + width / 2, middle + 5);
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"5\" \
             fill=\"#f4f6fa\" stroke=\"#444\" stroke-dasharray=\"{dashes}\"/>\
             <text x=\"{text}\" y=\"{base}\" text-anchor=\"middle\" fill=\"#111\">{}</text>",
            escaped(&part.label)
        );
        left += width;
    }
}

/// Text as it stands in XML 1.0.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flow_is_a_row_of_boxes_without_secrets() {
        let settings = [
            "translate/bob@yahoo=de".to_owned(),
            "flow/x=filter <b>&\"w\" | webhook https://h.example/k3y 0123456789abcdef".to_owned(),
        ];
        let svg = picture(&settings, &Offers::default());
        let texts: Vec<_> = svg.split("fill=\"#111\">").skip(1).collect();
        let texts: Vec<_> = texts.iter().filter_map(|part| part.split("</text>").next()).collect();
        assert_eq!(
            texts,
            [
                "translate: text",
                "from bob@yahoo",
                "translate de",
                "shown",
                "x: text",
                "filter &lt;b&gt;&amp;&quot;w&quot;",
                "webhook https://h.example",
                "shown"
            ]
        );
        assert_eq!(svg.matches("stroke-dasharray=\"5 3\"").count(), 2);
        assert_eq!(svg.matches("<path").count(), 6);
        assert!(!svg.contains("k3y") && !svg.contains("0123456789abcdef"));
        let none = picture(&[], &Offers::default());
        assert_eq!(none.matches("<rect x=").count(), 2);
    }
}
