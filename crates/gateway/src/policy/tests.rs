use std::time::Duration;

use crosstalk_core::{BadName, Context, Defaults, Engine, Exchange, Handoff, Network, Side, Sniff};

use super::*;
use crate::config::Config;

/// A protocol that is only configured, never spoken.
struct Unspoken;

impl Network for Unspoken {
    fn name(&self) -> &'static str {
        "unspoken"
    }

    fn sniff(&self, _: Side, _: &[u8]) -> Sniff {
        Sniff::No
    }

    fn defaults(&self) -> Defaults {
        Defaults { id: "work", title: "Work", hosts: &[], ports: &[] }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        Ok(local.to_owned())
    }

    fn engine(&self, _: Context) -> Box<dyn Engine> {
        unreachable!("nobody connects")
    }
}

/// A network with a host of its own and a server in the place of another.
fn policy() -> Policy {
    let id: NetworkId = "work".parse().unwrap();
    let network = NetworkConfig {
        id: id.clone(),
        protocol: &Unspoken,
        hosts: vec!["chat.example.org".parse().unwrap()],
        ports: vec![5222],
        servers: [("old.example.org".to_owned(), HostPort::new("127.0.0.1", 5269))].into(),
        direct: Vec::new(),
        options: Vec::new(),
        pass: Vec::new(),
    };
    let mut config = Config::alone("/nonexistent".into());
    config.networks = [(id.clone(), network)].into();
    Policy::new(Arc::new(config), [(id, Arc::default())].into())
}

fn judge(policy: &Policy, rules: &[Allow], target: &str, address: &str) -> Result<(), Refusal> {
    let (asked, target) = (Asked::Proxy(rules), target.parse().unwrap());
    let permit = policy.judge(asked, &target)?;
    policy.admit(asked, &permit, address.parse().unwrap())
}

#[test]
fn only_configured_hosts_and_ports_may_be_dialled() {
    let policy = policy();
    assert_eq!(judge(&policy, &[], "chat.example.org:5222", "8.8.8.8:5222"), Ok(()));
    for other in ["chat.example.org:25", "example.org:5222", "8.8.8.8:5222"] {
        let refused = judge(&policy, &[], other, "8.8.8.8:5222");
        assert_eq!(refused, Err(Refusal::NotConfigured), "{other}");
    }
}

#[test]
fn a_name_that_turns_into_a_private_address_is_refused() {
    let policy = policy();
    // 127.0.0.1 has a server of the operator's, which is no reason to dial others there.
    for address in [
        "127.0.0.1:5222",
        "127.0.0.2:5222",
        "[::1]:5222",
        "[::ffff:127.0.0.1]:5222",
        "10.0.0.1:5222",
        "169.254.169.254:5222",
    ] {
        let refused = judge(&policy, &[], "chat.example.org:5222", address);
        assert_eq!(refused, Err(Refusal::NotPublic), "{address}");
    }
}

#[test]
fn a_server_the_operator_named_may_be_anywhere() {
    let policy = policy();
    let permit = policy.judge(Asked::Proxy(&[]), &HostPort::new("Old.example.org.", 5222)).unwrap();
    assert_eq!(permit.upstream, HostPort::new("127.0.0.1", 5269));
    let admitted = policy.admit(Asked::Proxy(&[]), &permit, "127.0.0.1:5269".parse().unwrap());
    assert_eq!(admitted, Ok(()));
}

#[test]
fn a_host_that_a_server_just_named_may_be_dialled_while_it_is_expected() {
    let policy = policy();
    let (named, later) = (HostPort::new("bos.example.net", 9898), Duration::from_mins(1));
    assert!(policy.judge(Asked::Proxy(&[]), &named).is_err());
    let now = Instant::now();
    let handoff = Handoff::new((), now + later).to(named);
    let connection = policy.registries.values().next().unwrap().connect();
    connection.perform(now, Exchange::Leave("cookie".into(), handoff));
    let judged = |address| judge(&policy, &[], "bos.example.net:9898", address);
    assert_eq!(judged("8.8.8.8:9898"), Ok(()));
    assert_eq!(judged("10.0.0.1:9898"), Err(Refusal::NotPublic));
    assert_eq!(judged("127.0.0.1:9898"), Ok(()), "where a server of the operator's lives");
}

#[test]
fn rules_open_what_they_name_and_nothing_else() {
    let policy = policy();
    let rules = ["*.example.com:80", "10.0.0.0/8:80"].map(|r| r.parse().unwrap());
    assert_eq!(judge(&policy, &rules, "a.example.com:80", "8.8.8.8:80"), Ok(()));
    assert_eq!(judge(&policy, &rules, "a.example.com:80", "10.0.0.1:80"), Ok(()));
    assert_eq!(
        judge(&policy, &rules, "a.example.com:80", "192.168.0.1:80"),
        Err(Refusal::NotPublic)
    );
    assert_eq!(judge(&policy, &rules, "intra:80", "10.0.0.1:80"), Ok(()));
    assert_eq!(judge(&policy, &rules, "intra:80", "8.8.8.8:80"), Err(Refusal::NotConfigured));
    assert_eq!(judge(&policy, &rules, "10.1.1.1:80", "10.1.1.1:80"), Ok(()));
}

#[test]
fn names_of_people_are_never_resolved() {
    let policy = policy();
    let rules = ["*".parse().unwrap()];
    for own in ["yahoo.xt", "YAHOO.XT.", "bob.yahoo.xt", "xt"] {
        let judged = policy.judge(Asked::Proxy(&rules), &HostPort::new(own, 5222));
        assert_eq!(judged, Err(Refusal::OwnName), "{own}");
    }
}

#[test]
fn the_gateway_does_not_dial_itself() {
    let policy = policy();
    policy.set_own(vec!["0.0.0.0:5269".parse().unwrap(), "[::1]:1080".parse().unwrap()]);
    let refused = judge(&policy, &[], "old.example.org:5222", "127.0.0.1:5269");
    assert_eq!(refused, Err(Refusal::Itself));
    let rules = ["*".parse().unwrap(), "::1".parse().unwrap()];
    assert_eq!(judge(&policy, &rules, "[::1]:1080", "[::1]:1080"), Err(Refusal::Itself));
    assert_eq!(judge(&policy, &rules, "[::1]:1081", "[::1]:1081"), Ok(()));
}
