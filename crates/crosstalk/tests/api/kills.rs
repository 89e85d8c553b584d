//! A program that goes on by its cursor, and one that says each thing by a key, while the gateway is
//! killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::door::{Gateway, PATIENCE, Program, befriend};

/// Number of messages.
const MANY: usize = 400;
/// Number of times that the gateway is killed meanwhile.
const KILLS: usize = 6;

/// Hears everything, by a cursor that it keeps.
fn hear(program: &Program, heard: &Mutex<Vec<String>>, is_over: &AtomicBool) {
    let mut last = 0;
    while !is_over.load(Ordering::Relaxed) {
        for event in program.events(last) {
            if event["type"] == "message" {
                last = event["id"].as_u64().unwrap();
                heard.lock().unwrap().push(event["text"].as_str().unwrap().to_owned());
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says something until it is known what became of it.
fn say(program: &Program, number: usize) {
    let (message, key) = (
        json!({"to": "bot@apps", "text": number.to_string()}),
        format!("Idempotency-Key: {number}\r\n"),
    );
    let deadline = Instant::now() + PATIENCE;
    loop {
        match program.call("POST /v1/messages", &key, &message) {
            Some((200, sent)) => {
                assert!(sent["state"] == "delivered" || sent["state"] == "kept", "{sent}");
                return;
            }
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_program_that_goes_on_by_its_cursor_loses_and_repeats_nothing_over_kills() {
    let mut gateway = Gateway::start();
    let [bot, ann] = ["bot", "ann@web"].map(|name| gateway.program(&gateway.token(name)));
    befriend((&ann, "ann@web"), (&bot, "bot@apps"));
    let (heard, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let hearing = {
        let (bot, heard, is_over) = (bot.clone(), Arc::clone(&heard), Arc::clone(&is_over));
        std::thread::spawn(move || hear(&bot, &heard, &is_over))
    };
    let saying = std::thread::spawn(move || (0..MANY).for_each(|number| say(&ann, number)));
    for kill in 1..=KILLS {
        // In the midst of it: some were heard since the last time, and not all.
        let deadline = Instant::now() + PATIENCE;
        while heard.lock().unwrap().len() < kill * MANY / (KILLS + 2) {
            assert!(Instant::now() < deadline, "{} heard", heard.lock().unwrap().len());
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!saying.is_finished());
        gateway.kill();
        gateway.start_again();
    }
    saying.join().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while heard.lock().unwrap().len() < MANY {
        assert!(Instant::now() < deadline, "{} heard", heard.lock().unwrap().len());
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    is_over.store(true, Ordering::Relaxed);
    gateway.kill();
    hearing.join().unwrap();
    let expected: Vec<_> = (0..MANY).map(|number| number.to_string()).collect();
    assert_eq!(*heard.lock().unwrap(), expected, "each once, and in order");
}
