//! Files over HTTP.

use crosstalk_core::Side;
use crosstalk_networks::ymsg::Ymsg;
use crosstalk_networks::ymsg::wire::{Draft, Style};

use crate::common::{Gateway, Shared};
use crate::scene::BOB;

fn file(to: &str) -> Vec<u8> {
    let draft = Draft::new(0x46, 0).with(0, "ann").with(5, to).with(27, "a.png").with(29, "");
    let packet = draft.finish(Style { version: 10, vendor: 0, session: 7 });
    let length = packet.len() + 3;
    let head = format!(
        "POST http://filetransfer.msg.yahoo.com:80/notifyft HTTP/1.0\r\nContent-length: {length}\r\n\
         Host: filetransfer.msg.yahoo.com:80\r\nCookie: Y=x\r\n\r\n"
    );
    [head.as_bytes(), &packet, b"png"].concat()
}

#[test]
fn a_file_for_own_people_passes_however_it_comes() {
    let file = file("eve");
    for piece in [1, 7, file.len()] {
        let mut gateway = Gateway::new(&Ymsg, &Shared::default(), None);
        for bytes in file.chunks(piece) {
            gateway.bytes(Side::Client, bytes).unwrap();
        }
        gateway.bytes(Side::Server, b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        assert_eq!(gateway.take(Side::Server), file);
        assert!(gateway.take(Side::Client).starts_with(b"HTTP/1.0 200") && !gateway.altered());
    }
}

#[test]
fn a_file_for_somebody_foreign_does_not_leave() {
    for piece in [1, 7, 1000] {
        let mut gateway = Gateway::new(&Ymsg, &Shared::default(), None);
        let refused = file(BOB).chunks(piece).any(|b| gateway.bytes(Side::Client, b).is_err());
        assert!(refused && gateway.altered() && gateway.take(Side::Server).is_empty());
    }
}
