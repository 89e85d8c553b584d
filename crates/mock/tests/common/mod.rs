//! Checks that the tests of every network share.

use std::time::Duration;

use crosstalk_core::Availability;
use crosstalk_mock::{Client, Event};

/// Longest time for any step.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Waits until `client` is shown `name` so.
pub(crate) async fn sees(client: &mut Client, name: &str, show: Availability, text: &str) {
    let seen = client.expect(SOON, |event| match event {
        Event::Presence { of, presence } if of == name => {
            (presence.show == show && presence.text.text() == text).then_some(())
        }
        _ => None,
    });
    assert!(seen.await.is_some(), "{name} was not seen {show:?} {text:?}");
}
