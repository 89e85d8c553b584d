//! A disk that fills while its gateway runs.

use std::process::Command;
use std::time::{Duration, Instant};

use crosstalk_mock::{Act, Client, Event};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::disk::Disk;
use crate::mesh::{Mesh, Person};
use crate::people::reported;
use crate::{PATIENCE, print};

const ANNA: Person = Person::aim("anna");
const BELLA: Person = Person::aim("bella");
const XAVER: Person = Person::jabber("xaver");
const YURI: Person = Person::jabber("yuri");
/// Each of them is told once that a text waits for the next sign-on.
const WANDA: Person = Person::jabber("wanda");
const ZENO: Person = Person::jabber("zeno");
const VERA: Person = Person::jabber("vera");
const EVERYBODY: [Person; 7] = [ANNA, BELLA, XAVER, YURI, WANDA, ZENO, VERA];
/// Number of texts that are sent before, while and after the disk is full.
const SOME: usize = 10;

/// The gateway of Anna, with the full disk, and that of the others.
const HERS: usize = 0;
const OTHERS: usize = 1;

struct Scene {
    mesh: Mesh,
    disk: Disk,
    anna: Client,
    xaver: Client,
    /// Number of texts to Yuri that were reported to Anna.
    reports: usize,
    _home: TempDir,
}

impl Scene {
    /// Anna has the Jabber people as friends, and Bella has Xaver. All but Anna and Xaver are
    /// away.
    async fn begin() -> Self {
        let home = TempDir::new().unwrap();
        let disk = Disk::new(home.path().join("disk"));
        let mesh = Mesh::start_on(&[Some(disk.path()), None], &EVERYBODY).await;
        let mut bella = sign_on(&mesh, &BELLA, HERS).await;
        drop(befriend(&mesh, (&BELLA, &mut bella), &XAVER).await);
        drop(bella);
        let mut anna = sign_on(&mesh, &ANNA, HERS).await;
        for friend in [YURI, WANDA, ZENO, VERA] {
            drop(befriend(&mesh, (&ANNA, &mut anna), &friend).await);
            sees(&mut anna, &friend, false).await;
        }
        let xaver = befriend(&mesh, (&ANNA, &mut anna), &XAVER).await;
        Self { mesh, disk, anna, xaver, reports: 0, _home: home }
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
    /// kept, or for the report. Returns which. What was said before is settled then.
    async fn says_and_it_is_kept(&mut self, to: &Person) -> bool {
        self.says(to, "are you there?").await;
        self.until(|event| match event {
            Event::Said { text, .. } if text.text().contains("next sign-on") => {
                text.text().contains(to.name).then_some(true)
            }
            event => reported(event).and_then(|name| name.contains(to.name).then_some(false)),
        })
        .await
    }

    /// Anna and Xaver answer each other.
    async fn chat(&mut self) -> Duration {
        let (begun, anna) = (Instant::now(), XAVER.spells(&self.mesh.names, &ANNA));
        self.says_some(&XAVER, "there").await;
        for number in 0..SOME {
            let (there, back) = (format!("there {number}"), format!("back {number}"));
            let heard = self.xaver.expect(PATIENCE, |event| said(event, &there));
            heard.await.unwrap_or_else(|| panic!("{there}\n{}", self.mesh.logs()));
            self.xaver.say(&anna, back.clone()).await;
            self.until(|event| said(event, &back)).await;
        }
        begun.elapsed()
    }

    /// Takes in what Anna is shown, up to what is wanted.
    async fn until<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let reports = &mut self.reports;
        let found = self.anna.expect(PATIENCE, |event| {
            let about_yuri = reported(event).is_some_and(|to| to.contains(YURI.name));
            *reports += usize::from(about_yuri);
            wanted(event)
        });
        found.await.unwrap_or_else(|| panic!("{} reports\n{}", self.reports, self.mesh.logs()))
    }

    /// Signs Bella on at the gateway with the full disk: what Xaver sent her meanwhile waits at his
    /// gateway, and is shown to her now.
    async fn bella_signs_on(&mut self) {
        let bella = XAVER.spells(&self.mesh.names, &BELLA);
        for number in 0..SOME {
            self.xaver.say(&bella, format!("elsewhere {number}")).await;
        }
        let kept = self.xaver.expect(PATIENCE, |event| match event {
            Event::Said { text, .. } => text.text().contains("next sign-on").then_some(()),
            _ => None,
        });
        kept.await.unwrap_or_else(|| panic!("not kept elsewhere\n{}", self.mesh.logs()));
        let mut bella = sign_on(&self.mesh, &BELLA, HERS).await;
        let (mut heard, mut sees_xaver) = (Vec::new(), false);
        while heard.len() < SOME || !sees_xaver {
            match timeout(PATIENCE, bella.next_event()).await {
                Ok(Some(Event::Said { text, .. })) => heard.push(text.text().to_owned()),
                Ok(Some(Event::Presence { of, presence })) if of.contains(XAVER.name) => {
                    sees_xaver = presence.is_online();
                }
                Ok(Some(_)) => {}
                _ => panic!("only {heard:?}, and Xaver: {sees_xaver}\n{}", self.mesh.logs()),
            }
        }
        assert_eq!(heard, numbered("elsewhere"));
    }
}

fn numbered(word: &str) -> Vec<String> {
    (0..SOME).map(|number| format!("{word} {number}")).collect()
}

/// `mine` adds `friend`, who signs on at the other gateway and says yes.
async fn befriend(mesh: &Mesh, mine: (&Person, &mut Client), friend: &Person) -> Client {
    let mut client = sign_on(mesh, friend, OTHERS).await;
    let (me, my_client) = mine;
    my_client.act(Act::Add(me.spells(&mesh.names, friend))).await;
    let asked = client.expect(PATIENCE, |event| match event {
        Event::Asked { by, .. } => Some(by.clone()),
        _ => None,
    });
    let by = asked.await.unwrap();
    client.act(Act::Accept(by)).await;
    sees(my_client, friend, true).await;
    client
}

async fn sees(client: &mut Client, friend: &Person, online: bool) {
    let seen = client.expect(PATIENCE, |event| match event {
        Event::Presence { of, presence } if of.contains(friend.name) => {
            (presence.is_online() == online).then_some(())
        }
        _ => None,
    });
    seen.await.unwrap_or_else(|| panic!("{} is not seen online: {online}", friend.name));
}

async fn sign_on(mesh: &Mesh, person: &Person, gateway: usize) -> Client {
    mesh.doors().sign_on(person, gateway).await.unwrap().unwrap().1
}

fn said(event: &Event, wanted: &str) -> Option<()> {
    matches!(event, Event::Said { text, .. } if text.text() == wanted).then_some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_people_chat_and_what_cannot_be_kept_is_reported() {
    let mut scene = Scene::begin().await;
    scene.says_some(&YURI, "before").await;
    assert!(scene.says_and_it_is_kept(&WANDA).await, "{}", scene.mesh.logs());

    let writer = scene.mesh.process(HERS);
    scene.disk.fill(writer);
    let full = "full ".repeat(1000);
    scene.says_some(&YURI, &full).await;
    assert!(!scene.says_and_it_is_kept(&ZENO).await, "there is room");
    let chatted = scene.chat().await;
    scene.bella_signs_on().await;
    assert!(scene.mesh.is_up(HERS));

    scene.disk.clear(writer);
    scene.says_some(&YURI, "after").await;
    assert!(scene.says_and_it_is_kept(&VERA).await, "{}", scene.mesh.logs());
    let reports = scene.reports;
    scene.disk.fill(writer);
    scene.mesh.kill(HERS);
    scene.disk.clear(writer);
    scene.mesh.run(HERS);
    let heard = everything_said_to(&scene.mesh, &YURI).await;
    // What was freed inside the store may hold some of them.
    let kept = numbered(&full).into_iter().filter(|text| heard.contains(text)).collect();
    let expected = [numbered("before"), kept, numbered("after")].concat();
    assert!(heard == expected, "{heard:?}\n{}", scene.mesh.logs());
    assert_eq!(heard.len() + reports, 3 * SOME, "{heard:?}\n{}", scene.mesh.logs());
    print(&format!(
        "a full disk ({}): {} texts sent to one who is away, {} delivered over a kill, {reports} \
         reported, 0 lost, 0 shown twice; meanwhile {} of {} between those online, in {} ms, \
         and {SOME} of {SOME} that another gateway kept",
        scene.disk,
        3 * SOME,
        heard.len(),
        2 * SOME,
        2 * SOME,
        chatted.as_millis()
    ));
}

#[tokio::test]
async fn a_gateway_that_finds_a_full_disk_says_so_and_starts_when_there_is_room() {
    let home = TempDir::new().unwrap();
    let disk = Disk::new(home.path().join("disk"));
    if !disk.is_mounted() {
        return print("a start on a full disk was left out: no file system can be mounted here");
    }
    let (state, config) = (disk.path().join("state"), home.path().join("gateway.toml"));
    std::fs::create_dir(&state).unwrap();
    std::fs::write(&config, format!("data = \"{}\"\n", state.display())).unwrap();
    let runs = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosstalk"));
        let output = command.args(words).arg("--config").arg(&config).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    disk.fill(std::process::id());
    for (words, file) in
        [(&["id"][..], "gateway.key"), (&["gateway"], "gateway.key"), (&["ca", "init"], "ca.key")]
    {
        let (done, said) = runs(words);
        assert!(!done && said.contains("No space left") && said.contains(file), "{said}");
    }
    disk.clear(std::process::id());
    for words in [&["id"][..], &["ca", "init"]] {
        assert_eq!(runs(words), (true, String::new()));
    }
}

/// Texts that are shown to somebody who signs on, up to a last one that Anna sends then.
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
