//! Texts from a client and to it, with every network.

use crosstalk_core::{MAX_LINK, MAX_TEXT, RichText, Style};

use crate::common::oracles::work_allowed;
use crate::counter::{cost, grows_linearly};
use crate::html::{WORST, Worst};
use crate::people::Person;

/// The most that a text weighs for each byte of the message that it was read from: a span is 32
/// bytes, and `<b>x` makes one.
const SAID: usize = 16;
/// The most bytes that a client is told for each byte that a text weighs. A quotation mark is six
/// characters in AIM's HTML, two bytes each, and each of its pieces names its link again; a span of
/// 32 bytes is at most 160 of tags in XHTML.
const SHOWN: usize = 24;
/// Bytes sent along with a message whatever its text: heads, names and presence.
const ONCE: usize = 2 * 1024;

/// Parts of messages of Yahoo's that cost much.
const CODES: [Worst; 10] = [
    Worst("", "\x1b[1mx\x1b[x1my", "", "\x1b[#ff0000mx"),
    Worst("", "\x1b[", "", "\x1b"),
    Worst("", "\x1b[1", "", "m"),
    Worst("", "\x1b[lmhttp:<", "", "http://x.test/\x1b[xlm"),
    Worst("\x1b[lm", "http:", "", "<"),
    Worst("", "<font color=#ff0000>", "", "x</font>"),
    Worst("", "<b", "", "<fade #ff0000"),
    Worst("", "<font color=", "", ">"),
    Worst("", "<", "", "\r"),
    Worst("", "<alt #ff0000,#0000ff>x", "", "</alt>"),
];

/// Parts of messages of MSN's that cost much.
const MIME: [Worst; 7] = [
    Worst("Content-Type: text/plain\r\nX-MMS-IM-Format: EF=", "BIUS", "\r\n\r\n", "x"),
    Worst("Content-Type: text/plain\r\n\r\n", "\r\n", "", "\n"),
    Worst("Content-Type: text/plain\r\n", "X: y\r\n", "\r\n", "x"),
    Worst("", "Content-Type\r\n", "\r\n", "x"),
    Worst("Content-Type: text/plain\r\nX-MMS-IM-Format: ", "EF=B; ", "\r\n\r\n", "x"),
    Worst("Content-Type: text/plain\r\nMessage-ID: {1}\r\nChunks: 2\r\n\r\n", "x", "", "y"),
    Worst("", "\r\n\r\n", "", "bob@far-oscar.xt"),
];

/// Parts of XHTML-IM that cost much, which is XML too.
const XHTML: [Worst; 8] = [
    Worst("<p style='", "color:red;", "'/><p>", "<br/>"),
    Worst("", "<b>x</b>y", "", "<i/>"),
    Worst("", "<p>x</p>", "", "&amp;"),
    Worst("", "<a href='aim:goim'>x</a>", "", "<img alt='x'/>"),
    Worst("", "<span style='text-decoration: underline'>x</span>", "", "é"),
    Worst("", "&lt;", "", "&quot;"),
    Worst("", "<br/>", "", "\r\n"),
    Worst("", "<em><strong>x</strong></em>", "", "<u>x</u>"),
];

/// Messages, and the longest that one packet holds.
fn messages(network: &str) -> (Vec<Worst>, usize) {
    match network {
        "oscar" => (WORST.to_vec(), 60_000),
        "xmpp" => (XHTML.to_vec(), 1_000_000),
        "msnp" => (MIME.to_vec(), 1_000_000),
        "ymsg" => (CODES.to_vec(), 60_000),
        _ => panic!("no messages of {network} are known"),
    }
}

fn closed(network: &str, words: &str) -> String {
    let open = words.starts_with("<p style=") && network == "xmpp";
    if open { format!("{words}</p>") } else { words.to_owned() }
}

#[test]
fn what_a_client_says_weighs_a_small_multiple_of_its_bytes_and_takes_time_that_grows_with_them() {
    for mut person in Person::all() {
        let (worst, most) = messages(person.network);
        for worst in worst {
            let framed = |most| person.framed(closed(person.network, &worst.of(most)).as_bytes());
            let [little, much] = [framed(most / 4), framed(most)];
            for framed in [&little, &much] {
                let (cost, said) = cost(|| person.says(framed));
                let weight: usize = said.iter().map(RichText::weight).sum();
                let name = format!("{} {worst:?}: {weight}, {cost:?}", person.network);
                assert!(weight <= SAID * framed.len(), "{name} of {}", framed.len());
                assert!(cost.bytes <= work_allowed(framed.len()), "{name} of {}", framed.len());
            }
            let person = std::cell::RefCell::new(&mut person);
            let says = |framed: &[u8]| person.borrow_mut().says(framed).len();
            let linear = grows_linearly(|| says(&little), || says(&much));
            assert!(linear, "{} {worst:?}", person.borrow().network);
        }
    }
}

/// Texts that cost much: of full length, and full of styles and links.
fn texts(length: usize) -> Vec<RichText> {
    let mut texts = Vec::new();
    let colours: Vec<_> = (0..512).map(Style::Colour).collect();
    let link = |n: usize, url: &str| Style::Link(format!("http://x.test/{n}/{url}"));
    let marks = "\"".repeat(MAX_LINK - 40);
    for part in ["x", "\"", "<", "&", "'", "\n", "\u{1}", "é", "\u{1f600}", "<b>", "e\u{301}", "x "]
    {
        let whole = part.repeat(length / part.len());
        texts.push(RichText::plain(whole.as_str()));
        let rest = &whole[whole.floor_char_boundary(1024)..];
        let mut styled = RichText::default();
        for colour in &colours {
            styled.push(part, &[colour.clone(), Style::Bold]);
        }
        styled.push(rest, &[Style::Strike]);
        texts.push(styled);
        let mut nested = RichText::default();
        for n in 0..120 {
            let styles = [Style::Bold, Style::Italic, Style::Underline, Style::Strike];
            nested.push(part, &styles[n % 4..]);
            nested.push(part, &[link(n, ""), Style::Colour(n as u32)]);
        }
        nested.push(rest, &[]);
        texts.push(nested);
        let mut linked = RichText::default();
        linked.push(&whole, &[link(0, &marks)]);
        texts.push(linked);
        let mut links = RichText::default();
        (0..32).for_each(|n| links.push(part, &[link(n, &marks)]));
        links.push(rest, &[]);
        texts.push(links);
    }
    texts
}

#[test]
fn what_a_client_is_told_is_a_small_multiple_of_the_text_and_takes_time_that_grows_with_it() {
    for mut person in Person::all() {
        for (little, much) in texts(MAX_TEXT / 4).iter().zip(&texts(MAX_TEXT)) {
            for text in [little, much] {
                let (cost, told) = cost(|| person.hears(text));
                let (weight, spans) = (text.weight(), text.spans().len());
                let name = format!(
                    "{} {:.8}: {told} of {weight} with {spans} spans, {cost:?}",
                    person.network,
                    text.text().escape_debug().to_string()
                );
                assert!(told >= text.text().len() / 2 || text.text().contains('\u{1}'), "{name}");
                assert!(told <= SHOWN * weight + ONCE, "{name}");
                assert!(cost.bytes <= work_allowed(weight + told), "{name}");
            }
            let person = std::cell::RefCell::new(&mut person);
            let hears = |text: &RichText| person.borrow_mut().hears(text);
            let linear = grows_linearly(|| hears(little), || hears(much));
            assert!(linear, "{} {:?}", person.borrow().network, &much.text()[..4]);
        }
    }
}

#[test]
fn short_texts_take_as_many_allocations_as_they_did() {
    // Counted before the bounds were there, and not more than that.
    let most = [("oscar", 25, 39), ("xmpp", 63, 45), ("msnp", 17, 20), ("ymsg", 45, 20)];
    for mut person in Person::all() {
        let words = match person.network {
            "msnp" => "Content-Type: text/plain\r\n\r\nhello",
            _ => "hello",
        };
        let framed = person.framed(words.as_bytes());
        let text = RichText::plain("hello");
        // The first grows queues that last as long as the connection.
        person.says(&framed);
        let (said, heard) = (cost(|| person.says(&framed)).0, cost(|| person.hears(&text)).0);
        let (_, says, hears) = most.iter().find(|(n, ..)| *n == person.network).unwrap();
        assert!(
            said.calls <= *says && heard.calls <= *hears,
            "{}: {said:?}, {heard:?}",
            person.network
        );
    }
}
