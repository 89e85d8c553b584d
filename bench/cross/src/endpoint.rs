//! Ways from one person to another, each with its conversations.

use bench_processes::process::Running;

use crate::peers::{LEFT, RIGHT};
use crate::person::{Person, Talk};

/// A sender and a receiver.
pub(crate) struct Conversation {
    pub(crate) from: Person,
    pub(crate) to: Person,
    /// The receiver's name for the sender.
    pub(crate) name: String,
    pub(crate) sent: u64,
    pub(crate) heard: u64,
}

/// A way that is measured.
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) conversations: Vec<Conversation>,
    /// The processes whose costs count.
    pub(crate) processes: Vec<u32>,
    _running: Vec<Running>,
}

impl Endpoint {
    pub(crate) fn new(
        name: &'static str,
        conversations: Vec<Conversation>,
        processes: Vec<u32>,
        running: impl IntoIterator<Item = Running>,
    ) -> Self {
        let running = running.into_iter().collect();
        Self { name, conversations, processes, _running: running }
    }
}

impl Conversation {
    fn between(from: Person, to: Person, name: String) -> Self {
        Self { from, to, name, sent: 0, heard: 0 }
    }

    /// Over the floor, where clients are paired by the order in which they come.
    pub(crate) async fn raw([near, far]: [u16; 2]) -> Self {
        let to = Person::connect(far, Talk::Raw).await;
        Self::between(Person::connect(near, Talk::Raw).await, to, String::new())
    }

    /// Two people of one XMPP server.
    pub(crate) async fn same(server: u16, n: usize) -> Self {
        let from = Person::xmpp(server, &format!("ann{n}"), LEFT).await;
        let to = Person::xmpp(server, &format!("bob{n}"), LEFT).await;
        Self::between(from, to, format!("bob{n}@{LEFT}"))
    }

    /// A person behind one gateway, and a friend behind the other.
    pub(crate) async fn across([near, far]: [u16; 2], n: usize) -> Self {
        let (ann, bob) = (format!("amy{n}"), format!("ben{n}"));
        let (mut from, mut to) =
            (Person::xmpp(near, &ann, LEFT).await, Person::xmpp(far, &bob, RIGHT).await);
        let ann = format!("{ann}%{LEFT}@left.xt");
        let bob = format!("{bob}%{RIGHT}@right.xt");
        from.say(&format!("<presence to='{bob}' type='subscribe'/>")).await;
        to.hear("subscribe").await;
        to.say(&format!("<presence to='{ann}' type='subscribed'/>")).await;
        from.hear("subscribed").await;
        Self::between(from, to, bob)
    }

    /// A user of `BitlBee` who says something to a friend of the XMPP server behind it, or hears it
    /// from that one.
    pub(crate) async fn bitlbee(port: u16, server: u16, user: &str, back: bool) -> Self {
        let friend = format!("k{user}");
        let mut xmpp = Person::xmpp(server, &friend, LEFT).await;
        let mut irc = Person::bitlbee(port, user, LEFT, server).await;
        irc.say(&format!("PRIVMSG &bitlbee :add jabber {friend}@{LEFT}\r\n")).await;
        xmpp.hear("subscribe").await;
        xmpp.say(&format!("<presence to='{user}@{LEFT}' type='subscribed'/>")).await;
        irc.hear(&format!("+v {friend}")).await;
        if back {
            Self::between(xmpp, irc, format!("{user}@{LEFT}"))
        } else {
            Self::between(irc, xmpp, friend)
        }
    }

    /// Says one text.
    pub(crate) async fn say(&mut self, number: usize) {
        self.say_up_to(number, 1).await;
    }

    /// Says so many texts in one write.
    pub(crate) async fn say_up_to(&mut self, number: usize, count: u64) {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let text = crate::person::text(number, self.sent);
            self.from.write_text(&self.name, &text, &mut bytes);
            self.sent += 1;
        }
        self.from.send(&bytes).await;
    }

    /// Hears some; checks that each comes once and in order.
    pub(crate) async fn hear(&mut self, number: usize) {
        self.to.texts(number, &mut self.heard).await;
    }
}
