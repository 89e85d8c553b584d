use futures_util::poll;

use super::*;
use crate::people::Reader;
use crate::state::State;

/// Accounts of which Ann has one, and her session.
async fn ann(home: &tempfile::TempDir) -> (Arc<Accounts>, SignedIn) {
    let accounts = Arc::clone(&State::alone(home.path()).await.accounts);
    let made = accounts.invite(&"ann@web".parse().unwrap(), SESSION_AGE).await.unwrap();
    let (invite, _) = made.unwrap();
    let password = Redacted::new("a horse called Bob".into());
    let accepted = accounts.accept(invite.expose(), password).await;
    let Ok(signed_in) = accepted else { panic!("she is invited") };
    (accounts, signed_in)
}

#[tokio::test]
async fn whoever_hangs_up_has_tried_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let (accounts, _) = ann(&home).await;
    let (thief, who) = ([192, 0, 2, 1].into(), "ann@web".parse().unwrap());
    let wrong = || accounts.sign_in(thief, &who, Redacted::new("password123".into()));
    for _ in 0..11 {
        // Whoever was before is done.
        drop(accounts.hashing.turn().await);
        let mut trying = Box::pin(wrong());
        // It has its turn, and hangs up, or is refused already.
        let _ = poll!(&mut trying);
    }
    drop(accounts.hashing.turn().await);
    assert!(matches!(wrong().await, Err(Refused::Wait(_))));
}

#[tokio::test]
async fn a_made_up_session_costs_no_write_to_end() {
    let home = tempfile::tempdir().unwrap();
    let (accounts, SignedIn { secret, .. }) = ann(&home).await;
    let known = Hash::of(secret.expose()).unwrap();
    let writing = accounts.changing.lock().await;
    let made_up = secret::make().1;
    assert!(matches!(accounts.end(made_up).await, Ok(false)), "it waits for no turn to write");
    let mut ending = Box::pin(accounts.end(known));
    assert!(poll!(&mut ending).is_pending());
    drop(writing);
    assert!(matches!(ending.await, Ok(true)));
    assert!(matches!(accounts.end(known).await, Ok(false)));
}

#[tokio::test]
async fn a_stream_ends_with_its_session_though_the_browser_hangs_up() {
    let home = tempfile::tempdir().unwrap();
    let (accounts, SignedIn { secret, token }) = ann(&home).await;
    let hash = Hash::of(secret.expose()).unwrap();
    let present = accounts.people.enter(&token.address().unwrap()).await.unwrap();
    let Ok(mut reader) = Reader::begin(present, None).await else { panic!("there is room") };
    let mut next = Box::pin(reader.next(|| accounts.sessions.get(&hash, now()).is_some()));
    assert!(poll!(&mut next).is_pending());
    let mut ending = Box::pin(accounts.end(hash));
    assert!(poll!(&mut ending).is_pending());
    drop(ending);
    let told = tokio::time::timeout(Duration::from_secs(10), next).await;
    assert!(told.expect("it ends").is_none());
}

#[tokio::test]
async fn an_invite_that_has_expired_lets_nobody_in() {
    let home = tempfile::tempdir().unwrap();
    let accounts = Arc::clone(&State::alone(home.path()).await.accounts);
    let who = "ann@web".parse().unwrap();
    let password = || Redacted::new("correct horse battery".to_owned());

    let (expired, _) = accounts.invite(&who, Duration::ZERO).await.unwrap().unwrap();
    assert!(matches!(accounts.invited(expired.expose()).await, Err(Refused::Wrong)));
    let refused = accounts.accept(expired.expose(), password()).await;
    assert!(matches!(refused, Err(Refused::Wrong)));
    assert_eq!(accounts.store.password(&who).await.unwrap(), None, "and no password is set by it");

    let hour = Duration::from_hours(1);
    let (good, _) = accounts.invite(&who, hour).await.unwrap().unwrap();
    assert!(accounts.invited(good.expose()).await.is_ok());
    assert!(accounts.accept(good.expose(), password()).await.is_ok());
    assert!(accounts.store.password(&who).await.unwrap().is_some());
}
