//! An AIM user and a Jabber user, from strangers to strangers again.

use crosstalk_interop::Stage;

use crate::stories::meeting::story;

#[test]
fn aim_and_slixmpp_meet_behind_socks() {
    let stage = Stage::behind_socks();
    let romeo = stage.slixmpp("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_slixmpp_meet_behind_listeners() {
    let stage = Stage::behind_listeners();
    let romeo = stage.slixmpp("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_libpurples_jabber_meet_behind_socks() {
    let stage = Stage::behind_socks();
    let romeo = stage.pidgin("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_libpurples_jabber_meet_behind_listeners() {
    let stage = Stage::behind_listeners();
    let romeo = stage.pidgin("romeo");
    story(&stage, romeo);
}

#[test]
fn aim_and_slixmpp_meet_at_ejabberd() {
    let stage = Stage::of_ejabberd();
    let romeo = stage.slixmpp("romeo");
    story(&stage, romeo);
}
