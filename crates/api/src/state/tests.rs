use std::path::Path;

use crosstalk_gateway::router::Options;

use super::*;

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
