//! A disk that fills. A limit on the size of its files stands for it, which the kernel changes
//! while the gateway runs.

use std::process::Command;
use std::time::{Duration, Instant};

use crosstalk_mock::{Act, Client, Event};
use tokio::time::timeout;

use crate::mesh::{Mesh, Person};
use crate::people::reported;
use crate::{PATIENCE, print};

const ANNA: Person = Person::aim("anna");
const XAVER: Person = Person::jabber("xaver");
const YURI: Person = Person::jabber("yuri");
const WANDA: Person = Person::jabber("wanda");
const ZENO: Person = Person::jabber("zeno");
const EVERYBODY: [Person; 5] = [ANNA, XAVER, YURI, WANDA, ZENO];
/// How many texts are said before, while and after the disk is full.
const SOME: usize = 10;

/// The gateway of Anna, with the full disk, and that of the others.
const HERS: usize = 0;
const OTHERS: usize = 1;

struct Scene {
    mesh: Mesh,
    anna: Client,
}

impl Scene {
    /// Anna has the others as friends; but for Xaver they are away.
    async fn begin() -> (Self, Client) {
        let mesh = Mesh::start(2, &EVERYBODY).await;
        let anna = sign_on(&mesh, &ANNA, HERS).await;
        let mut scene = Self { mesh, anna };
        for friend in [YURI, WANDA, ZENO] {
            drop(scene.befriend(&friend).await);
            scene.sees(&friend, false).await;
        }
        let xaver = scene.befriend(&XAVER).await;
        (scene, xaver)
    }

    async fn befriend(&mut self, friend: &Person) -> Client {
        let mut client = sign_on(&self.mesh, friend, OTHERS).await;
        self.anna.act(Act::Add(ANNA.spells(&self.mesh.names, friend))).await;
        let asked = client.expect(PATIENCE, |event| match event {
            Event::Asked { by, .. } => Some(by.clone()),
            _ => None,
        });
        let by = asked.await.unwrap();
        client.act(Act::Accept(by)).await;
        self.sees(friend, true).await;
        client
    }

    async fn sees(&mut self, friend: &Person, online: bool) {
        let seen = self.anna.expect(PATIENCE, |event| match event {
            Event::Presence { of, presence } if of.contains(friend.name) => {
                (presence.is_online() == online).then_some(())
            }
            _ => None,
        });
        seen.await.unwrap_or_else(|| panic!("{} is not seen online: {online}", friend.name));
    }

    async fn says(&self, to: &Person, text: &str) {
        self.anna.say(&ANNA.spells(&self.mesh.names, to), text.to_owned()).await;
    }

    async fn says_some(&self, to: &Person, word: &str) {
        for number in 0..SOME {
            self.says(to, &format!("{word} {number}")).await;
        }
    }

    /// Says something to somebody who was told nothing yet, and waits for the word that it is
    /// kept. What was said before is on disk then, since it came there in order.
    async fn says_and_it_is_kept(&mut self, to: &Person) {
        self.says(to, "are you there?").await;
        let kept = self.anna.expect(PATIENCE, |event| match event {
            Event::Said { text, .. } => {
                let words = text.text();
                (words.contains(to.name) && words.contains("next sign-on")).then_some(true)
            }
            event => reported(event).map(|_| false),
        });
        assert_eq!(kept.await, Some(true), "{}", self.mesh.logs());
    }

    /// The size that files may have.
    fn limit(&self, size: &str) {
        let pid = self.mesh.process(HERS).to_string();
        let limit = format!("--fsize={size}:unlimited");
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
    }
}

async fn sign_on(mesh: &Mesh, person: &Person, gateway: usize) -> Client {
    mesh.doors().sign_on(person, gateway).await.unwrap().unwrap().1
}

async fn hears(client: &mut Client, wanted: &str) -> bool {
    let heard = client.expect(PATIENCE, |event| match event {
        Event::Said { text, .. } => (text.text() == wanted).then_some(()),
        _ => None,
    });
    heard.await.is_some()
}

/// They answer each other, while nothing can be written.
async fn chat(scene: &mut Scene, xaver: &mut Client) -> Duration {
    let (begun, anna) = (Instant::now(), XAVER.spells(&scene.mesh.names, &ANNA));
    scene.says_some(&XAVER, "there").await;
    for number in 0..SOME {
        let (there, back) = (format!("there {number}"), format!("back {number}"));
        assert!(hears(xaver, &there).await, "{there}");
        xaver.say(&anna, back.clone()).await;
        assert!(hears(&mut scene.anna, &back).await, "{back}");
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_people_chat_and_what_cannot_be_kept_is_reported() {
    let (mut scene, mut xaver) = Scene::begin().await;
    scene.says_some(&YURI, "before").await;
    scene.says_and_it_is_kept(&WANDA).await;

    scene.limit("1");
    let chatted = chat(&mut scene, &mut xaver).await;
    scene.says_some(&YURI, "full").await;
    let mut reports = 0;
    while reports < SOME {
        let report = scene.anna.expect(PATIENCE, |e| reported(e).map(ToOwned::to_owned)).await;
        let to = report.unwrap_or_else(|| panic!("{reports} reports\n{}", scene.mesh.logs()));
        assert!(to.contains(YURI.name), "{to}");
        reports += 1;
    }
    assert!(scene.mesh.is_up(HERS));

    scene.limit("unlimited");
    scene.says_some(&YURI, "after").await;
    scene.says_and_it_is_kept(&ZENO).await;
    scene.mesh.kill(HERS);
    scene.mesh.run(HERS);
    let heard = everything_said_to(&scene.mesh, &YURI).await;
    let of = |word: &str| (0..SOME).map(move |n| format!("{word} {n}")).collect::<Vec<_>>();
    assert_eq!(heard, [of("before"), of("after")].concat(), "{}", scene.mesh.logs());
    print(&format!(
        "a full disk: {} texts sent to one who is away, {} delivered over a kill, {reports} \
         reported, 0 lost, 0 shown twice; meanwhile {} of {} between those online, in {} ms",
        3 * SOME,
        heard.len(),
        2 * SOME,
        2 * SOME,
        chatted.as_millis()
    ));
}

/// What is shown to somebody who signs on, up to a last word that Anna says then.
async fn everything_said_to(mesh: &Mesh, person: &Person) -> Vec<String> {
    let mut client = sign_on(mesh, person, OTHERS).await;
    let anna = sign_on(mesh, &ANNA, HERS).await;
    anna.say(&ANNA.spells(&mesh.names, person), "that is all").await;
    let mut heard = Vec::new();
    while let Ok(Some(event)) = timeout(PATIENCE, client.next_event()).await {
        match event {
            Event::Said { text, .. } if text.text() == "that is all" => return heard,
            Event::Said { text, .. } => heard.push(text.text().to_owned()),
            _ => {}
        }
    }
    panic!("only {heard:?}\n{}", mesh.logs())
}
