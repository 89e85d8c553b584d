//! The targets. Each takes any bytes, and panics where something that always holds does not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{RichText, Side, Style};
use crosstalk_gateway::config::Config;
use crosstalk_networks::oscar::wire::message::{self, EightBit};
use crosstalk_networks::oscar::wire::{Item, Reader, Snac, UserInfo};
use crosstalk_networks::xmpp::wire::Framer;
use crosstalk_networks::xmpp::wire::stanza_head::Head;
use crosstalk_networks::xmpp::wire::xml::{Element, Scope};
use crosstalk_networks::{by_name, html, msnp, sniff, xmpp, ymsg};
use crosstalk_overlay::fuzzing::{Step, peers};

use crate::meter::bounded;
use crate::stage;

/// Length of text that fits into one message of AIM, in bytes.
const AIM_TEXT: usize = 8 * 1024;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("config", config),
    ("engine_msnp", engine_msnp),
    ("engine_oscar", engine_oscar),
    ("engine_xmpp", engine_xmpp),
    ("engine_ymsg", engine_ymsg),
    ("formats", formats),
    ("frames", frames),
    ("html", html),
    ("membership", membership),
    ("node", node),
    ("ways_in", ways_in),
    ("xml", xml),
];

/// The longest input that a target looks at, in bytes.
pub const MAX_INPUT: usize = 128 * 1024;

/// A script of what happens on connections of an AIM client: see [`crate::script`].
pub fn engine_oscar(data: &[u8]) {
    engine("oscar", data);
}

/// The same of a Jabber client.
pub fn engine_xmpp(data: &[u8]) {
    engine("xmpp", data);
}

/// The same of an MSN client, its address book over HTTPS among them.
pub fn engine_msnp(data: &[u8]) {
    engine("msnp", data);
}

/// The same of a Yahoo client.
pub fn engine_ymsg(data: &[u8]) {
    engine("ymsg", data);
}

fn engine(network: &str, data: &[u8]) {
    let network = by_name(network).expect("a registered network");
    stage::play(network, cut(data));
}

/// A stream of stanzas, and each of them as a tree.
pub fn xml(data: &[u8]) {
    let data = cut(data);
    let stanzas: Vec<Bytes> = bounded(data.len(), || {
        let (mut framer, mut buffer) = (Framer::default(), BytesMut::from(data));
        let frames = std::iter::from_fn(|| framer.next(&mut buffer).ok().flatten());
        frames.map(xmpp::wire::Frame::into_bytes).collect()
    });
    for stanza in stanzas.iter().map(|stanza| &stanza[..]).chain([data]) {
        bounded(stanza.len(), || {
            let _ = Head::of(stanza);
            let _ = Element::parse_open(stanza).map(|open| Scope::of(&open));
        });
        let Ok(element) = bounded(stanza.len(), || Element::parse(stanza, &Scope::default()))
        else {
            continue;
        };
        let written = bounded(stanza.len(), || element.to_xml());
        // What XML cannot carry is left out the first time.
        let parse = |xml: &str| Element::parse(xml.as_bytes(), &Scope::default());
        if let Ok(element) = bounded(written.len(), || parse(&written)) {
            let again = parse(&element.to_xml());
            assert!(again.as_ref() == Ok(&element), "what is written is not what is read");
        }
    }
}

/// Formatted text of AIM and Jabber.
pub fn html(data: &[u8]) {
    let text = String::from_utf8_lossy(cut(data));
    let rich = bounded(text.len(), || html::read(&text));
    for write in [html::aim, html::xhtml] {
        let written = bounded(text.len(), || write(&rich));
        bounded(written.len(), || html::read(&written));
    }
}

/// The first byte says which format, and in which direction.
pub fn formats(data: &[u8]) {
    let Some((which, data)) = cut(data).split_first() else { return };
    let text = String::from_utf8_lossy(data);
    bounded(data.len(), || match which % 8 {
        0 => drop(msnp::content::Content::read(data)),
        1 => drop(ymsg::messages::format::read(&text)),
        2 => oscar_text(data),
        3 => oscar_items(&Bytes::copy_from_slice(data)),
        4 => {
            let message = Element::parse(data, &Scope::default());
            drop(message.map(|message| xmpp::messages::text(&message)));
        }
        5 => {
            for option in ["", "cp1251", "shift-jis"] {
                let charset = ymsg::wire::charset::Charset::chosen(|name| name == option);
                for mark in [None, Some(0), Some(1)] {
                    let read = charset.read(data, mark);
                    let _ = (charset.write(&read), charset.write_group(&read));
                }
            }
        }
        6 => {
            for from in [Side::Client, Side::Server] {
                let mut buffer = BytesMut::from(data);
                while let Ok(Some(_)) = msnp::wire::Command::take(from, &mut buffer) {}
                let mut buffer = BytesMut::from(data);
                while let Ok(Some(packet)) = ymsg::wire::Packet::take(from, &mut buffer) {
                    packet.pairs().for_each(drop);
                }
            }
        }
        _ => write_everywhere(&rich(data)),
    });
}

fn oscar_text(data: &[u8]) {
    for eight_bit in [EightBit::Latin, EightBit::Cyrillic] {
        let _ = message::decode_as(data, eight_bit);
        for charset in [0, 2, 3, 0xffff] {
            let _ = message::decode_charset(charset, data, eight_bit);
        }
    }
    let (mime, text) = data.split_at(data.len().min(32));
    let _ = message::decode_mime(mime, text);
    let _ = message::Head::read(&mut Reader::new(data));
    let _ = UserInfo::read(&mut Reader::new(data));
}

fn oscar_items(data: &Bytes) {
    let _ = Snac::parse(data).map(|snac| snac.content().map(<[u8]>::len));
    let (items, _) = Item::read_some(data);
    for item in items {
        let _ = (item.encode(), item.order());
    }
}

/// Text with styles: how many, where each begins and ends in 256ths of the text, and which.
fn rich(data: &[u8]) -> RichText {
    let Some((count, rest)) = data.split_first() else { return RichText::default() };
    let (styles, text) = rest.split_at(rest.len().min(3 * usize::from(*count)));
    let mut rich = RichText::plain(String::from_utf8_lossy(text));
    let length = rich.text().len();
    for style in styles.chunks_exact(3) {
        let at = |part: u8| rich.text().floor_char_boundary(length * usize::from(part) / 255);
        let (start, end) = (at(style[0]), at(style[1]));
        let style = match style[2] % 6 {
            0 => Style::Bold,
            1 => Style::Italic,
            2 => Style::Underline,
            3 => Style::Strike,
            4 => Style::Colour(u32::from(style[2]) * 0x01_0203),
            _ => Style::Link(format!("http://example.org/{}", style[2])),
        };
        if start < end {
            rich.style(start..end, style);
        }
    }
    rich
}

/// Writes a text as every network does. It is the same text where it can be read.
fn write_everywhere(rich: &RichText) {
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let said: String = plain(rich.text());
    let stanza = xmpp::messages::with_text(Element::new("message", xmpp::wire::ns::CLIENT), rich);
    let read = xmpp::messages::text(&stanza).unwrap_or_default();
    assert!(plain(read.text()) == said, "Jabber: another text");
    let mut read = String::new();
    for payload in msnp::content::texts(rich) {
        if let msnp::content::Content::Text(text) = msnp::content::Content::read(payload.as_bytes())
        {
            read.push_str(text.text());
        }
    }
    assert!(plain(&read) == said, "MSN: another text");
    for message in ymsg::messages::pieces::messages(rich) {
        assert!(message.len() <= ymsg::messages::pieces::MAX_BYTES, "Yahoo: a message is too long");
    }
    let short = RichText::plain(&rich.text()[..rich.text().floor_char_boundary(AIM_TEXT)]);
    let encoded = message::decode(&message::encode(short.text()));
    assert!(encoded.as_deref() == Some(short.text()), "AIM: another text");
}

/// Decodes frames of a link between gateways, and records of the disk.
pub fn frames(data: &[u8]) {
    let data = cut(data);
    bounded(data.len(), || crosstalk_overlay::fuzzing::decode(data));
}

/// A membership document or a card.
pub fn membership(data: &[u8]) {
    let data = cut(data);
    bounded(data.len(), || crosstalk_overlay::fuzzing::documents(data));
}

/// Feeds a gateway what two peers send it: steps of a byte for the kind, two for the length of the
/// content, and that.
pub fn node(data: &[u8]) {
    let data = cut(data);
    let mut rest = data;
    let steps = std::iter::from_fn(|| {
        let [what, high, low, behind @ ..] = rest else { return None };
        let number = u16::from_be_bytes([*high, *low]);
        let of_frame = if what % 16 < 8 { usize::from(number).min(behind.len()) } else { 0 };
        let (frame, behind) = behind.split_at(of_frame);
        rest = behind;
        let peer = 1 + usize::from(what & 1);
        Some(match what % 16 {
            0..8 => Step::Frame(peer, frame),
            8 => Step::Wait(Duration::from_millis(u64::from(number) * 8)),
            9 => Step::Link(1 + usize::from(number & 1), u64::from(number >> 1)),
            10 => Step::Sign(number & 1 == 0),
            11 => Step::Watch(number & 1 == 0),
            12 => Step::Locate,
            13 => Step::Answer(number & 1 == 0),
            _ => Step::Say(peer),
        })
    });
    bounded(data.len(), || peers(steps.take(400)));
}

/// Parses the first bytes of a client, and of a server.
pub fn ways_in(data: &[u8]) {
    let data = cut(data);
    bounded(data.len(), || {
        crosstalk_gateway::fuzzing::begin(data);
        let (client, server) = data.split_at(data.len() / 2);
        let _ = (sniff(data, b""), sniff(b"", data), sniff(client, server));
    });
}

/// A configuration. What is wrong with one is shown at its line.
pub fn config(data: &[u8]) {
    let data = cut(data);
    let text = String::from_utf8_lossy(data);
    // An operator's own text, which is read once: the tree of a parser made for comfort may cost more.
    let parsed = bounded(4 * text.len(), || {
        Config::parse(&text, Path::new("crosstalk.toml"), PathBuf::from("/nowhere"))
    });
    if let Err(report) = parsed {
        assert!(!report.to_string().is_empty(), "a report that says nothing");
    }
}

fn cut(data: &[u8]) -> &[u8] {
    data.get(..MAX_INPUT).unwrap_or(data)
}
