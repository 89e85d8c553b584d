//! The stories at servers and clients of Debian's next release.

use crosstalk_interop::Stage;

use crate::stories::at_terminals::with_profanity;
use crate::stories::meeting::story;

#[test]
fn aim_and_slixmpp_meet_at_the_next_prosody() {
    let stage = Stage::of_next_prosody();
    let romeo = stage.slixmpp("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_slixmpp_meet_at_the_next_ejabberd() {
    let stage = Stage::of_next_ejabberd();
    let romeo = stage.slixmpp("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_the_next_profanity_meet() {
    with_profanity(&Stage::reoriginating());
}
