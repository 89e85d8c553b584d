//! The pictures of the chat page in its manual.

use std::path::Path;

use crosstalk_interop::{Browser, Stage};

const ANN: &str = "ann@web.xt";
const ALICE: &str = "alice@aol";

#[test]
fn the_chat_page_light_dark_and_on_a_phone() {
    let stage = Stage::behind_socks();
    let [mut alice, mut carol, mut dave] = ["alice", "carol", "dave"].map(|name| stage.aim(name));
    let mut ann = Browser::open(&stage.invite("ann"));
    ann.does(&["accept", "a horse called Bob"]);
    for (person, name) in [(&mut carol, "carol@aol"), (&mut alice, ALICE)] {
        ann.does(&["add", name]);
        let request = person.sees_request(ANN);
        person.grants(&request);
        ann.does(&["shows", name, "online"]);
        person.does(&["add", ANN, "Friends"]);
        ann.does(&["allow", name]);
    }
    carol.goes_away("Lunch, back at two");
    ann.does(&["shows", "carol@aol", "Lunch, back at two"]);
    dave.does(&["add", ANN, "Friends"]);
    let said = ["Ann! You are on AIM now?", "A <b>browser</b> will do? Then see you at eight"];
    alice.says(ANN, &alice.types(said[0]));
    ann.does(&["reads", ALICE, said[0]]);
    ann.does(&["says", ALICE, "No, I have only a browser. Привет from the train 😀"]);
    alice.says(ANN, "A <b>browser</b> will do? Then see you at eight");
    ann.does(&["reads", ALICE, said[0], &said[1].replace("<b>", "").replace("</b>", "")]);
    let file = stage.directory().join("tickets.pdf");
    std::fs::write(&file, vec![0; 340_000]).unwrap();
    ann.does(&["offer", ALICE, &file.display().to_string()]);
    ann.does(&["asked-by", "dave@aol"]);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, scheme, size) in
        [("page", "light", "desk"), ("page-dark", "dark", "desk"), ("page-phone", "light", "phone")]
    {
        ann.does(&["looks", scheme, size]);
        ann.is_pictured(&docs.join(format!("{name}.png")));
    }
    ann.had_no_errors();
}
