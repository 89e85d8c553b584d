//! Which certificate a client is shown.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::Error;
use super::ca::Authority;
use crate::config::{self, HostPattern};

/// The most certificates remembered; clients choose the names in them.
const MOST: usize = 1024;
/// After how long the authority is asked again, which makes a new one in time.
const FRESH: Duration = Duration::from_hours(24);

/// The operator's certificates, and those made on the fly.
pub(super) struct Leaves {
    own: Vec<(Vec<HostPattern>, Arc<CertifiedKey>)>,
    authority: Option<Authority>,
    made: Mutex<HashMap<String, (Instant, Arc<CertifiedKey>)>>,
    provider: Arc<CryptoProvider>,
}

impl Leaves {
    pub(super) fn new(config: &config::Tls, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let own = config.certificates.iter().map(|c| Ok((c.hosts.clone(), load(c, &provider)?)));
        Ok(Self {
            own: own.collect::<Result<_, Error>>()?,
            authority: Authority::load(&config.authority)?,
            made: Mutex::default(),
            provider,
        })
    }

    /// Whether a certificate can be shown for hosts that the operator has none for.
    pub(super) const fn has_authority(&self) -> bool {
        self.authority.is_some()
    }

    /// The certificate for `host`; `None` where there is neither one nor an authority.
    pub(super) fn get(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let own = self.own.iter().find(|(hosts, _)| hosts.iter().any(|h| h.matches(host)));
        if let Some((_, own)) = own {
            return Some(Arc::clone(own));
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, leaf)) = made.get(host)
            && at.elapsed() < FRESH
        {
            return Some(Arc::clone(leaf));
        }
        let leaf = self.make(host)?;
        if made.len() >= MOST
            && let Some(oldest) = made.iter().min_by_key(|(_, (at, _))| *at).map(|(h, _)| h.clone())
        {
            made.remove(&oldest);
        }
        made.insert(host.to_owned(), (Instant::now(), Arc::clone(&leaf)));
        Some(leaf)
    }

    fn make(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let authority = self.authority.as_ref()?;
        let chain = authority.leaf(host).ok()?;
        let key = PrivateKeyDer::try_from(authority.key().serialize_der()).ok()?;
        CertifiedKey::from_der(chain, key, &self.provider).ok().map(Arc::new)
    }
}

fn load(own: &config::Certificate, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Error> {
    let bad = |path: &Path, why: String| Error::Certificate(path.into(), why);
    let chain = CertificateDer::pem_file_iter(&own.chain).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|e| bad(&own.chain, e.to_string()))?;
    if chain.is_empty() {
        return Err(bad(&own.chain, "there is no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&own.key).map_err(|e| match e {
        pem::Error::NoItemsFound => bad(&own.key, "there is no private key in it".into()),
        e => bad(&own.key, e.to_string()),
    })?;
    let pair = CertifiedKey::from_der(chain, key, provider).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            bad(&own.key, format!("it is not the key of {}", own.chain.display()))
        }
        e => bad(&own.key, e.to_string()),
    })?;
    Ok(Arc::new(pair))
}
