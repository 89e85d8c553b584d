//! Inputs to begin with: scripts made from captures of real sessions, and what is worth a try.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use crosstalk_core::Side;
use crosstalk_networks::oscar::wire::{Frame, flap};
use crosstalk_networks::ymsg::wire::Packet;
use crosstalk_networks::{msnp, xmpp};
use crosstalk_overlay::fuzzing::{good_documents, good_frames};

use crate::script::{Kind, Script};

/// The name of a seed that is made, and not kept for what it once found, begins with this.
pub const MADE: &str = "made-";

/// Limit on the part of one connection of a capture that goes into a script, in bytes.
const MOST: usize = 7 * 1024;

/// Connections that belong together, as files below the captures of a network.
const SESSIONS: &[(&str, &[&str])] = &[
    (
        "oscar",
        &["s1-two-users-plain/001-auth-md5-alicetb.txt", "s1-two-users-plain/002-bos-alicetb.txt"],
    ),
    (
        "oscar",
        &["s2-typing-ssi-rate/001-auth-md5-alicetb.txt", "s2-typing-ssi-rate/002-bos-alicetb.txt"],
    ),
    ("oscar", &["s3-errors-multilogin-autoreply/004-bos-alicetb.txt"]),
    (
        "oscar",
        &[
            "s9-oldclient-roasted-md5/005-auth-roasted-caroltb.txt",
            "s9-oldclient-roasted-md5/006-bos-caroltb.txt",
            "s1-two-users-plain/003-alert-alicetb.txt",
        ],
    ),
    ("xmpp", &["ejabberd-libpurple.cap"]),
    ("xmpp", &["prosody-libpurple.cap"]),
    ("xmpp", &["prosody-slixmpp.cap"]),
    ("msnp", &["9/a-001-messenger.hotmail.com_1863.cap", "9/a-004-127.0.0.2_1864.cap"]),
    ("msnp", &["9/b-001-messenger.hotmail.com_1863.cap", "9/b-005-127.0.0.2_1864.cap"]),
    ("msnp", &["11/ab-001-direct_127.0.0.2_1863.cap", "11/ab-006-direct_127.0.0.2_1864.cap"]),
    (
        "msnp",
        &[
            "18/a-001-messenger.hotmail.com_1863.cap",
            "18/a-003-local-bay.contacts.msn.com_443.cap",
            "18/a-005-127.0.0.2_1864.cap",
        ],
    ),
    ("msnp", &["18/b-001-messenger.hotmail.com_1863.cap", "18/b-004-127.0.0.2_1864.cap"]),
    ("ymsg", &["10/a-001-scs.msg.yahoo.com_5050.cap"]),
    ("ymsg", &["16/a-001-vcs1.msg.yahoo.com_80.cap", "16/a-002-127.0.0.1_5050.cap"]),
    ("ymsg", &["16/b-002-127.0.0.1_5050.cap", "16-book/address.yahoo.com_80.cap"]),
];

/// Every seed that is made, with its target and its name, from the captures below `captures`.
pub fn made(captures: &Path) -> io::Result<Vec<(String, String, Vec<u8>)>> {
    let mut seeds = Vec::new();
    let mut add = |target: &str, name: String, bytes: Vec<u8>| {
        seeds.push((target.to_owned(), format!("{MADE}{name}"), bytes));
    };
    for (number, (network, files)) in SESSIONS.iter().enumerate() {
        let mut connections = Vec::new();
        for file in *files {
            connections.push(reads(&captures.join(network).join(file))?);
        }
        let script = script(network, &connections).into_bytes();
        add(&format!("engine_{network}"), format!("session-{number}"), script);
        if *network == "xmpp" {
            let said = connections[0].iter().filter(|(side, _)| *side == Side::Server);
            let said: Vec<u8> = said.flat_map(|(_, read)| read).copied().take(MOST).collect();
            add("xml", format!("stream-{number}"), said);
        }
    }
    for (number, frame) in good_frames().into_iter().enumerate() {
        add("frames", format!("frame-{number}"), frame);
    }
    for (number, document) in good_documents().into_iter().enumerate() {
        add("membership", format!("document-{number}"), document);
    }
    add("node", "peers".to_owned(), of_peers());
    Ok(seeds)
}

/// The files in which seeds of a target are checked in.
pub fn files(target: &str) -> io::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("seeds").join(target))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    if target == "config" {
        // It has every setting there is.
        files.push(root.join("../config/example.toml"));
    }
    files.sort();
    Ok(files)
}

type Reads = Vec<(Side, Vec<u8>)>;

/// The reads of a capture: lines of `C seconds hex` and `S seconds hex`; all others are remarks.
fn reads(path: &Path) -> io::Result<Reads> {
    let text = fs::read_to_string(path)?;
    let reads = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let side = match words.next()? {
            "C" => Side::Client,
            "S" => Side::Server,
            _ => return None,
        };
        let digits = words.nth(1)?.as_bytes().chunks_exact(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        Some((side, digits.map(byte).collect::<Option<_>>()?))
    });
    Ok(reads.collect())
}

/// The script of a session, in which things are delivered besides, and time passes.
fn script(network: &str, connections: &[Reads]) -> Script {
    let mut script = Script::default();
    for (connection, reads) in connections.iter().enumerate() {
        script.step(connection, Kind::Open, b"");
        let mut buffers = [BytesMut::new(), BytesMut::new()];
        let begin = script.len();
        for (side, read) in reads {
            if script.len() - begin > MOST {
                break;
            }
            let buffer = &mut buffers[*side as usize];
            buffer.extend_from_slice(read);
            say(network, &mut script, connection, *side, buffer);
        }
        live(&mut script, connection);
    }
    script.step(0, Kind::ClientGone, b"");
    script.step(0, Kind::ServerGone, b"");
    script
}

/// Adds events for somebody who is signed in.
fn live(script: &mut Script, connection: usize) {
    let deliveries: [&[u8]; 12] = [
        b"\x10\x01\0bold <b> & \xd0\x9f\xd1\x80\xd0\xb8",
        b"\x81\x02\x10late, with a link",
        b"\x43\x00\0away message",
        b"\x04\x01\0",
        b"\x06\x01\0",
        b"\x07\x01\0",
        b"\x08\x01\0",
        b"\x09\x03\0may I?",
        b"\x0a\x01\0",
        b"\x0b\x01\0",
        b"\x0d\x01\0",
        b"\x4f\x01\0brb",
    ];
    for text in deliveries {
        script.step(connection, Kind::Deliver, text);
    }
    script.step(connection, Kind::Carbon, b"\0\x01\0said elsewhere");
    script.step(connection, Kind::Changed, b"\x07\x02Robert\nFriends\nWork");
    script.step(connection, Kind::Changed, b"\x20\x01");
    script.step(connection, Kind::Changed, b"\0\x02");
    script.step(connection, Kind::Computed, b"");
    script.step(connection, Kind::Wait, b"1");
    script.step(connection, Kind::Delivered, b"");
    script.step(connection, Kind::Wait, b"90");
}

/// Says the frames that are whole.
fn say(network: &str, script: &mut Script, at: usize, side: Side, buffer: &mut BytesMut) {
    let (plain, framed) = match side {
        Side::Client => (Kind::Client, Kind::ClientFrame),
        Side::Server => (Kind::Server, Kind::ServerFrame),
    };
    let is_http =
        buffer.starts_with(b"POST") || buffer.starts_with(b"GET") || buffer.starts_with(b"HTTP");
    match network {
        "oscar" => {
            while let Ok(Some((channel, _, length))) = flap::header(buffer) {
                let Ok(Some(frame)) = Frame::take(buffer) else { break };
                debug_assert_eq!(frame.raw().len(), length);
                script.step(at, framed, &[&[channel.number()][..], &frame.body()].concat());
            }
        }
        "msnp" if !is_http => {
            while let Ok(Some(command)) = msnp::wire::Command::take(side, buffer) {
                let payload = command.payload();
                let line = &command.raw[..command.raw.len() - payload.len()];
                if payload.is_empty() {
                    script.step(at, plain, line);
                    continue;
                }
                let end = line.iter().rposition(|b| *b == b' ').unwrap_or(0);
                script.step(at, framed, &[&line[..end], b"\n", payload].concat());
            }
        }
        "ymsg" if !is_http => {
            while let Ok(Some(packet)) = Packet::take(side, buffer) {
                if packet.style.version < 16 {
                    script.step(at, plain, &packet.raw);
                    continue;
                }
                let (service, status) = (packet.service.to_be_bytes(), packet.status.to_be_bytes());
                let pairs = packet.raw.get(20..).unwrap_or_default();
                script.step(at, framed, &[&service[..], &status, pairs].concat());
            }
        }
        "xmpp" => {
            let mut framer = xmpp::wire::Framer::default();
            while let Ok(Some(frame)) = framer.next(buffer) {
                script.step(at, plain, &frame.into_bytes());
            }
        }
        _ => script.step(at, plain, &buffer.split()),
    }
}

/// Steps of the target `node`.
fn of_peers() -> Vec<u8> {
    let mut steps = vec![10, 0, 0, 11, 0, 0];
    for (number, frame) in good_frames().into_iter().enumerate() {
        steps.push(number as u8 & 1);
        steps.extend((frame.len() as u16).to_be_bytes());
        steps.extend(frame);
        steps.extend([8, 0, 40]);
    }
    steps.extend([14, 0, 0, 15, 0, 0, 12, 0, 0, 8, 1, 0, 9, 0, 3, 13, 0, 1, 9, 0, 4, 8, 64, 0]);
    steps
}
