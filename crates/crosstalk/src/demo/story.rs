//! The story that the demo plays.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Availability, Presence, RichText, Style, Typing};
use crosstalk_mock::{Act, Event};

use super::actor::{Actor, Miss};
use super::cast::{Cast, LEFT};
use super::latency::{Latency, Matrix};
use super::stage::{At, Stage};
use super::tell::Teller;

/// Between two messages of one person: the router lets everybody say 20 things a second, of which
/// each message is one and each receipt.
const PACE: Duration = Duration::from_millis(100);

/// Everything that happens once everybody is signed on, in order.
pub(crate) async fn play(
    tell: Teller,
    stage: &Stage,
    cast: &mut Cast,
    messages: usize,
) -> Result<(), Miss> {
    let scene = Scene { tell, control: Address::control() };
    let [alice, mary, yolanda, _] = &mut cast.left;
    let [carol, mike, yusuf, bob] = &mut cast.right;

    tell.chapter("Friends on another network");
    scene.befriend(alice, bob).await?;
    scene.befriend(bob, alice).await?;
    scene.befriend(mary, yusuf).await?;

    tell.chapter("Talking");
    scene.says(alice, bob, "Привет Bob! Is <b>this</b> Jabber? 🎉".into()).await?;
    scene.types(bob, alice).await?;
    scene.says(bob, alice, emphasis()).await?;
    scene.types(alice, bob).await?;
    scene.says(alice, bob, "See you tomorrow, then.".into()).await?;
    scene.nudges(mary, yusuf).await?;
    scene.nudges(yolanda, bob).await?;

    tell.chapter("Who is where");
    scene.away(bob, alice, "Lunch, back at two").await?;
    scene.back(bob, alice).await?;
    scene.away(yusuf, mary, "On the phone").await?;
    scene.back(yusuf, mary).await?;

    tell.chapter("The control contact");
    scene.asks_control(alice, "/who").await?;

    tell.chapter("Asking what a friend listens to, and where");
    scene.befriend(alice, yusuf).await?;
    scene.asks_control(yusuf, "/set music lastfm yusuf").await?;
    scene.asks_control(yusuf, "/set location San Diego").await?;
    scene.asks(alice, yusuf, "/music", "Shakira").await?;
    scene.asks(alice, yusuf, "/location", "San Diego").await?;

    tell.chapter("Within one network nothing changes");
    scene.says(alice, carol, "Same old AIM.".into()).await?;
    scene.says(mary, mike, "Same old MSN.".into()).await?;
    scene.says(yolanda, yusuf, "Same old Yahoo.".into()).await?;
    scene.says(&mut cast.left[3], bob, "Same old Jabber.".into()).await?;

    tell.chapter("Everybody with everybody on another network");
    for (from, one) in cast.left.iter_mut().enumerate() {
        for (to, other) in cast.right.iter_mut().enumerate().filter(|(to, _)| *to != from) {
            let titles = [from, to].map(|at| stage.bases()[at].title);
            scene.converse(one, other, titles).await?;
        }
    }

    tell.chapter("How long a message takes, client to client, with four conversations at once");
    let matrix = scene.measure(stage, cast, messages).await?;
    matrix.to_string().lines().for_each(|line| tell.step("", line, None));

    tell.chapter("Off, and on again");
    let ([alice, ..], [.., bob]) = (&mut cast.left, &mut cast.right);
    scene.leaves(alice, bob).await?;
    let ([part, ..], [base, ..]) = (&LEFT, stage.bases()) else { return Ok(()) };
    *alice = part.enter(tell, stage, base, &At::Left).await?;
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

    async fn nudges(&self, from: &mut Actor, to: &mut Actor) -> Result<(), Miss> {
        to.looks_up().await;
        let begun = Instant::now();
        from.does(Act::Nudge(from.spells(&to.address))).await;
        let (reader, who) = (to.reader(), from.address.clone());
        let shown = |e: &Event| match e {
            Event::Nudged { by } if reader.means(by, &who) => Some(()),
            _ => None,
        };
        to.sees(format!("a nudge of {}", from.name), shown).await?;
        self.tell.step(to.name, format!("is nudged by {}", from.name), Some(begun.elapsed()));
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
        let away = |p: &Presence| p.show == Availability::Away && p.text.text() == text;
        self.watch(watcher, who, &format!("away with the words {text:?}"), away).await?;
        let what = format!("sees {} away: {text}", who.name);
        self.tell.step(watcher.name, what, Some(begun.elapsed()));
        Ok(())
    }

    async fn back(&self, who: &mut Actor, watcher: &mut Actor) -> Result<(), Miss> {
        watcher.looks_up().await;
        let begun = Instant::now();
        who.does(Act::Back).await;
        self.watch(watcher, who, "back", |p| p.show >= Availability::Available).await?;
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

    /// `who` asks about `whom`, and reads an answer that has `part` in it.
    async fn asks(
        &self,
        who: &mut Actor,
        whom: &mut Actor,
        question: &str,
        part: &str,
    ) -> Result<(), Miss> {
        who.looks_up().await;
        let begun = Instant::now();
        who.does(Act::Say { to: who.spells(&whom.address), text: question.into() }).await;
        let answer = hears(who, &whom.address, format!("an answer to {question}")).await?;
        if !answer.text().contains(part) {
            return Err(Miss::Wrong(format!("{question} was answered {:?}", answer.text())));
        }
        self.tell.step(who.name, format!("to {}: {question}", whom.name), Some(begun.elapsed()));
        self.tell.step(whom.name, answer.text(), None);
        Ok(())
    }

    /// A word and an answer between two who have not met.
    async fn converse(
        &self,
        one: &mut Actor,
        other: &mut Actor,
        [from, to]: [&str; 2],
    ) -> Result<(), Miss> {
        self.says(one, other, format!("{from} to {to}: can you hear me? Ça va? 👋").into()).await?;
        self.says(other, one, format!("{to} to {from}: every word. Да!").into()).await
    }

    /// Lets everybody at the left talk with everybody at the right, so that each is in one
    /// conversation at a time.
    async fn measure(&self, stage: &Stage, cast: &mut Cast, count: usize) -> Result<Matrix, Miss> {
        let mut matrix = Matrix::new(stage.bases().iter().map(|base| base.title).collect());
        let mut order = [0, 1, 2, 3];
        for _ in 0..order.len() {
            let [alice, mary, yolanda, dave] = &mut cast.left;
            let [first, second, third, fourth] = &mut cast.right;
            let times: [_; 4] = tokio::try_join!(
                self.exchange(alice, first, count),
                self.exchange(mary, second, count),
                self.exchange(yolanda, third, count),
                self.exchange(dave, fourth, count),
            )?
            .into();
            for (left, (right, [there, back])) in order.iter().zip(times).enumerate() {
                matrix.add(left, *right, there);
                matrix.add(*right, left, back);
            }
            order.rotate_left(1);
            cast.right.rotate_left(1);
        }
        Ok(matrix)
    }

    /// Lets the two send each other `count` messages, no faster than a gateway lets people talk.
    async fn exchange(
        &self,
        one: &mut Actor,
        two: &mut Actor,
        count: usize,
    ) -> Result<[Latency; 2], Miss> {
        let (mut there, mut back) = (Latency::default(), Latency::default());
        // The first opens what a network opens for a conversation.
        for i in 0..=count {
            let text = RichText::from(format!("message {i}"));
            let begun = Instant::now();
            self.say_and_see(one, two, text.clone()).await?;
            let middle = Instant::now();
            self.say_and_see(two, one, text).await?;
            if i > 0 {
                there.add(middle - begun);
                back.add(middle.elapsed());
            }
            tokio::time::sleep(PACE).await;
        }
        Ok([there, back])
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
