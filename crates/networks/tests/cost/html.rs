//! HTML and XHTML-IM.

use crosstalk_core::{MAX_TEXT, RichText};
use crosstalk_networks::html;

use crate::counter::{cost, grows_linearly};

/// The most that reading takes and gives, in bytes for each byte of markup. The least markup that
/// makes a span is `<b>x`, and a span is 32 bytes in a list that doubles.
const MOST: usize = 24;
/// The same for what is there once, however little is read.
const ONCE: usize = 4 * 1024;

/// A message that costs much: two parts, of which each is repeated over half of it.
#[derive(Clone, Copy, Debug)]
pub struct Worst(pub &'static str, pub &'static str, pub &'static str, pub &'static str);

impl Worst {
    pub fn of(self, length: usize) -> String {
        let Self(begin, first, between, second) = self;
        let many = |part: &str| if part.is_empty() { 0 } else { length / 2 / part.len() };
        let (first, second) = (first.repeat(many(first)), second.repeat(many(second)));
        format!("{begin}{first}{between}{second}")
    }
}

pub const WORST: [Worst; 45] = [
    Worst("<p style='", "color:red;", "'>", "<br/>"),
    Worst("<p style='", "color:red;", "'>", "a&amp;b<br/>"),
    Worst("", "<p style='color:red;font-weight:bold'>", "", "<br/>"),
    Worst("", "<a href='http://x.test/123456789'>", "", "<br/>"),
    Worst("<a href='http://x.test/", "", "'>", "x<br>"),
    Worst("", "<b><i><u><s><div>", "", "x<br>"),
    Worst("", "<b><i><u><s><div>", "", "<p>x</p>"),
    Worst("", "<b><i><u><s><div>", "", "x<b><i>y</b></i>"),
    Worst("", "<b><i><u><s><div>", "", "<u></u>"),
    Worst("", "<b>x</b>y", "", "</b>"),
    Worst("", "<b><i><u><s>x</s>y</u></i></b>", "", ""),
    Worst("", "<font color=red>x<font color=blue>y</font></font>", "", ""),
    Worst("", "<a href='aim:goim'>x</a>", "", ""),
    Worst("", "<p>x</p>", "", "<hr>"),
    Worst("", "<grin>", "", "</grin>"),
    Worst("", "<b style=color:red>", "", "x"),
    Worst("", "<span style='text-decoration: underline underline'>x</span>", "", ""),
    Worst("<p ", "a b=c d='e' f=\"g\" ", "", ""),
    Worst("<p ", "style='color:red' ", "", ">x"),
    Worst("<p", " x", "", ""),
    Worst("<p", " x", ">", "<br>"),
    Worst("</p", " x", ">", "</p x>"),
    Worst("<p style='", ";:", "", ""),
    Worst("<p style='text-decoration:", " underline", "", ""),
    Worst("<img alt='", "&lt;", "'>", "<img alt='&amp;'>"),
    Worst("", "&", "", "&amp;"),
    Worst("", "&#x41;", "", "&#65"),
    Worst("", "&CounterClockwiseContourIntegra", "", "&nGt;"),
    Worst("", "<", "", ">"),
    Worst("", "<b", "", ">"),
    Worst("", "</", "", ">"),
    Worst("", "<!", "", ">"),
    Worst("", "<!--", "", "-->"),
    Worst("", "<!-- x -->", "", ""),
    Worst("", "<![CDATA[", "", "]]>"),
    Worst("", "<!DOCTYPE x>", "", ""),
    Worst("<!DOCTYPE ", "x", " PUBLIC '", "y"),
    Worst("", "<?x", "", "?>"),
    Worst("", "\r", "", "\r\n"),
    Worst("", "\r\n<", "", "\n"),
    Worst("", "é<br>", "", "\u{1f600}"),
    Worst("", "<\0>", "", "\0"),
    Worst("<title>", "<br>", "", "</title>"),
    Worst("<", "b", ">", "x"),
    Worst("", "<b>", "x", "</b>"),
];

#[test]
fn reading_takes_a_small_multiple_of_the_markup_and_time_that_grows_with_it() {
    for worst in WORST {
        let [little, much] = [60, 240].map(|kib| worst.of(kib * 1024));
        for html in [&little, &much] {
            let (cost, rich) = cost(|| html::read(html));
            assert!(cost.peak() <= MOST * html.len() + ONCE, "{worst:?}: {cost:?}");
            assert!(cost.bytes <= MOST * html.len() + ONCE, "{worst:?}: {cost:?}");
            assert!(rich.weight() <= MOST * html.len(), "{worst:?}: {}", rich.weight());
        }
        let linear = grows_linearly(|| html::read(&little), || html::read(&much));
        assert!(linear, "{worst:?}");
    }
}

#[test]
fn markup_beyond_what_any_message_has_costs_nothing_more() {
    for worst in WORST {
        let html = worst.of(1 << 20);
        let read = html.get(..4 * MAX_TEXT).unwrap_or(&html);
        let [(all, _), (read, _)] = [&html, read].map(|html| cost(|| html::read(html)));
        assert!(all.bytes <= read.bytes + ONCE, "{worst:?}: {all:?}, {read:?}");
    }
}

#[test]
fn plain_texts_and_short_ones_cost_what_they_did() {
    let texts = [("hello", 1), ("<HTML><BODY>hello</BODY></HTML>", 8), ("a &amp; b", 4)];
    for (html, calls) in texts {
        let (cost, rich) = cost(|| html::read(html));
        assert!(cost.calls <= calls, "{html}: {cost:?}");
        assert!(rich.weight() < html.len() + 1);
    }
    let (reading, rich) = cost(|| RichText::from("hello"));
    let (writing, _) = cost(|| html::xhtml(&rich));
    assert_eq!((reading.calls, writing.calls), (1, 1));
}
