//! Bounds on costs: for every input by what it is good for, and for all of them together by what
//! the gateway has.

mod descriptors;
mod disk;
mod markup;
mod mesh;
mod names;
mod stanza;
mod strangers;
mod unfinished;
mod unread;

pub(crate) use markup::worst_markup;
pub(crate) use names::dial_dead;
pub(crate) use unfinished::{serve_unfinished, unfinished};
pub(crate) use unread::flood;

use crate::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    let kinds = [
        descriptors::cases(),
        disk::cases(),
        markup::cases(),
        mesh::cases(),
        names::cases(),
        stanza::cases(),
        strangers::cases(),
        unfinished::cases(),
        unread::cases(),
    ];
    kinds.into_iter().flatten().collect()
}
