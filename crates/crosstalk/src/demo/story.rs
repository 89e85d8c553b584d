//! What the four people do.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Presence, RichText, Show, Style, Typing};
use crosstalk_mock::{Act, Event};

use super::actor::{Actor, Miss};
use super::cast::{Cast, PARTS};
use super::latency::Latency;
use super::stage::Stage;
use super::tell::Teller;

/// Between two messages of one person: the router lets everybody say 20 a second.
const PACE: Duration = Duration::from_millis(50);

/// Everything that happens once the four are signed on, in order.
pub(crate) async fn play(
    tell: Teller,
    stage: &Stage,
    cast: &mut Cast,
    messages: usize,
) -> Result<(), Miss> {
    let scene = Scene { tell, control: Address::control() };
    let Cast { alice, bob, carol, dave } = cast;

    tell.chapter("Friends on another network");
    scene.befriend(alice, bob).await?;
    scene.befriend(bob, alice).await?;
    scene.befriend(dave, carol).await?;

    tell.chapter("Talking");
    scene.says(alice, bob, "Привет Bob! Is <b>this</b> Jabber? 🎉".into()).await?;
    scene.types(bob, alice).await?;
    scene.says(bob, alice, emphasis()).await?;
    scene.types(alice, bob).await?;
    scene.says(alice, bob, "See you tomorrow, then.".into()).await?;
    scene.says(carol, dave, "Dave, are you there?".into()).await?;
    scene.says(dave, carol, "Always.".into()).await?;

    tell.chapter("Who is where");
    scene.away(bob, alice, "Lunch, back at two").await?;
    scene.back(bob, alice).await?;
    scene.away(alice, bob, "On the phone").await?;
    scene.back(alice, bob).await?;

    tell.chapter("The control contact");
    scene.asks_control(alice, "/who").await?;

    tell.chapter("Within one network nothing changes");
    scene.says(alice, carol, "Same old AIM.".into()).await?;
    scene.says(bob, dave, "Same old Jabber.".into()).await?;

    tell.chapter("How long a message takes, client to client");
    scene.measure(alice, bob, messages).await?;

    tell.chapter("Off, and on again");
    scene.leaves(alice, bob).await?;
    let [part, ..] = &PARTS;
    *alice = part.enter(tell, stage).await?;
    scene.finds_again(alice, bob).await
}

struct Scene {
    tell: Teller,
    control: Address,
}

impl Scene {
    /// `asker` adds `asked`, who is asked first and accepts.
    async fn befriend(&self, asker: &mut Actor, asked: &mut Actor) -> Result<(), Miss> {
        let theirs = asker.spells(&asked.address);
        let begun = Instant::now();
        asker.does(Act::Add(theirs.clone())).await;
        let (reader, by) = (asked.reader(), asker.address.clone());
        let question = format!("{} asking to see when {} is online", asker.name, asked.name);
        let shown = |e: &Event| match e {
            Event::Asked { by: name, .. } if reader.means(name, &by) => Some(name.clone()),
            _ => None,
        };
        let ours = asked.sees(question, shown).await?;
        self.tell.step(asker.name, format!("adds {theirs}"), None);
        self.tell.step(asked.name, format!("is asked about {ours}"), Some(begun.elapsed()));
        let begun = Instant::now();
        asked.does(Act::Accept(ours)).await;
        self.watch(asker, asked, "online", Presence::is_online).await?;
        self.tell.step(asked.name, "accepts", None);
        self.tell.step(asker.name, format!("sees {theirs} online"), Some(begun.elapsed()));
        Ok(())
    }

    async fn types(&self, from: &mut Actor, to: &mut Actor) -> Result<(), Miss> {
        to.looks_up().await;
        let begun = Instant::now();
        let typing = Typing::Active;
        from.does(Act::Type { to: from.spells(&to.address), typing }).await;
        let (reader, by) = (to.reader(), from.address.clone());
        let shown = |e: &Event| match e {
            Event::Typing { from, typing: Typing::Active } if reader.means(from, &by) => Some(()),
            _ => None,
        };
        to.sees(format!("that {} is typing", from.name), shown).await?;
        self.tell.step(to.name, format!("sees {} typing", from.name), Some(begun.elapsed()));
        Ok(())
    }

    async fn says(&self, from: &mut Actor, to: &mut Actor, text: RichText) -> Result<(), Miss> {
        let shown = text.text().to_owned();
        to.looks_up().await;
        let begun = Instant::now();
        self.say_and_see(from, to, text).await?;
        self.tell.step(from.name, format!("to {}: {shown}", to.name), Some(begun.elapsed()));
        Ok(())
    }

    /// A message that must arrive as it was written.
    async fn say_and_see(
        &self,
        from: &mut Actor,
        to: &mut Actor,
        text: RichText,
    ) -> Result<(), Miss> {
        from.does(Act::Say { to: from.spells(&to.address), text: text.clone() }).await;
        let arrived = hears(to, &from.address, format!("a message of {}", from.name)).await?;
        if arrived.text() == text.text() {
            Ok(())
        } else {
            let (sent, came) = (text.text(), arrived.text());
            Err(Miss::Wrong(format!("{} wrote {sent:?}, but {} read {came:?}", from.name, to.name)))
        }
    }

    async fn away(&self, who: &mut Actor, watcher: &mut Actor, text: &str) -> Result<(), Miss> {
        watcher.looks_up().await;
        let begun = Instant::now();
        who.does(Act::Away(text.into())).await;
        let away = |p: &Presence| p.show == Show::Away && p.text.text() == text;
        self.watch(watcher, who, &format!("away with the words {text:?}"), away).await?;
        let what = format!("sees {} away: {text}", who.name);
        self.tell.step(watcher.name, what, Some(begun.elapsed()));
        Ok(())
    }

    async fn back(&self, who: &mut Actor, watcher: &mut Actor) -> Result<(), Miss> {
        watcher.looks_up().await;
        let begun = Instant::now();
        who.does(Act::Back).await;
        self.watch(watcher, who, "back", |p| p.show >= Show::Available).await?;
        self.tell.step(watcher.name, format!("sees {} back", who.name), Some(begun.elapsed()));
        Ok(())
    }

    async fn leaves(&self, who: &mut Actor, watcher: &mut Actor) -> Result<(), Miss> {
        watcher.looks_up().await;
        let begun = Instant::now();
        who.does(Act::SignOff).await;
        self.watch(watcher, who, "offline", |p| !p.is_online()).await?;
        self.tell.step(watcher.name, format!("sees {} sign off", who.name), Some(begun.elapsed()));
        Ok(())
    }

    /// `who` has just signed on again: the list is there, and the presences.
    async fn finds_again(&self, who: &mut Actor, friend: &mut Actor) -> Result<(), Miss> {
        let begun = Instant::now();
        let (reader, theirs) = (who.reader(), friend.address.clone());
        let listed = |e: &Event| match e {
            Event::Listed(name) if reader.means(name, &theirs) => Some(name.clone()),
            _ => None,
        };
        let name = who.sees(format!("{} in the buddy list", friend.name), listed).await?;
        self.watch(who, friend, "online", Presence::is_online).await?;
        let what = format!("finds {name} in the list, and online");
        self.tell.step(who.name, what, Some(begun.elapsed()));
        self.watch(friend, who, "online", Presence::is_online).await?;
        self.tell.step(friend.name, format!("sees {} online", who.name), Some(begun.elapsed()));
        Ok(())
    }

    async fn asks_control(&self, who: &mut Actor, command: &str) -> Result<(), Miss> {
        let control = who.spells(&self.control);
        who.looks_up().await;
        let begun = Instant::now();
        who.does(Act::Say { to: control.clone(), text: command.into() }).await;
        let answer = hears(who, &self.control, format!("an answer to {command}")).await?;
        self.tell.step(who.name, format!("to {control}: {command}"), Some(begun.elapsed()));
        for line in answer.text().lines() {
            self.tell.step("", line, None);
        }
        Ok(())
    }

    /// Lets the two send each other `count` messages, no faster than a gateway lets people talk.
    async fn measure(&self, one: &mut Actor, two: &mut Actor, count: usize) -> Result<(), Miss> {
        let (mut there, mut back) = (Latency::default(), Latency::default());
        for i in 0..count {
            let text = RichText::from(format!("message {i}"));
            let begun = Instant::now();
            self.say_and_see(one, two, text.clone()).await?;
            there.add(begun.elapsed());
            let begun = Instant::now();
            self.say_and_see(two, one, text).await?;
            back.add(begun.elapsed());
            tokio::time::sleep(PACE).await;
        }
        self.tell.step(one.name, format!("to {}: {there}", two.name), None);
        self.tell.step(two.name, format!("to {}: {back}", one.name), None);
        Ok(())
    }

    /// Waits until `watcher` is shown a presence of `who` that is `wanted`.
    async fn watch(
        &self,
        watcher: &mut Actor,
        who: &Actor,
        what: &str,
        wanted: impl Fn(&Presence) -> bool,
    ) -> Result<(), Miss> {
        let reader = watcher.reader();
        let shown = |e: &Event| match e {
            Event::Presence { of, presence } => {
                (reader.means(of, &who.address) && wanted(presence)).then_some(())
            }
            _ => None,
        };
        watcher.sees(format!("{} {what}", who.name), shown).await
    }
}

/// The next message of `from` that `to` is shown.
async fn hears(to: &mut Actor, from: &Address, what: String) -> Result<RichText, Miss> {
    let reader = to.reader();
    let said = |e: &Event| match e {
        Event::Said { from: name, text, .. } if reader.means(name, from) => Some(text.clone()),
        _ => None,
    };
    to.sees(what, said).await
}

/// "Yes, and it works both ways", half of it bold.
fn emphasis() -> RichText {
    let mut text = RichText::plain("Yes, and it works ");
    text.push("both ways", &[Style::Bold]);
    text
}
