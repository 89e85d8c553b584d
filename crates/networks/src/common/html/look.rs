//! Look of text by the elements around it, and by CSS, as far as messages show it.

use std::rc::Rc;

use crosstalk_core::{RichText, Style};

use crate::common::html::is_safe;

/// Effect of an element on the text inside, besides its colour and its link.
#[derive(Clone, Copy)]
pub(crate) enum Effect {
    Bold,
    Italic,
    Underline,
    Strike,
}

/// The styles of the effects, in their order.
const EFFECTS: [Style; 4] = [Style::Bold, Style::Italic, Style::Underline, Style::Strike];

/// Look of text by the elements around it: of a fixed size, however many they are.
#[derive(Clone, Default)]
pub(crate) struct Look {
    effects: [bool; EFFECTS.len()],
    pub(crate) colour: Option<u32>,
    /// A [`Style::Link`], which nobody copies.
    link: Option<Rc<Style>>,
}

impl Look {
    pub(crate) const fn add(&mut self, effect: Effect) {
        self.effects[effect as usize] = true;
    }

    /// Links to `url`, if that may be offered to a reader.
    pub(crate) fn link_to(&mut self, url: &str) {
        if is_safe(url) {
            self.link = Some(Rc::new(Style::Link(url.to_owned())));
        }
    }

    /// Goes inside an element that looks like `inner`.
    pub(crate) fn enter(&mut self, inner: &Self) {
        for (effect, inner) in self.effects.iter_mut().zip(inner.effects) {
            *effect |= inner;
        }
        self.colour = inner.colour.or(self.colour);
        if inner.link.is_some() {
            self.link.clone_from(&inner.link);
        }
    }

    /// Appends text that looks so.
    pub(crate) fn push(&self, text: &str, rich: &mut RichText) {
        let colour = self.colour.map(Style::Colour);
        let effects = EFFECTS.iter().zip(self.effects).filter(|(_, is_on)| *is_on);
        let styles = effects.map(|(style, _)| style).chain(&colour).chain(self.link.as_deref());
        rich.push(text, styles);
    }

    /// Reads the declarations of a `style` attribute.
    pub(crate) fn read_css(&mut self, css: &str) {
        for rule in css.split(';').filter_map(|rule| rule.split_once(':')) {
            self.declare(rule);
        }
    }

    fn declare(&mut self, (property, value): (&str, &str)) {
        let (property, value) = (property.trim(), value.trim());
        let is = |name: &str| property.eq_ignore_ascii_case(name);
        let says = |word: &str| value.eq_ignore_ascii_case(word);
        let bold = || value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("bold"));
        if is("color") {
            self.colour = colour(value).or(self.colour);
        } else if is("font-weight") && bold() {
            self.add(Effect::Bold);
        } else if is("font-style") && (says("italic") || says("oblique")) {
            self.add(Effect::Italic);
        } else if is("text-decoration") {
            for line in value.split_whitespace() {
                if line.eq_ignore_ascii_case("underline") {
                    self.add(Effect::Underline);
                } else if line.eq_ignore_ascii_case("line-through") {
                    self.add(Effect::Strike);
                }
            }
        }
    }
}

/// HTML's sixteen colours, as 0xRRGGBB.
const COLOURS: [(&str, u32); 16] = [
    ("black", 0x00_0000),
    ("silver", 0xc0_c0c0),
    ("gray", 0x80_8080),
    ("white", 0xff_ffff),
    ("maroon", 0x80_0000),
    ("red", 0xff_0000),
    ("purple", 0x80_0080),
    ("fuchsia", 0xff_00ff),
    ("green", 0x00_8000),
    ("lime", 0x00_ff00),
    ("olive", 0x80_8000),
    ("yellow", 0xff_ff00),
    ("navy", 0x00_0080),
    ("blue", 0x00_00ff),
    ("teal", 0x00_8080),
    ("aqua", 0x00_ffff),
];

/// Reads `#rrggbb`, `#rgb` or the name of a colour, as 0xRRGGBB.
pub(crate) fn colour(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix('#') {
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let rgb = u32::from_str_radix(digits, 16).ok().filter(|_| hex)?;
        return match digits.len() {
            6 => Some(rgb),
            3 => Some((rgb & 0xf00) * 0x1100 + (rgb & 0x0f0) * 0x110 + (rgb & 0x00f) * 0x11),
            _ => None,
        };
    }
    COLOURS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, rgb)| *rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_each_spelling() {
        for (text, rgb) in [("#0f0", 0x00_ff00), (" #0000FF ", 0x00_00ff), ("Red", 0xff_0000)] {
            assert_eq!(colour(text), Some(rgb), "{text}");
        }
        for text in ["", "#", "#+12345", "#1234", "rgb(1,2,3)", "reddish"] {
            assert_eq!(colour(text), None, "{text}");
        }
    }
}
