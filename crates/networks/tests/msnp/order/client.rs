//! A client that makes something of what it is told, and what a server tells it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::BytesMut;
use crosstalk_networks::msnp::wire::Command;

use super::EVE;
use crate::*;

/// State of a client after what it was sent.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) listed: BTreeMap<String, usize>,
    pub(super) groups: BTreeMap<String, usize>,
    pub(super) online: BTreeSet<String>,
    pub(super) rings: Vec<String>,
}

impl Client {
    /// Takes what the notification connection says. Arrivals of those who are not in the list mean
    /// nothing to it.
    pub(super) fn take(&mut self, version: u32, bytes: &[u8]) {
        let mut bytes = BytesMut::from(bytes);
        while let Some(command) = Command::take(Side::Server, &mut bytes).unwrap() {
            match command.verb() {
                "LST" => self.lists(version, &command),
                "LSG" => {
                    let at = if version < 8 { 6 } else { 1 + usize::from(version < 10) };
                    *self.groups.entry(command.word(at).to_owned()).or_default() += 1;
                }
                "ILN" => self.arrives(command.word(3)),
                "NLN" => self.arrives(command.word(2)),
                "FLN" => drop(self.online.remove(command.word(1).trim_start_matches("1:"))),
                "RNG" => self.rings.push(command.from(0)),
                _ => {}
            }
        }
        assert!(bytes.is_empty(), "half a command: {bytes:?}");
    }

    fn lists(&mut self, version: u32, line: &Command) {
        let (name, is_forward) = match version {
            ..8 => (line.word(6), line.word(2) == "FL" && line.word(4) != "0"),
            8..10 => (line.word(1), line.word(3).parse::<u8>().unwrap() & 1 != 0),
            _ => {
                let lists = line.words().find_map(|word| word.parse::<u8>().ok());
                (line.word(1).trim_start_matches("N="), lists.unwrap() & 1 != 0)
            }
        };
        if is_forward {
            *self.listed.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn arrives(&mut self, name: &str) {
        let name = name.trim_start_matches("1:");
        if self.listed.contains_key(name) {
            self.online.insert(name.to_owned());
        }
    }

    /// Takes an answer of the address book.
    pub(super) fn reads(&mut self, answer: &str) {
        for name in [BOB, EVE] {
            let found = answer.matches(&format!("<passportName>{name}</passportName>")).count();
            *self.listed.entry(name.to_owned()).or_default() += found;
        }
        *self.groups.entry("Work".to_owned()).or_default() +=
            answer.matches("<name>Work</name>").count();
    }
}

/// The lines with which a server tells its list.
pub(super) fn lines(version: u32) -> VecDeque<String> {
    let (eve, group) = (format!("{EVE} Eve"), "1-2-3");
    let lines: Vec<String> = match version {
        ..8 => {
            let groups = if version == 7 {
                vec!["LSG 5 18 1 1 0 Other%20Contacts 0".to_owned()]
            } else {
                Vec::new()
            };
            let behind = if version == 7 { " 0" } else { "" };
            let lists = [
                "GTC 5 18 A".to_owned(),
                "BLP 5 18 AL".to_owned(),
                format!("LST 5 FL 18 1 1 {eve}{behind}"),
                "BPR 18 PHH 555".to_owned(),
                format!("LST 5 AL 18 1 1 {eve}"),
                "LST 5 BL 18 0 0".to_owned(),
                format!("LST 5 RL 18 1 1 {eve}"),
            ];
            std::iter::once("SYN 5 18".to_owned()).chain(groups).chain(lists).collect()
        }
        8 | 9 => ["SYN 5 18 1 1", "GTC A", "BLP AL", "PRP PHH 555", "LSG 0 Friends 0"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("LST {eve} 11 0"), "BPR PHH 555".to_owned()])
            .collect(),
        10..13 => {
            let kind = if version == 12 { " 1" } else { "" };
            vec![
                "SYN 5 a b 1 1".to_owned(),
                "GTC A".to_owned(),
                "BLP AL".to_owned(),
                "PRP MFN Mary".to_owned(),
                format!("LSG Friends {group}"),
                format!("LST N={EVE} F=Eve C=4-5-6 11{kind} {group}"),
                "BPR PHH 555".to_owned(),
            ]
        }
        _ => vec!["ADL 5 OK".to_owned()],
    };
    lines.into()
}

/// Response of the server about the address book.
pub(super) fn contacts() -> String {
    format!(
        "<Groups></Groups><Contacts><Contact><contactId>4-5-6</contactId><contactInfo>\
         <contactType>Regular</contactType><passportName>{EVE}</passportName></contactInfo>\
         </Contact></Contacts><Ab><abInfo><ownerEmail>mary@hotmail.com</ownerEmail></abInfo></Ab>"
    )
}

pub(super) fn memberships() -> String {
    "<Services><Service><Memberships></Memberships><Info><Handle><Id>1</Id><Type>Messenger</Type>\
     </Handle></Info></Service></Services><OwnerNamespace><Info><CreatorPassportName>\
     mary@hotmail.com</CreatorPassportName></Info></OwnerNamespace>"
        .to_owned()
}
