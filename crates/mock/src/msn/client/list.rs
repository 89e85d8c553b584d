//! The list as SYN tells it before MSNP13.

use std::collections::BTreeMap;

use crosstalk_core::RichText;
use crosstalk_networks::msnp::wire::Command;

use super::sign_on::ask;
use super::{Read, Session};
use crate::msn::{ALLOW, BLOCK, FORWARD, REVERSE, bit};
use crate::{Event, SignOnError};

/// The last of the lists that are told before MSNP8.
const LAST: &str = "RL";

impl Session {
    /// Asks for the list and reads it.
    pub(super) async fn read_list(&mut self, read: &mut Read) -> Result<(), SignOnError> {
        self.transaction += 1;
        let none = if self.version >= 10 { "0 0" } else { "0" };
        let syn = ask(read, &mut self.write, &format!("SYN {} {none}", self.transaction)).await?;
        if self.version < 8 {
            self.read_list_by_list(read).await
        } else {
            self.read_list_by_contact(read, &syn).await
        }
    }

    /// Reads each list, whose lines say which of how many they are.
    async fn read_list_by_list(&mut self, read: &mut Read) -> Result<(), SignOnError> {
        let mut lists = BTreeMap::new();
        let mut before = 0;
        loop {
            let command = next(read).await?;
            if command.verb() != "LST" {
                continue;
            }
            let number = |at: usize| command.word(at).parse::<usize>();
            let (Ok(at), Ok(total)) = (number(4), number(5)) else {
                return Err(SignOnError::Protocol("a list without numbers"));
            };
            if (total > 0 && at != before + 1) || at > total {
                return Err(SignOnError::Protocol("a list that is not counted right"));
            }
            before = if at == total { 0 } else { at };
            let list = command.word(2);
            if total > 0 {
                let name = command.word(6).to_lowercase();
                *lists.entry(name).or_insert(0) |= bit(list);
            }
            if list == LAST && at == total {
                break;
            }
        }
        for (name, lists) in lists {
            self.note(name, lists).await;
        }
        Ok(())
    }

    /// Reads as many groups and contacts as `syn` promises.
    async fn read_list_by_contact(
        &mut self,
        read: &mut Read,
        syn: &Command,
    ) -> Result<(), SignOnError> {
        let first = if self.version >= 10 { 4 } else { 3 };
        let count = |at: usize| syn.word(at).parse::<usize>();
        let (Ok(mut contacts), Ok(mut groups)) = (count(first), count(first + 1)) else {
            return Err(SignOnError::Protocol("a list without counts"));
        };
        while contacts + groups > 0 {
            let command = next(read).await?;
            let left = match command.verb() {
                "LSG" => &mut groups,
                "LST" => {
                    self.listed(&command).await;
                    &mut contacts
                }
                _ => continue,
            };
            *left = left.checked_sub(1).ok_or(SignOnError::Protocol("more than was promised"))?;
        }
        Ok(())
    }

    /// LST: a contact and the lists that hold it.
    async fn listed(&mut self, command: &Command) {
        let name = command.word(1).trim_start_matches("N=").to_lowercase();
        let guid = command.words().find_map(|w| w.strip_prefix("C="));
        if let Some(guid) = guid {
            self.guids.insert(name.clone(), guid.to_owned());
        }
        let lists = command.word(if guid.is_some() { 4 } else { 3 }).parse::<u8>().unwrap_or(0);
        self.note(name, lists).await;
    }

    /// Somebody stands on these lists.
    async fn note(&self, name: String, lists: u8) {
        if lists & FORWARD != 0 {
            self.tell(Event::Listed(name.clone())).await;
        }
        if lists & REVERSE != 0 && lists & (ALLOW | BLOCK) == 0 {
            self.tell(Event::Asked { by: name, text: RichText::default() }).await;
        }
    }
}

async fn next(read: &mut Read) -> Result<Command, SignOnError> {
    read.next().await?.ok_or(SignOnError::Protocol("the list is cut short"))
}
