//! AIM: a session is whose the server's 01/0f says.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, Writer, find, flap};

use super::liar::{LIAR, Line, PASSWORD, Scene, VICTIMS_NAME};
use crate::case::{Case, cases};

/// Bytes that TLV 2 is masked with to hide a password.
const PAD: [u8; 8] = [0xf3, 0x26, 0x81, 0xc4, 0x39, 0x86, 0xdb, 0x92];
const PORT: u16 = 5190;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_aim_cookie_that_came_another_way_does_not_sign_on_whom_its_client_names,
        an_aim_client_that_lies_in_every_field_is_signed_on_as_who_it_is,
    ]
    .into()
}

struct Aim {
    line: Line,
    sequence: u16,
}

impl Aim {
    async fn send(&mut self, channel: Channel, body: &[u8]) {
        self.sequence += 1;
        self.line.write(&flap::encode(channel, self.sequence, body).unwrap()).await;
    }

    async fn snac(&mut self, family: u16, subtype: u16, body: impl Into<Bytes>) {
        self.send(Channel::Data, &Snac::new(family, subtype, 1, body).encode()).await;
    }

    async fn frame(&mut self) -> Option<Frame> {
        self.line.next(|read| Frame::take(read).unwrap()).await
    }

    /// The liar's cookie, for the liar's password.
    async fn cookie(line: Line) -> Vec<u8> {
        let mut aim = Self { line, sequence: 0 };
        let roasted: Vec<u8> = PASSWORD.bytes().zip(PAD).map(|(byte, pad)| byte ^ pad).collect();
        let hello = Writer::new().u32(flap::VERSION).tlv(0x01, LIAR).tlv(0x02, roasted);
        aim.send(Channel::SignOn, &hello.bytes()).await;
        loop {
            let frame = aim.frame().await.expect("a cookie");
            if let Some(cookie) = find(&frame.body(), 0x06) {
                return cookie.to_vec();
            }
        }
    }

    /// Shows a cookie, and claims to be another one wherever there is room for a name.
    async fn lie(line: Line, cookie: &[u8]) -> Self {
        let mut aim = Self { line, sequence: 0 };
        let hello = Writer::new().u32(flap::VERSION).tlv(0x01, VICTIMS_NAME).tlv(0x06, cookie);
        aim.send(Channel::SignOn, &hello.tlv(0x03, "a liar").bytes()).await;
        // What a server would say of its client: a name, its warnings, and no more.
        let name = VICTIMS_NAME.as_bytes();
        let info = Writer::new().u8(3).raw(name).u16(0).u16(0).bytes();
        while let Some(frame) = aim.frame().await {
            let body = frame.body();
            let kind = Snac::peek(&body);
            match kind {
                (0x01, 0x03) => {
                    aim.snac(0x01, 0x0f, info.clone()).await;
                    aim.snac(0x01, 0x17, Bytes::from_static(&[0, 1, 0, 4, 0, 4, 0, 1])).await;
                }
                (0x01, 0x18) => aim.snac(0x01, 0x06, Bytes::new()).await,
                (0x01, 0x07) => {
                    aim.snac(0x01, 0x0f, info.clone()).await;
                    aim.snac(0x02, 0x04, Writer::new().tlv(0x01, VICTIMS_NAME).bytes()).await;
                    aim.snac(0x01, 0x0e, Bytes::new()).await;
                    let ready = Writer::new().u16(4).u16(1).u32(0x0110_0629).bytes();
                    aim.snac(0x01, 0x02, ready).await;
                }
                (0x01, 0x0f) => break,
                _ => {}
            }
        }
        aim
    }
}

async fn an_aim_cookie_that_came_another_way_does_not_sign_on_whom_its_client_names() {
    let scene = Scene::begin("aol", PORT).await;
    let cookie = Aim::cookie(scene.directly().await).await;
    let _signed_on = Aim::lie(scene.through().await, &cookie).await;
    scene.nobody_but_the_liar_is_signed_on().await;
}

async fn an_aim_client_that_lies_in_every_field_is_signed_on_as_who_it_is() {
    let scene = Scene::begin("aol", PORT).await;
    let cookie = Aim::cookie(scene.through().await).await;
    let _signed_on = Aim::lie(scene.through().await, &cookie).await;
    scene.the_liar_is_signed_on().await;
}
