//! Frames around what a script says, so that what a fuzzer changes still has the right lengths; and
//! what servers pass on for others, as they do it.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Channel, Snac, UserInfo, Writer, flap, message};
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::{Element, Scope};
use crosstalk_networks::ymsg::wire::{Draft, Style};

/// A word of the script in the frame of the network called `network`; what a network without frames
/// says stays as it is.
///
/// - OSCAR: a byte for the channel, and the body of the FLAP frame.
/// - MSNP: a line, and behind the line's end the payload, whose length becomes its last word; an
///   HTTP head and body, whose length becomes its `Content-Length`.
/// - YMSG: two bytes for the service, four for the status, and the pairs.
pub(crate) fn framed(network: &str, text: &[u8]) -> Vec<u8> {
    match (network, text) {
        ("oscar", [channel, body @ ..]) => {
            let body = body.get(..u16::MAX.into()).unwrap_or(body);
            let mut frame = flap::encode(Channel::Data, 0, body).unwrap_or_default().to_vec();
            frame[1] = *channel;
            frame
        }
        ("msnp", _) => with_length(text),
        ("ymsg", [s0, s1, status @ ..]) if status.len() >= 4 => {
            let (status, pairs) = status.split_at(4);
            let pairs = pairs.get(..u16::MAX.into()).unwrap_or(pairs);
            let mut packet = Draft::new(u16::from_be_bytes([*s0, *s1]), 0).finish(STYLE).to_vec();
            packet[8..10].copy_from_slice(&(pairs.len() as u16).to_be_bytes());
            packet[12..16].copy_from_slice(status);
            packet.extend_from_slice(pairs);
            packet
        }
        _ => text.to_vec(),
    }
}

const STYLE: Style = Style { version: 16, vendor: 100, session: 0x5151_5151 };
/// End of an HTTP head.
const HEAD_END: &[u8] = b"\r\n\r\n";

fn with_length(text: &[u8]) -> Vec<u8> {
    if let Some(at) = text.windows(HEAD_END.len()).position(|end| end == HEAD_END) {
        let (head, body) = text.split_at(at);
        if head.starts_with(b"POST ") || head.starts_with(b"HTTP/") {
            let length = format!("\r\nContent-Length: {}", body.len() - HEAD_END.len());
            return [head, length.as_bytes(), body].concat();
        }
    }
    match text.iter().position(|b| *b == b'\n') {
        Some(end) if end + 1 < text.len() => {
            let (line, payload) = (text[..end].trim_ascii_end(), &text[end + 1..]);
            [line, format!(" {}\r\n", payload.len()).as_bytes(), payload].concat()
        }
        _ => text.to_vec(),
    }
}

/// A message of somebody who may write whatever a person may write, as the server of the network
/// passes it on; `None` where a server would refuse it.
pub(crate) fn relayed(network: &str, text: &[u8]) -> Option<Vec<u8>> {
    match network {
        "oscar" => Some(instant_message(text)),
        "xmpp" => stanza(text),
        "msnp" => {
            let head = b"MSG mallory@hotmail.test Mallory".as_slice();
            Some(with_length(&[head, b"\n", text].concat()))
        }
        "ymsg" => {
            let draft = Draft::new(6, 1).with(4, "mallory").with(5, "me").with(14, text);
            Some(draft.finish(STYLE).to_vec())
        }
        _ => None,
    }
}

fn instant_message(text: &[u8]) -> Vec<u8> {
    let head = message::Head { cookie: [7; 8], channel: 1, name: b"" };
    let head = Writer::new().raw(&head.cookie).u16(head.channel);
    let from = UserInfo { name: b"mallory", warning: 0, tlvs: &[] };
    let fragment = [&[0, 0, 0, 0], text.get(..8000).unwrap_or(text)].concat();
    let block = Writer::new().tlv(0x0501, [1]).tlv(0x0101, fragment).bytes();
    let body: Bytes = from.write(head).tlv(2, block).bytes();
    flap::encode(Channel::Data, 0, &Snac::new(4, 7, 0, body).encode()).unwrap_or_default().to_vec()
}

/// A stanza: its kind, type and id in the first line, and what is in it. A server lets nobody write
/// another name into `from`, and passes on nothing that is not well-formed.
fn stanza(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let (head, inside) = text.split_once('\n').unwrap_or((text, ""));
    let mut words = head.split(' ');
    let kind = words.next().filter(|kind| ["iq", "message", "presence"].contains(kind))?;
    let around = format!("<x xmlns='{0}'>{inside}</x>", ns::CLIENT);
    let around = Element::parse(around.as_bytes(), &Scope::default()).ok()?;
    let stanza = Element::new(kind, ns::CLIENT)
        .with("from", "mallory@jabber.test/x")
        .with_some("type", words.next())
        .with_some("id", words.next())
        .children(around.elements().cloned())
        .say(around.text());
    Some(stanza.to_xml().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_follows() {
        assert_eq!(framed("oscar", b"\x02body"), b"\x2a\x02\0\0\0\x04body");
        assert_eq!(framed("msnp", b"VER 1 MSNP9\r\n"), b"VER 1 MSNP9\r\n");
        assert_eq!(framed("msnp", b"MSG 1 A\r\nhello"), b"MSG 1 A 5\r\nhello");
        let http = framed("msnp", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n<a/>");
        assert!(http.ends_with(b"Host: x\r\nContent-Length: 4\r\n\r\n<a/>"));
        let packet = framed("ymsg", b"\0\x06\0\0\0\x01pairs");
        assert_eq!((&packet[8..12], &packet[20..]), (&b"\0\x05\0\x06"[..], &b"pairs"[..]));
        assert_eq!(framed("xmpp", b"<a/>"), b"<a/>");
    }

    #[test]
    fn nobody_writes_another_sender_or_breaks_out_of_a_stanza() {
        let relay = |text: &str| relayed("xmpp", text.as_bytes()).map(String::from_utf8);
        let stanza = relay("iq result b1\n<bind xmlns='urn:x'/>").unwrap().unwrap();
        assert_eq!(
            stanza,
            "<iq from='mallory@jabber.test/x' type='result' id='b1'><bind xmlns='urn:x'/></iq>"
        );
        assert_eq!(relay("iq result b1\n</iq><success/><iq>"), None);
        assert_eq!(relay("success\n"), None);
    }
}
