//! Everything that is stored about somebody, told and forgotten in the clients of each network.

use crosstalk_core::{Address, HostPort, RichText};
use crosstalk_mock::{Account, Act, Client, Event, NETWORKS, Route};
use serde_json::Value;
use tokio::task::block_in_place;

use crate::calls::{address, get};
use crate::door::PATIENCE;
use crate::networks::Stage;

/// The next text of the control contact with these words in it.
async fn told(client: &mut Client, control: &str, words: &str) -> RichText {
    let said = |event: &Event| match event {
        Event::Said { from, text, .. } if from == control && text.text().contains(words) => {
            Some(text.clone())
        }
        _ => None,
    };
    client.expect(PATIENCE, said).await.unwrap_or_else(|| panic!("{words}, from {control}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_shows_what_is_stored_and_has_it_forgotten() {
    let stage = Stage::build("weather@apps").await;
    for (network, (port, _)) in NETWORKS.iter().zip(&stage.servers) {
        let id = network.id();
        let server = HostPort::new(format!("{id}.test"), *port);
        let way = Route::Socks5 { proxy: stage.gateway.proxies[0], server };
        let mut alice = network.sign_on(&Account::new("alice", "secret"), &way).await.unwrap();
        let control = network.spell(&stage.names, &Address::control());
        let weather = "weather@apps".parse().unwrap();
        alice.act(Act::Add(network.spell(&stage.names, &weather))).await;
        alice.say(&control, "/set location Rome").await;
        told(&mut alice, &control, "told your location").await;

        let export = async |alice: &mut Client| {
            alice.say(&control, "/export").await;
            let said = told(alice, &control, "can be got once").await;
            let (status, json) = block_in_place(|| get(&address(&said).0));
            assert_eq!(status, 200, "{id}");
            serde_json::from_str::<Value>(&json).unwrap()
        };
        let mut all = export(&mut alice).await;
        // A client's own server answers first when somebody is added.
        for _ in 0..5 {
            if all["contacts"][0].is_null() {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                all = export(&mut alice).await;
            }
        }
        assert_eq!(all["name"], format!("{}@{id}", network.local("alice")));
        assert_eq!(all["settings"][0], "location=at Rome", "{id}");
        assert_eq!(all["contacts"][0]["name"], "weather@apps", "{id}");

        alice.say(&control, "/forget").await;
        told(&mut alice, &control, "Stored about you are").await;
        alice.say(&control, "/forget everything").await;
        told(&mut alice, &control, "Forgotten: ").await;
        let all = export(&mut alice).await;
        let left =
            ["contacts", "settings", "waiting"].map(|what| all[what].as_array().unwrap().len());
        assert_eq!(left, [0, 0, 0], "{id}: {all}");
    }
}
