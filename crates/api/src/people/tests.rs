use crosstalk_core::{Body, Envelope, EnvelopeId, UnixMillis};
use crosstalk_gateway::mail::DeliveryReceipt;

use crate::people::actor::Waiting;
use crate::state::{State, now};

#[tokio::test]
async fn nothing_was_said_later_than_now_whatever_another_gateway_writes() {
    let home = tempfile::tempdir().unwrap();
    let state = State::alone(home.path()).await;
    let present = state.people.enter(&"weather@apps".parse().unwrap()).await.unwrap();
    let said = Body::Text { text: "hello".into(), auto: false };
    for (id, body) in [said, Body::Attention].into_iter().enumerate() {
        for (sent_at, is_kept) in [(u64::MAX, false), (1, true)] {
            let envelope = Envelope {
                id: EnvelopeId(2 * id as u128 + u128::from(is_kept)),
                from: "alice@aol".parse().unwrap(),
                to: present.who().clone(),
                sent_at: UnixMillis(sent_at),
                body: body.clone(),
                details: None,
            };
            let (mut waiting, before) = (Waiting::default(), now().0);
            present.deliver(envelope, DeliveryReceipt::default(), true, &mut waiting);
            let event: serde_json::Value = serde_json::from_slice(&waiting.events[0].json).unwrap();
            let told = event["sent_at"].as_u64().unwrap();
            let may_be = if is_kept { 1..=1 } else { before..=now().0 };
            assert!(may_be.contains(&told), "{event}");
        }
    }
}
