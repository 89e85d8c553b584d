//! Authority of servers over Jabber domains.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::case::{Case, cases};
use crate::dns::{Names, Record};
use crate::gateway::{Gateway, until};
use crate::jabber::{Client, Route, Server, message};
use crate::world::{FRIEND, LODGER, VICTIM};

const A_WHILE: Duration = Duration::from_secs(2);
const BIND: &str = "<iq id='b' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_host_under_a_domain_does_not_speak_for_it,
        the_host_of_a_domain_speaks_for_it,
        the_host_that_the_domain_names_in_the_dns_speaks_for_it,
    ]
    .into()
}

async fn a_host_under_a_domain_does_not_speak_for_it() {
    let _friends = Server::start(FRIEND);
    let lodger = SocketAddr::from((Ipv4Addr::from(LODGER.1), 5222));
    let _at_home = Server::at(VICTIM.0, lodger);
    let gateway = Gateway::start().await;
    let mut fred = Client::sign_on("fred", FRIEND.0).await;
    let mut president = Client::dial(Route::to(LODGER.0)).await;
    // The stream may pass through or be closed.
    president.authenticates("president", VICTIM.0).await;
    president.tries(BIND).await;
    president.tries(&message("fred%friend.example@jabber.xt", "from the president")).await;
    let heard = fred.reads_within(A_WHILE, "from the president").await;
    assert_eq!(heard, None, "{:?}", gateway.signed_in());
    let signed_in = gateway.signed_in();
    assert!(!signed_in.iter().any(|user| user.contains("president")), "{signed_in:?}");
}

async fn the_host_of_a_domain_speaks_for_it() {
    let _server = Server::start(VICTIM);
    let gateway = Gateway::start().await;
    let _president = Client::sign_on("president", VICTIM.0).await;
    let is_in = || gateway.signed_in().iter().any(|user| user.contains("president"));
    assert!(until(A_WHILE, is_in).await, "{}", gateway.log());
}

async fn the_host_that_the_domain_names_in_the_dns_speaks_for_it() {
    let host = "xmpp.victim.example";
    let service = Record::Service("_xmpp-client._tcp.victim.example", host, 5222);
    let _names = Names::serve(vec![service, Record::Host(host, VICTIM.1)]).await;
    let _server = Server::start(VICTIM);
    let lodger = SocketAddr::from((Ipv4Addr::from(LODGER.1), 5222));
    let _at_home = Server::at(VICTIM.0, lodger);
    let gateway = Gateway::start().await;
    let mut lodger = Client::dial(Route::to(LODGER.0)).await;
    lodger.authenticates("lodger", VICTIM.0).await;
    lodger.tries(BIND).await;
    let mut president = Client::dial(Route::to(host)).await;
    president.signs_on("president", VICTIM.0, "r").await;
    let is_in = || gateway.signed_in().iter().any(|user| user.contains("president"));
    assert!(until(A_WHILE, is_in).await, "{}", gateway.log());
    let signed_in = gateway.signed_in();
    assert!(!signed_in.iter().any(|user| user.contains("lodger")), "{signed_in:?}");
}
