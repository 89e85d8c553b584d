//! DB-IP's databases of cities, as `crosstalk places` fetches them and asks them.

use crosstalk_interop::{crosstalk, fresh_directory};

#[test]
fn dbips_databases_are_fetched_and_know_where_public_addresses_are() {
    let data = fresh_directory();
    let fetched = crosstalk(&data, &["places", "fetch"]);
    assert!(fetched.contains("CC BY 4.0") && fetched.contains("[services.location]"), "{fetched}");
    let left: Vec<_> = std::fs::read_dir(&data).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("places.")));
    // Google's and Quad9's resolvers, RIPE's root server, and addresses that are nowhere.
    let in_v4 = [("8.8.8.8", "US"), ("::ffff:8.8.8.8", "US"), ("193.0.14.129", "NL")];
    let in_v6 = ["2001:4860:4860::8888", "2620:fe::fe"];
    let nowhere = ["192.168.1.1", "203.0.113.7", "fe80::1"];
    let addresses = in_v4.iter().map(|(address, _)| *address).chain(in_v6).chain(nowhere);
    let asked: Vec<_> = ["places", "ask"].into_iter().chain(addresses).collect();
    let said = crosstalk(&data, &asked);
    println!("{said}");
    let of = |address: &str| {
        let line = said.lines().find(|line| line.split(' ').next() == Some(address));
        line.unwrap_or_else(|| panic!("nothing of {address} in {said}"))
    };
    for (address, country) in in_v4 {
        assert!(of(address).contains("[CrossTalk /location: near \""), "{address}: {said}");
        assert!(of(address).ends_with(&format!(", \"{country}\"]")), "{address}: {said}");
    }
    assert!(of("8.8.8.8").contains("\"Mountain View\""), "{said}");
    for address in in_v6 {
        assert!(of(address).contains("[CrossTalk /location: near \""), "{address}: {said}");
    }
    for address in nowhere {
        assert!(of(address).contains("private network"), "{address}: {said}");
    }
    std::fs::remove_dir_all(&data).unwrap();
}
