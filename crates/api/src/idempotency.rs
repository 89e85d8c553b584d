//! Keys by which a program says something once, however often it has to try (Idempotency-Key).

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, EnvelopeId};
use tokio::sync::watch;

use crate::lock::lock;
use crate::people::Said;
use crate::secret::sha256;

/// For how long a key is remembered: as long as gateways remember what they showed.
const AGE: Duration = Duration::from_hours(24);
/// The most keys; the oldest makes room.
const MOST: usize = 20_000;

/// A key of somebody, hashed.
type Key = [u8; 32];

/// Keys that were used lately.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Used>);

#[derive(Default)]
struct Used {
    calls: HashMap<Key, Call>,
    order: VecDeque<(Instant, Key)>,
}

/// The call that a key was used for.
struct Call {
    /// The hash of what was asked for.
    asked: [u8; 32],
    said: watch::Receiver<Option<Said>>,
}

/// Whether a call is to be made.
pub(crate) enum Turn {
    /// It is, and what comes of it is to be told here.
    First(watch::Sender<Option<Said>>),
    /// It was, and what comes of it is told here. If that is nothing, the key can be taken anew.
    Again(watch::Receiver<Option<Said>>),
    /// Something else was asked for with the same key.
    Other,
}

impl Keys {
    /// Takes a key of somebody for a call.
    pub(crate) fn take(&self, now: Instant, who: &Address, key: &str, asked: [u8; 32]) -> Turn {
        let key = sha256(&[who.to_string().as_bytes(), key.as_bytes()]);
        let mut used = lock(&self.0);
        while let Some((at, oldest)) = used.order.front().copied()
            && (used.order.len() > MOST || now.saturating_duration_since(at) >= AGE)
        {
            used.order.pop_front();
            used.calls.remove(&oldest);
        }
        match used.calls.get(&key) {
            Some(call) if call.asked != asked => return Turn::Other,
            // One that was given up may be tried again. Whether it is under way is asked first: it
            // may be told, and end, between the two.
            Some(call) if call.said.has_changed().is_ok() || call.said.borrow().is_some() => {
                return Turn::Again(call.said.clone());
            }
            Some(_) => {}
            None => used.order.push_back((now, key)),
        }
        let (tell, said) = watch::channel(None);
        used.calls.insert(key, Call { asked, said });
        Turn::First(tell)
    }
}

/// The name of the message that is said with a key. The same message said with the same key has the
/// same one, also after this gateway was started anew: its receiver's gateway knows it again.
pub(crate) fn envelope_id(who: &Address, key: &str, asked: [u8; 32]) -> EnvelopeId {
    let hash = sha256(&[b"message", who.to_string().as_bytes(), key.as_bytes(), &asked]);
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    EnvelopeId(u128::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_one_call_of_one_person_and_of_one_day() {
        let (keys, now) = (Keys::default(), Instant::now());
        let [ann, bob]: [Address; 2] = ["ann@web", "bob@web"].map(|name| name.parse().unwrap());
        let Turn::First(tell) = keys.take(now, &ann, "k", [1; 32]) else { panic!() };
        assert!(matches!(keys.take(now, &ann, "k", [1; 32]), Turn::Again(_)), "under way");
        tell.send_replace(Some(Said::Kept));
        drop(tell);
        let Turn::Again(said) = keys.take(now, &ann, "k", [1; 32]) else { panic!() };
        assert_eq!(*said.borrow(), Some(Said::Kept));
        assert!(matches!(keys.take(now, &ann, "k", [2; 32]), Turn::Other));
        let Turn::First(tell) = keys.take(now, &bob, "k", [2; 32]) else { panic!() };
        drop(tell);
        assert!(matches!(keys.take(now, &bob, "k", [2; 32]), Turn::First(_)), "it was given up");
        assert!(matches!(keys.take(now + AGE, &ann, "k", [2; 32]), Turn::First(_)));
        let (id, other) = (envelope_id(&ann, "k", [1; 32]), envelope_id(&bob, "k", [1; 32]));
        assert_eq!(id, envelope_id(&ann, "k", [1; 32]));
        assert_ne!(id, other);
    }
}
