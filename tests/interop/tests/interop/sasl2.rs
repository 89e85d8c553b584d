//! A server that offers SASL2 (XEP-0388), which the gateway does not read yet.

use crosstalk_interop::Court;

const SASL2: &str = "urn:xmpp:sasl:2";

#[test]
fn whoever_signs_on_by_sasl2_though_it_is_not_offered_is_told_and_signs_on_as_ever() {
    let mut court = Court::of_prosody_with_sasl2();
    assert!(court.without_a_gateway().is_offered().contains(SASL2), "the server has it");
    let mut ceo = court.connects();
    let offered = ceo.is_offered();
    assert!(!offered.contains(SASL2) && offered.contains("<mechanism>PLAIN"), "{offered}");
    // A client that remembers the server's offer does not wait for it.
    ceo.says(format_args!(
        "<authenticate xmlns='{SASL2}' mechanism='PLAIN'>\
         <initial-response>AGNlbwB0aGUgY2VvJ3M=</initial-response>\
         <bind xmlns='urn:xmpp:bind:0'><tag>x</tag></bind></authenticate>"
    ));
    let failure = ceo.hears("</failure>");
    assert!(failure.contains(SASL2) && !failure.contains("<success"), "{failure}");
    ceo.claims("", "ceo", "the ceo's").hears("<success");
    ceo.opens().binds("desk");
    ceo.says("<message to='alice@aol.xt' type='chat' id='m'><body>it is me</body></message>");
    assert_eq!(court.alice_hears("it is me").as_deref(), Some("ceo%jabber.test@jabber.xt"));
}
