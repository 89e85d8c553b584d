//! Certificates of the operator, read from files.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::Error;
use crate::config;

/// Reads a certificate with what stands behind it, and its key.
pub(super) fn load(
    own: &config::Certificate,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Error> {
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
