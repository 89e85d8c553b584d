//! The privacy mode of a stored list, which an item of class 4 holds.

use std::collections::VecDeque;

use crate::oscar::roster::acks;
use crate::oscar::roster::permit_deny::mode;
use crate::oscar::wire::{Class, Item, ItemId};

/// The class of privacy settings, and the TLV with the mode.
const PRIVACY: Class = Class::Other(4);
const PRIVACY_MODE: u16 = 0x00ca;
/// The most edits of the mode that wait for the server's answer; clients send one at a time.
const MAX_ASKED: usize = 64;

/// The mode, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mode {
    /// 0 before it is known.
    mode: u8,
    /// Item that it was read from: others of this class mean nothing unless they hold a mode too.
    item: Option<ItemId>,
}

/// Edit of the client's that the server has not answered.
#[derive(Debug)]
struct Asked {
    request: u32,
    /// Place of its code in the answer.
    place: usize,
    mode: Mode,
}

/// The mode in force, and those that the client asked for.
#[derive(Debug, Default)]
pub(super) struct Privacy {
    granted: Mode,
    asked: VecDeque<Asked>,
}

impl Privacy {
    /// Every mode that an address has to pass: until the server answers, nobody sees the person who
    /// does not by the old mode and by the new one.
    pub(super) fn modes(&self) -> impl Iterator<Item = u8> {
        let asked = self.asked.iter().fold(0_u8, |seen, asked| seen | bit(asked.mode.mode));
        let all = asked | bit(self.granted.mode);
        (0..=mode::PERMIT_LISTED).filter(move |mode| all & bit(*mode) != 0)
    }

    /// The same before the server's list comes anew; what is asked for still waits for an answer.
    #[must_use]
    pub(super) fn anew(self) -> Self {
        Self { granted: Mode::default(), ..self }
    }

    /// Whether the client waits for an answer about the mode.
    pub(super) fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Bytes that it takes besides itself.
    pub(super) fn weight(&self) -> usize {
        self.asked.len() * size_of::<Asked>()
    }

    /// The server has this item. Returns whether the mode may be another.
    pub(super) fn record(&mut self, item: &Item) -> bool {
        let read = Mode::read(item, self.granted);
        if let Some(mode) = read {
            self.granted = mode;
        }
        read.is_some()
    }

    /// The server has this item no longer. Returns whether the mode may be another.
    pub(super) fn forget(&mut self, item: &Item) -> bool {
        let was = self.granted.item == Some(item.id);
        if was {
            self.granted = Mode::deleted();
        }
        was
    }

    /// The client asks the server to have this item, or not to, in a request whose answer has a code
    /// for it at `place`. Returns whether the modes may be others.
    pub(super) fn ask(&mut self, (request, place): (u32, usize), item: &Item, has: bool) -> bool {
        let last = self.asked.back().map_or(self.granted, |asked| asked.mode);
        let mode = match Mode::read(item, last) {
            Some(mode) if has => mode,
            Some(_) if last.item == Some(item.id) => Mode::deleted(),
            _ => return false,
        };
        if self.asked.len() >= MAX_ASKED {
            // It reads no answers: nothing more lets anybody in.
            self.asked.pop_front();
            self.granted = Mode { mode: mode::DENY_ALL, ..self.granted };
        }
        self.asked.push_back(Asked { request, place, mode });
        true
    }

    /// The server's answer. Returns whether the modes may be others.
    pub(super) fn answered(&mut self, request: u32, codes: &[u16]) -> bool {
        let Some(first) = self.asked.iter().position(|asked| asked.request == request) else {
            return false;
        };
        let mut next = 0;
        while let Some(asked) = self.asked.get(first) {
            // A client may use the number of a request again.
            if asked.request != request || asked.place < next {
                break;
            }
            next = asked.place + 1;
            // Some servers answer with one code for all.
            let code = codes.get(asked.place).or(codes.last());
            if code.is_none_or(|code| *code == acks::OK) {
                self.granted = asked.mode;
            }
            self.asked.remove(first);
        }
        true
    }
}

impl Mode {
    /// The mode of an item, if that is the place of one, where `last` is the mode of before.
    fn read(item: &Item, last: Self) -> Option<Self> {
        let said = item.attribute(PRIVACY_MODE).and_then(<[u8]>::first);
        let is_other = last.item.is_some_and(|last| last != item.id);
        if item.class != PRIVACY || said.is_none() && is_other {
            return None;
        }
        let mode = said.copied().unwrap_or(mode::PERMIT_ALL);
        Some(Self { mode, item: Some(item.id) })
    }

    /// The mode of those who have no such item.
    const fn deleted() -> Self {
        Self { mode: mode::PERMIT_ALL, item: None }
    }
}

/// Place of a mode in a set; one that nobody knows counts as none.
const fn bit(mode: u8) -> u8 {
    if mode > mode::PERMIT_LISTED { 1 } else { 1 << mode }
}
