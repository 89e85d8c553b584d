#![allow(clippy::unwrap_used)]
//! Messages about mistakes in a configuration, for the person who wrote it.

use std::path::{Path, PathBuf};

use crosstalk_core::HostPort;
use crosstalk_gateway::config::Config;

fn parse(source: &str) -> Result<Config, String> {
    Config::parse(source, Path::new("gw.toml"), PathBuf::from("/nowhere"))
        .map_err(|r| r.to_string())
}

fn complaint(source: &str) -> String {
    parse(source).expect_err("this must be refused")
}

#[test]
fn an_empty_file_is_a_lone_gateway_on_loopback() {
    let config = parse("").unwrap();
    assert_eq!(config.proxies.len(), 1);
    assert_eq!(config.proxies[0].listen.to_string(), "127.0.0.1:1080");
    assert!(config.mesh.is_none() && config.control && config.suffix == "xt");
    assert_eq!(config.tls.authority, Path::new("/nowhere/ca"));
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_and_the_right_spelling() {
    let said = complaint("suffix = \"xt\"\n\n[[proxy]]\nlisen = \"127.0.0.1:1080\"\n");
    let expected = "gw.toml:4:1: nothing here is called `lisen`\n     \
                    4 | lisen = \"127.0.0.1:1080\"\n       | ^^^^^\n  help: did you mean `listen`?";
    assert_eq!(said, expected);
}

#[test]
fn a_bad_value_is_shown_where_it_stands() {
    for (source, place, word) in [
        ("[[proxy]]\nlisten = \"1080\"\n", "gw.toml:2:10", "socket address"),
        ("[limits]\nsniff = \"soon\"\n", "gw.toml:2:9", "500ms"),
        ("[tls]\nterminate = [\"a b\"]\n", "gw.toml:2:13", "no host"),
        ("suffix = 7\n", "gw.toml:1:10", "expected a string"),
        ("suffix = \"xt\n", "gw.toml:1:", ""),
        ("[networks.AOL]\n", "gw.toml:1:11", "a-z"),
        ("[limits]\nbuffer = 10\n", "gw.toml:2:10", "too little"),
        ("[limits]\nthreads = 0\n", "gw.toml:2:11", "too little"),
        ("[limits]\nmemory = \"8MiB\"\n", "gw.toml:2:10", "32.0 MiB is the least that works"),
        ("[limits]\nmemory = \"much\"\n", "gw.toml:2:10", "256MiB"),
        ("[mesh]\nlisten = []\n[[mesh.member]]\nid = \"bob\"\n", "gw.toml:4:6", "12D3KooW"),
        ("log = \"loud\"\n", "gw.toml:1:7", "there is: error"),
        ("suffix = \".xt\"\n", "gw.toml:1:10", "without a dot"),
        ("[services.translate]\nurl = \"tr.example\"\n", "gw.toml:2:7", "begins with https://"),
        ("[services.flows]\neverybody = [\"log\"]\n", "gw.toml:2:14", "write a name, a colon"),
    ] {
        let said = complaint(source);
        assert!(said.starts_with(place) && said.contains(word), "{source}\n{said}");
    }
}

#[test]
fn rules_with_which_a_client_can_be_anybody_are_warned_of() {
    let proxy = "[[proxy]]\nlisten = \"127.0.0.1:1080\"\n";
    let off = ["aol", "msn", "yahoo"].map(|id| format!("[networks.{id}]\nenabled = false\n"));
    for (source, at) in [
        (format!("{proxy}allow = [\"chat.test\", \"*\"]\n"), &["proxy.0.allow.1"][..]),
        (format!("{proxy}allow = [\"0.0.0.0/0\"]\n"), &["proxy.0.allow.0"]),
        (format!("{proxy}allow = [\"*:5190\"]\n"), &["proxy.0.allow.0"]),
        ("[[transparent]]\nlisten = \"0.0.0.0:1081\"\n".to_owned(), &["transparent.0"]),
        // Any host at these ports is dialled as a server of Jabber's anyway.
        (format!("{proxy}allow = [\"*:5222-5223\"]\n"), &[]),
        (format!("{proxy}allow = [\"*.chat.test\", \"10.0.0.0/8\"]\n"), &[]),
        (format!("{proxy}allow = [\"*\"]\n{}", off.concat()), &[]),
        (String::new(), &[]),
    ] {
        let warnings = parse(&source).unwrap().warnings();
        assert_eq!(warnings.iter().map(|w| w.at.as_str()).collect::<Vec<_>>(), at, "{source}");
        assert!(warnings.iter().all(|w| w.what.contains("aol, msn or yahoo")), "{warnings:?}");
    }
}

#[test]
fn two_listeners_on_one_port_are_refused() {
    let said = complaint(
        "[[proxy]]\nlisten = \"127.0.0.1:1080\"\n[[transparent]]\nlisten = \"0.0.0.0:1080\"\n",
    );
    assert!(said.starts_with("gw.toml:4:10: 0.0.0.0:1080 is taken by `proxy.0.listen`"), "{said}");
    assert!(
        parse("[[proxy]]\nlisten = \"127.0.0.1:1080\"\n[[proxy]]\nlisten = \"127.0.0.2:1080\"\n")
            .is_ok()
    );
}

#[test]
fn a_proxy_for_strangers_must_not_lead_everywhere() {
    let open = "[[proxy]]\nlisten = \"0.0.0.0:1080\"\n";
    for listen in ["0.0.0.0:1080", "[::]:1080", "192.0.2.1:1080", "[::ffff:192.0.2.1]:1080"] {
        let said = complaint(&open.replace("0.0.0.0:1080", listen));
        assert!(said.starts_with("gw.toml:2:10: whoever can reach"), "{said}");
        assert!(said.contains("`users`") && said.contains("[networks.jabber]"), "{said}");
    }
    for closed in [
        &open.replace("0.0.0.0", "127.0.0.1"),
        &open.replace("0.0.0.0", "[::1]"),
        &format!("{open}users = {{ ann = \"secret\" }}\n"),
        &format!("{open}[networks.jabber]\nhosts = [\"chat.example.org\"]\n"),
        &format!("{open}[networks.jabber]\nenabled = false\n"),
    ] {
        assert!(parse(closed).is_ok(), "{closed}");
    }
    // Whoever reaches the balancer reaches what is behind it.
    let balanced = open.replace("0.0.0.0", "127.0.0.1") + "behind = [\"127.0.0.1\"]\n";
    assert!(complaint(&balanced).starts_with("gw.toml:2:10: whoever can reach"));
    assert!(parse(&format!("{balanced}users = {{ ann = \"secret\" }}\n")).is_ok());
    let everywhere = format!("{open}[networks.jabber]\nhosts = [\"*\"]\n");
    assert!(complaint(&everywhere).contains("every host"));
}

#[test]
fn load_balancers_are_addresses_and_ranges_and_not_everybody() {
    let behind = |what: &str| {
        format!(
            "[[networks.aol.direct]]\nlisten = \"192.0.2.1:5190\"\nupstream = \"a.test:5190\"\n\
             behind = [\"{what}\"]\n"
        )
    };
    for good in ["10.0.0.5", "10.0.0.0/8", "2001:db8::5", "2001:db8::/32", "::ffff:10.0.0.5"] {
        assert!(parse(&behind(good)).is_ok(), "{good}");
    }
    let mapped = parse(&behind("::ffff:10.0.0.0/104")).unwrap();
    let direct = &mapped.networks.values().next().unwrap().direct[0];
    assert_eq!(direct.behind, ["10.0.0.0/8".parse().unwrap()], "as addresses are compared");
    for bad in ["balancer.test", "10.0.0", "*"] {
        assert!(complaint(&behind(bad)).contains("expected an address, or a range"), "{bad}");
    }
    for everybody in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
        assert!(complaint(&behind(everybody)).contains("is everybody"), "{everybody}");
    }
}

#[test]
fn terminating_without_a_certificate_or_a_ca_is_refused_once_it_is_to_run() {
    let said = complaint("[tls]\nterminate = [\"jabber.example.org\"]\n");
    assert!(said.starts_with("gw.toml:2:14"), "{said}");
    assert!(said.contains("crosstalk ca init"), "{said}");
    let said = complaint(
        "[tls]\nterminate = [\"a.example.org\", \"example.net\"]\n[[tls.certificate]]\n\
         hosts = [\"*.example.org\"]\nchain = \"no\"\nkey = \"no\"\n",
    );
    assert!(said.contains("gw.toml:2:31: no certificate covers example.net"), "{said}");
    assert!(said.contains("gw.toml:5:9: there is no file no"), "{said}");
}

#[test]
fn a_network_without_a_known_protocol_is_refused() {
    let said = complaint("[networks.work]\nprotocol = \"pigeon\"\n");
    assert!(said.starts_with("gw.toml:2:12: there is no protocol called `pigeon`"), "{said}");
    let said = complaint("[networks.gateway]\nprotocol = \"oscar\"\n");
    assert!(said.starts_with("gw.toml:1:11") && said.contains("control contact"), "{said}");
    let said = complaint("[networks.work]\n");
    assert!(said.starts_with("gw.toml:1:11") && said.contains("protocol"), "{said}");
}

#[test]
fn a_proxy_user_never_shows_a_password() {
    let config =
        parse("[[proxy]]\nlisten = \"127.0.0.1:1080\"\nusers = { ann = \"hunter2\" }\n").unwrap();
    assert_eq!(config.proxies[0].users["ann"].expose(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// The example with every setting in force.
fn example_in_force() -> String {
    let set = |line: &str| {
        let inner = line.strip_prefix('#').unwrap_or(line);
        let setting = inner.starts_with('[')
            || inner
                .split_once(" = ")
                .is_some_and(|(key, _)| !key.contains(' ') && !key.is_empty());
        if setting { inner.to_owned() } else { line.to_owned() }
    };
    EXAMPLE.lines().map(|line| set(line) + "\n").collect()
}

#[test]
fn the_example_is_a_configuration_as_it_stands_and_with_every_setting_in_force() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.limits, Config::alone("/nowhere".into()).limits);
    let dir = std::env::temp_dir().join(format!("crosstalk-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for file in ["company-root.pem", "fullchain.pem", "privkey.pem"] {
        std::fs::write(dir.join(file), "").unwrap();
    }
    let source = example_in_force().replace("/var/lib/crosstalk", &dir.display().to_string());
    std::fs::create_dir_all(dir.join("ca")).unwrap();
    let result = Config::parse(&source, &dir.join("gw.toml"), PathBuf::new());
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(result.unwrap().mesh.unwrap().members[0].networks.len() == 1);
}

#[test]
fn values_called_default_in_the_example_are_the_defaults() {
    let defaults: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(inner) if inner.contains("# default") => format!("{inner}\n"),
            _ if ["[outbox]", "[limits]", "#[services.status]", "#[services.follow]"]
                .contains(&line) =>
            {
                format!("{}\n", line.trim_start_matches('#'))
            }
            _ => String::new(),
        })
        .collect();
    let (said, usual) = (parse(&defaults).unwrap(), Config::alone("/nowhere".into()));
    assert_eq!(format!("{said:?}"), format!("{usual:?}"));
}

#[test]
fn the_example_names_every_key() {
    let tables = [
        ("", ""),
        ("[[proxy]]\nlisten = \"127.0.0.1:1\"\n", "proxy"),
        ("[[transparent]]\nlisten = \"127.0.0.1:1\"\n", "transparent"),
        ("[networks.aol]\n", "networks"),
        ("[[networks.aol.direct]]\nlisten = \"127.0.0.1:1\"\nupstream = \"a:1\"\n", "direct"),
        ("[tls]\n", "tls"),
        ("[[tls.certificate]]\nhosts = []\nchain = \"\"\nkey = \"\"\n", "certificate"),
        ("[api]\n", "api"),
        ("[outbox]\n", "outbox"),
        ("[limits]\n", "limits"),
        ("[services]\n", "services"),
        ("[services.music]\n", "music"),
        ("[services.location]\n", "location"),
        ("[services.status]\n", "status"),
        ("[services.x]\nposts_a_month = 1\n", "x"),
        ("[services.follow]\n", "follow"),
        ("[mesh]\nlisten = []\n", "mesh"),
        (
            "[mesh]\nlisten = []\n[[mesh.member]]\nid = \"12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo\"\nnetworks = []\n",
            "member",
        ),
    ];
    for (table, name) in tables {
        let said = complaint(&format!("{table}no_such_key_at_all = 1\n"));
        let keys = said.split_once("there is: ").map_or("", |(_, keys)| keys);
        for key in keys.split(", ").filter(|key| !key.is_empty()) {
            let named = |line: &str| {
                let line = line.trim_start_matches('#').trim_start_matches('[');
                line.starts_with(&format!("{key} = "))
                    || line.split([']', '.']).any(|part| part == key)
            };
            assert!(EXAMPLE.lines().any(named), "{name} has a key {key}");
        }
        assert!(!keys.is_empty() || said.contains("did you mean"), "{said}");
    }
}

#[test]
fn sites_outside_are_off_until_named_and_asked_no_more_than_they_bear() {
    let usual = parse("").unwrap().services;
    assert!(!usual.status.mastodon && !usual.status.bluesky && usual.x.is_none());
    assert!(!usual.follow.mastodon && usual.follow.bluesky.is_none() && usual.key_file.is_none());
    let config = parse("[services]\nkey_file = \"keys/k\"\n[services.x]\nposts_a_month = 9\n");
    let services = config.unwrap().services;
    assert_eq!(services.key_file.as_deref(), Some(Path::new("keys/k")));
    assert_eq!(services.x.unwrap().url, "https://api.x.com");
    for (source, place, word) in [
        ("[services.x]\nurl = \"https://a.test\"\n", "gw.toml:1:", "posts_a_month"),
        ("[services.x]\nurl = \"a\"\nposts_a_month = 1\n", "gw.toml:2:", "https://"),
        ("[services.follow]\nevery = \"1s\"\n", "gw.toml:2:", "30s or more"),
        ("[services.follow]\nbluesky = \"view\"\n", "gw.toml:2:", "https://"),
        ("[services.status]\nmastodont = true\n", "gw.toml:2:", "mastodon"),
    ] {
        let said = complaint(source);
        assert!(said.starts_with(place) && said.contains(word), "{source}\n{said}");
    }
}

#[test]
fn programs_elsewhere_are_listened_to_by_tls_only() {
    assert!(parse("[api]\nlisten = [\"127.0.0.1:7443\", \"[::1]:7443\"]\n").is_ok());
    let said = complaint("[api]\nlisten = [\"127.0.0.1:1\", \"0.0.0.0:7443\"]\n");
    assert!(said.starts_with("gw.toml:2:") && said.contains("`host`"), "{said}");
    let said = complaint("[api]\nlisten = [\"0.0.0.0:7443\"]\nhost = \"gateway.example.org\"\n");
    assert!(said.starts_with("gw.toml:3:") && said.contains("crosstalk ca init"), "{said}");
    let said =
        complaint("[[proxy]]\nlisten = \"127.0.0.1:9\"\n[api]\nlisten = [\"127.0.0.1:9\"]\n");
    assert!(said.contains("taken by `proxy.0.listen`"), "{said}");
}

#[test]
fn the_manual_shows_the_example() {
    let manual = include_str!("../../../docs/configuration.md");
    assert!(manual.contains(EXAMPLE), "copy config/example.toml into docs/configuration.md");
}

#[test]
fn the_usual_networks_are_there_and_a_table_changes_one() {
    let aol = "aol".parse().unwrap();
    let usual = parse("").unwrap();
    assert!(usual.networks.len() > 1 && usual.networks[&aol].protocol.name() == "oscar");
    let changed = parse("[networks.aol]\nports = [9]\n").unwrap();
    assert_eq!(changed.networks[&aol].ports, [9]);
    assert_eq!(changed.networks[&aol].hosts, usual.networks[&aol].hosts);
    let without = parse("[networks.aol]\nenabled = false\n").unwrap();
    assert!(!without.networks.contains_key(&aol));
    let said = complaint("[networks.jabber]\noptions = [\"reorignate\"]\n");
    assert!(
        said.starts_with("gw.toml:2:12") && said.contains("did you mean `reoriginate`?"),
        "{said}"
    );
    let said = complaint("[networks.work]\nprotocol = \"osccar\"\n");
    assert!(said.contains("did you mean `oscar`?"), "{said}");
}

#[test]
fn files_of_a_named_domain_are_within_reach_and_others_need_a_rule() {
    let web = |toml: &str, place: &str| parse(toml).unwrap().is_own_web(&place.parse().unwrap());
    let named = "[networks.jabber]\nhosts = [\"*.example.org\"]\n";
    assert!(web(named, "upload.example.org:443") && web(named, "example.org:443"));
    for other in ["upload.example.org:80", "upload.example.net:443", "login.live.com:443"] {
        assert!(!web(named, other), "{other}");
    }
    assert!(!web("", "upload.example.org:443"), "that anybody can have a server opens nothing");
}

#[test]
fn what_passes_unread_is_named_for_each_network() {
    let place = |host: &str| HostPort::new(host, 5280);
    let names = |toml: &str, host: &str| -> Vec<String> {
        let refused = parse(toml).unwrap().refused_at(None, &place(host));
        refused.iter().map(|(id, unread)| format!("{id} {}", unread.name)).collect()
    };
    let jabber = ["jabber bosh", "jabber websocket", "jabber xml"];
    assert_eq!(names("", "chat.example.org"), jabber, "anybody can have a server");
    let work =
        "[networks.work]\nprotocol = \"xmpp\"\nhosts = [\"*.example.org\"]\npass = [\"bosh\"]\n";
    assert_eq!(
        names(work, "chat.example.org"),
        ["work websocket", "work xml"],
        "the nearest network says"
    );
    assert_eq!(names(work, "other.example.net"), jabber);
    let aol = names("[networks.aol]\npass = [\"toc\"]\n", "login.oscar.aol.com");
    assert!(aol.contains(&"aol http".to_owned()) && !aol.contains(&"aol toc".to_owned()));
    let id = "aol".parse().unwrap();
    let of_aol = parse("").unwrap().refused_at(Some(&id), &place("login.oscar.aol.com"));
    assert!(of_aol.iter().all(|(network, _)| *network == id), "it belongs to that one");
    let said = complaint("[networks.jabber]\npass = [\"boch\"]\n");
    assert!(said.starts_with("gw.toml:2:") && said.contains("did you mean `bosh`?"), "{said}");
}

#[test]
fn a_named_server_is_connected_instead_of_the_one_dialled() {
    let config =
        parse("[networks.aol]\nservers = { \"Login.AIM.test\" = \"127.0.0.1:5191\" }\n").unwrap();
    let dialled = HostPort::new("login.aim.TEST", 5190);
    let network = config.network_at(&dialled).unwrap();
    assert_eq!(network.id.as_str(), "aol");
    assert_eq!(network.upstream(&dialled), Some(&HostPort::new("127.0.0.1", 5191)));
    assert!(config.network_at(&HostPort::new("www.example.org", 80)).is_none());
    let anywhere = config.network_at(&HostPort::new("anywhere.example.org", 5222)).unwrap();
    assert_eq!(anywhere.id.as_str(), "jabber");
}

#[test]
fn sources_of_services_are_addresses_of_the_web_and_keys_are_not_shown() {
    for (key, url) in [("lastfm", "ws.audioscrobbler.com"), ("listenbrainz", "ftp://a.example")] {
        let said = complaint(&format!("[services.music]\n{key} = \"{url}\"\n"));
        assert!(said.starts_with("gw.toml:2:") && said.contains("https://"), "{said}");
    }
    let config =
        parse("[services.music]\nkey = \"hush\"\n[services.location]\ndatabases = [\"x\"]\n");
    let services = config.unwrap().services;
    assert_eq!(services.music.lastfm, "https://ws.audioscrobbler.com/2.0/");
    assert_eq!(services.location.databases.len(), 1);
    assert!(!format!("{services:?}").contains("hush"));
}
