use std::path::Path;

use crosstalk_core::Redacted;
use crosstalk_gateway::router::Options;
use futures_util::poll;

use super::*;
use crate::accounts::Refused;
use crate::content::Presence;

impl State {
    /// The state of a gateway that knows no other, and keeps everything in this directory.
    pub(crate) async fn alone(home: &Path) -> Arc<Self> {
        let (overlay, inbound) = Overlay::alone(home).unwrap();
        let names = Arc::new(Names::new("xt", []));
        let router = Router::new(overlay.clone(), inbound, Arc::clone(&names), Options::default());
        let store = Store::open(home).unwrap();
        let people = Arc::new(People::new(router.clone(), store.clone()));
        let accounts = Accounts::open(store.clone(), people).await.unwrap();
        Arc::new(Self::new(store, overlay, router, names, Vec::new(), accounts, Vec::new()))
    }
}

#[tokio::test]
async fn who_is_wiped_is_forgotten_though_the_operator_hangs_up() {
    let home = tempfile::tempdir().unwrap();
    let state = State::alone(home.path()).await;
    let (accounts, ann) = (&state.accounts, "ann@web".parse().unwrap());
    let password = || Redacted::new("a horse called Bob".into());
    let (invite, _) = accounts.invite(&ann, Duration::from_hours(1)).await.unwrap().unwrap();
    assert!(accounts.accept(invite.expose(), password()).await.is_ok());
    let sign_in = || accounts.sign_in([192, 0, 2, 1].into(), &ann, password());
    assert!(sign_in().await.is_ok());
    let usual = Presence::default();
    let shown = Presence { text: "raining".into(), ..usual.clone() };
    state.store.set_profile(&ann, &shown).await.unwrap();
    let mut wiping = Box::pin(state.wipe(ann.clone()));
    assert!(poll!(&mut wiping).is_pending());
    drop(wiping);
    assert!(matches!(sign_in().await, Err(Refused::Wrong)));
    let forgotten = async {
        while state.store.profile(&ann).await.unwrap() != usual {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let patience = Duration::from_secs(10);
    tokio::time::timeout(patience, forgotten).await.expect("what she shows is forgotten too");
}
