//! CrossTalk's private certificate authority, for clients whose owner trusts it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// How long the authority's own certificate holds.
const AUTHORITY_DAYS: i64 = 3650;
/// How long a certificate for a host holds.
const LEAF_DAYS: i64 = 30;

/// What is wrong with the authority's files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is one already: replacing it would break every client that trusts it.
    #[error("there is a certificate authority in {0} already")]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A file is not what it should be.
    #[error("{0}: {1}")]
    Content(PathBuf, rcgen::Error),
}

/// Makes an authority in `dir`, which only its owner may enter afterwards.
pub fn init(dir: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| Error::File(dir.into(), e))?;
    let broken = |e| Error::Content(dir.into(), e);
    let key = KeyPair::generate().map_err(broken)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(broken)?;
    // A number in the name tells apart the authorities that one client may come to trust.
    let name = format!("CrossTalk private CA {:08x}", rand::random::<u32>());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    hold(&mut params, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key).map_err(broken)?;
    create(&key_file(dir), &key.serialize_pem(), 0o600)?;
    create(&certificate_file(dir), &certificate.pem(), 0o644)
}

/// The authority's certificate as PEM, for clients to import.
pub fn export(dir: &Path) -> Result<String, Error> {
    read(&certificate_file(dir))
}

/// An authority ready to sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    /// The authority in `dir`; `None` where there never was one.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, Error> {
        if !key_file(dir).exists() {
            return Ok(None);
        }
        let key = KeyPair::from_pem(&read(&key_file(dir))?);
        let key = key.map_err(|e| Error::Content(key_file(dir), e))?;
        let broken = |e| Error::Content(certificate_file(dir), e);
        let pem = export(dir)?;
        let certificate =
            rustls_pem(&pem).ok_or_else(|| broken(rcgen::Error::CouldNotParseCertificate))?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(broken)?;
        Ok(Some(Self { issuer, certificate }))
    }

    /// A certificate for `host` and `key`, and the authority's own behind it.
    pub(crate) fn issue(
        &self,
        host: &str,
        key: &KeyPair,
    ) -> Result<Vec<CertificateDer<'static>>, rcgen::Error> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "CrossTalk");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        hold(&mut params, LEAF_DAYS);
        let leaf = params.signed_by(key, &self.issuer)?;
        Ok(vec![leaf.der().clone(), self.certificate.clone()])
    }
}

fn hold(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    // The client's clock may lag.
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
}

fn rustls_pem(pem: &str) -> Option<CertificateDer<'static>> {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

fn key_file(dir: &Path) -> PathBuf {
    dir.join("ca.key")
}

fn certificate_file(dir: &Path) -> PathBuf {
    dir.join("ca.pem")
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|e| Error::File(path.into(), e))
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut f| f.write_all(text.as_bytes()));
    written.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists(path.parent().unwrap_or(path).into()),
        _ => Error::File(path.into(), e),
    })
}
