//! Who said it: only what a server itself said on that connection signs somebody in.

mod bind;
mod domain;
mod resume;

use crate::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    [bind::cases(), domain::cases(), resume::cases()].into_iter().flatten().collect()
}
