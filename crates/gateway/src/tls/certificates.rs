//! Choice and making of the certificates that clients are shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hashlink::LruCache;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::Error;
use super::ca::Authority;
use super::certificate_files::load;
use crate::config::{self, HostPattern};

/// The most certificates remembered; the one that was not shown for the longest makes room.
const MOST: usize = 1024;
/// After how long the authority is asked again, which makes a new one in time.
const FRESH: Duration = Duration::from_hours(24);

/// The operator's certificates, and those made on the fly.
pub(super) struct CertificateStore {
    own: Vec<(Vec<HostPattern>, Arc<CertifiedKey>)>,
    maker: Option<Arc<Maker>>,
    made: Mutex<LruCache<String, Made>>,
    /// Signing and writing files takes a while: one at a time, and on no worker.
    making: Semaphore,
}

/// Issuer of certificates.
struct Maker {
    authority: Authority,
    provider: Arc<CryptoProvider>,
}

/// A certificate that was asked for. Whoever asks while it is made waits for the same one.
struct Made {
    since: Instant,
    leaf: Arc<OnceCell<Arc<CertifiedKey>>>,
}

impl CertificateStore {
    pub(super) fn new(config: &config::Tls, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let own = config.certificates.iter().map(|c| Ok((c.hosts.clone(), load(c, &provider)?)));
        let own = own.collect::<Result<_, Error>>()?;
        let named = config.terminate.iter().filter_map(|host| match host {
            HostPattern::Name(name) => Some(name.clone()),
            _ => None,
        });
        let authority = Authority::load(&config.authority, named.collect())?;
        Ok(Self {
            own,
            maker: authority.map(|authority| Arc::new(Maker { authority, provider })),
            made: Mutex::new(LruCache::new(MOST)),
            making: Semaphore::new(1),
        })
    }

    /// Whether a certificate can be shown for hosts that the operator has none for.
    pub(super) const fn has_authority(&self) -> bool {
        self.maker.is_some()
    }

    /// The certificate for `host`, whose TLS is to end here; `None` where there is neither one
    /// nor an authority.
    pub(super) async fn get(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let own = self.own.iter().find(|(hosts, _)| hosts.iter().any(|h| h.matches(host)));
        if let Some((_, own)) = own {
            return Some(Arc::clone(own));
        }
        let maker = self.maker.as_ref()?;
        let leaf = self.asked(host);
        let made = leaf.get_or_try_init(async || {
            // Inside the cell: whoever asks for the same host meanwhile waits for the cell and not
            // for a turn.
            let _turn = self.making.acquire().await.map_err(drop)?;
            let (maker, host) = (Arc::clone(maker), host.to_owned());
            let made = spawn_blocking(move || maker.make(&host)).await;
            made.ok().flatten().ok_or(())
        });
        made.await.ok().cloned()
    }

    /// Cell with the certificate for `host`, empty until that is made.
    fn asked(&self, host: &str) -> Arc<OnceCell<Arc<CertifiedKey>>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.get(host)
            && made.since.elapsed() < FRESH
        {
            return Arc::clone(&made.leaf);
        }
        let leaf = Arc::default();
        made.insert(host.to_owned(), Made { since: Instant::now(), leaf: Arc::clone(&leaf) });
        leaf
    }
}

impl Maker {
    fn make(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let chain = self.authority.leaf(host).ok()?;
        let key = PrivateKeyDer::try_from(self.authority.key().serialize_der()).ok()?;
        CertifiedKey::from_der(chain, key, &self.provider).ok().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ca;
    use super::*;
    use std::path::Path;
    use tokio_rustls::rustls::crypto::ring;

    fn certificates(dir: &Path, terminate: &[&str]) -> CertificateStore {
        let terminate = terminate.iter().map(|host| host.parse().unwrap()).collect();
        let config = config::Tls { terminate, authority: dir.into(), ..config::Tls::default() };
        CertificateStore::new(&config, Arc::new(ring::default_provider())).unwrap()
    }

    #[tokio::test]
    async fn those_who_ask_for_the_same_host_at_once_are_shown_the_same_certificate() {
        let dir = tempfile::tempdir().unwrap();
        ca::init(dir.path()).unwrap();
        let certificates = Arc::new(certificates(dir.path(), &["*"]));
        let ask = || {
            let certificates = Arc::clone(&certificates);
            tokio::spawn(async move { certificates.get("chat.test").await.unwrap() })
        };
        let [one, two, three] = [ask(), ask(), ask()];
        let one = one.await.unwrap();
        assert!(Arc::ptr_eq(&one, &two.await.unwrap()) && Arc::ptr_eq(&one, &three.await.unwrap()));
    }

    #[tokio::test]
    async fn the_host_that_was_not_asked_for_the_longest_is_forgotten_first() {
        let dir = tempfile::tempdir().unwrap();
        ca::init(dir.path()).unwrap();
        let certificates = certificates(dir.path(), &["*"]);
        let first = certificates.get("first.test").await.unwrap();
        for i in 0..MOST {
            certificates.asked(&format!("{i}.made-up.test"));
            certificates.asked("first.test");
        }
        assert!(Arc::ptr_eq(&first, &certificates.get("first.test").await.unwrap()));
        assert_eq!(certificates.made.lock().unwrap().len(), MOST);
    }
}
