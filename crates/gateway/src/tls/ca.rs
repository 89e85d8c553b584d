//! CrossTalk's private certificate authority, for clients whose owner trusts it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Validity of the authority's own certificate, in days.
const AUTHORITY_DAYS: i64 = 3650;
/// Validity of a certificate for a host, in days.
const LEAF_DAYS: i64 = 365;
/// Time before its end at which a certificate for a host is made anew, in days.
const RENEWAL_DAYS: i64 = 30;
/// The most hosts whose certificates are kept, besides those that the operator named. Clients
/// choose among the others: the one that was not needed for the longest makes room.
const MOST_KEPT: usize = 1024;

/// Problem with the authority's files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authority exists already: replacing it would break every client that trusts it.
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
    let certified = create(&certificate_file(dir), &certificate.pem(), 0o644);
    certified.inspect_err(|_| drop(fs::remove_file(key_file(dir))))
}

/// The authority's certificate as PEM, for clients to import.
pub fn export(dir: &Path) -> Result<String, Error> {
    read(&certificate_file(dir))
}

/// An authority ready to sign.
pub(crate) struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// One key for the certificates of all hosts.
    key: KeyPair,
    /// The hosts whose certificates are kept for good, since they are named one by one.
    named: Vec<String>,
}

impl Authority {
    /// The authority in `dir`, for hosts of which the operator named some one by one; `None` where
    /// there never was one.
    pub(crate) fn load(dir: &Path, named: Vec<String>) -> Result<Option<Self>, Error> {
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
        Ok(Some(Self { dir: dir.into(), issuer, certificate, key: leaf_key(dir)?, named }))
    }

    /// The key of the certificates for hosts.
    pub(crate) const fn key(&self) -> &KeyPair {
        &self.key
    }

    /// A certificate for `host`, and the authority's own behind it. It stays the same for months,
    /// also when the gateway starts anew: clients remember what their owner accepted, and ask
    /// again about anything else.
    pub(crate) fn leaf(&self, host: &str) -> Result<Vec<CertificateDer<'static>>, rcgen::Error> {
        let file = leaf_file(&self.dir, host);
        if let Some((file, kept)) = file.as_deref().and_then(|f| Some((f, self.kept(f)?))) {
            touch(file);
            return Ok(kept);
        }
        let leaf = self.issue(host)?;
        if let Some(file) = file {
            self.keep_key();
            self.keep(&file, &(leaf.pem() + &self.own_pem()));
        }
        Ok(vec![leaf.der().clone(), self.certificate.clone()])
    }

    /// The certificate chain in `file`, if this authority would sign it again today.
    fn kept(&self, file: &Path) -> Option<Vec<CertificateDer<'static>>> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).ok()?.collect();
        let chain = chain.ok()?;
        let [leaf, authority] = &chain[..] else { return None };
        let (_, leaf) = x509_parser::parse_x509_certificate(leaf).ok()?;
        let renewal = leaf.validity().not_after.to_datetime() - Duration::days(RENEWAL_DAYS);
        let ours = *authority == self.certificate
            && leaf.public_key().raw == self.key.subject_public_key_info();
        (ours && OffsetDateTime::now_utc() < renewal).then_some(chain)
    }

    fn issue(&self, host: &str) -> Result<Certificate, rcgen::Error> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "CrossTalk");
        // Left out it would be made from the key, and NSS refuses two certificates of one number.
        params.serial_number = Some(SerialNumber::from(rand::random::<u64>()));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        hold(&mut params, LEAF_DAYS);
        params.signed_by(&self.key, &self.issuer)
    }

    /// Writes the key for hosts down with the first certificate that needs it.
    fn keep_key(&self) {
        let file = leaf_key_file(&self.dir);
        if file.exists() {
            return;
        }
        if let Err(error) = create(&file, &self.key.serialize_pem(), 0o600) {
            tracing::warn!(%error, "clients will be shown new certificates after a restart");
        }
    }

    /// Writes a certificate. Where that fails a new one is made next time.
    fn keep(&self, file: &Path, pem: &str) {
        let Some(dir) = file.parent() else { return };
        let written = fs::create_dir_all(dir).and_then(|()| {
            self.make_room(dir)?;
            fs::write(file, pem)
        });
        if let Err(error) = written {
            tracing::warn!(%error, file = %file.display(), "a certificate could not be kept");
        }
    }

    /// Removes certificates until one more may be kept, those first that were not needed for the
    /// longest.
    fn make_room(&self, dir: &Path) -> io::Result<()> {
        let mut kept = Vec::new();
        for file in fs::read_dir(dir)? {
            let file = file?;
            let name = file.file_name();
            let host = name.to_str().and_then(|name| name.strip_suffix(".pem"));
            if !host.is_some_and(|host| self.named.iter().any(|named| named == host)) {
                kept.push((file.metadata()?.modified()?, file.path()));
            }
        }
        kept.sort_unstable();
        let over = (kept.len() + 1).saturating_sub(MOST_KEPT);
        kept.iter().take(over).try_for_each(|(_, file)| fs::remove_file(file))
    }

    fn own_pem(&self) -> String {
        export(&self.dir).unwrap_or_default()
    }
}

/// The key for hosts' certificates in `dir`, or a new one where none was kept.
fn leaf_key(dir: &Path) -> Result<KeyPair, Error> {
    let path = leaf_key_file(dir);
    let key = if path.exists() { KeyPair::from_pem(&read(&path)?) } else { KeyPair::generate() };
    key.map_err(|e| Error::Content(path, e))
}

/// Path of the certificate for `host`; `None` for what is no name to make a file of.
fn leaf_file(dir: &Path, host: &str) -> Option<PathBuf> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:".contains(&b);
    let fits = (1..=253).contains(&host.len()) && !host.starts_with('.');
    (fits && host.bytes().all(plain)).then(|| dir.join("hosts").join(format!("{host}.pem")))
}

/// Notes that what is in `file` was needed now.
fn touch(file: &Path) {
    let touched = OpenOptions::new().write(true).open(file);
    // Without it the file only makes room earlier.
    let _ = touched.and_then(|file| file.set_modified(SystemTime::now()));
}

fn hold(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    // The client's clock may lag.
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
}

fn rustls_pem(pem: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

fn key_file(dir: &Path) -> PathBuf {
    dir.join("ca.key")
}

fn leaf_key_file(dir: &Path) -> PathBuf {
    dir.join("hosts.key")
}

fn certificate_file(dir: &Path) -> PathBuf {
    dir.join("ca.pem")
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|e| Error::File(path.into(), e))
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut f| {
        let written = f.write_all(text.as_bytes());
        // Half of it would stand in the way of the next try.
        written.inspect_err(|_| drop(fs::remove_file(path)))
    });
    written.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists(path.parent().unwrap_or(path).into()),
        _ => Error::File(path.into(), e),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(dir: &Path) -> Authority {
        Authority::load(dir, vec!["named.test".to_owned()]).unwrap().unwrap()
    }

    #[test]
    fn a_host_keeps_its_certificate_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).unwrap();
        let first = authority(dir.path()).leaf("jabber.test").unwrap();
        let again = authority(dir.path());
        assert_eq!(again.leaf("jabber.test").unwrap(), first);
        assert_ne!(again.leaf("other.test").unwrap(), first);
    }

    #[test]
    fn a_new_authority_shows_nothing_of_the_last_one() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).unwrap();
        let first = authority(dir.path()).leaf("jabber.test").unwrap();
        fs::remove_file(key_file(dir.path())).unwrap();
        fs::remove_file(certificate_file(dir.path())).unwrap();
        init(dir.path()).unwrap();
        let second = authority(dir.path());
        let leaf = second.leaf("jabber.test").unwrap();
        assert_ne!(leaf, first);
        assert_eq!(leaf[1], second.certificate);
    }

    #[test]
    fn made_up_names_leave_neither_a_named_host_nor_a_new_one_without_its_certificate() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).unwrap();
        let first = authority(dir.path());
        let [named, used, unused] =
            ["named.test", "used.test", "unused.test"].map(|host| first.leaf(host).unwrap());
        let hosts = dir.path().join("hosts");
        let long_ago = SystemTime::now() - std::time::Duration::from_hours(1);
        let age = |file: &Path| {
            let file = OpenOptions::new().write(true).open(file).unwrap();
            file.set_modified(long_ago).unwrap();
        };
        for host in ["named.test", "used.test", "unused.test"] {
            age(&hosts.join(format!("{host}.pem")));
        }
        for i in 0..MOST_KEPT - 2 {
            fs::write(hosts.join(format!("{i}.made-up.pem")), "").unwrap();
        }
        let again = authority(dir.path());
        assert_eq!(again.leaf("used.test").unwrap(), used);
        let new = again.leaf("new.test").unwrap();
        assert_eq!(fs::read_dir(&hosts).unwrap().count(), MOST_KEPT + 1);
        let last = authority(dir.path());
        assert_eq!(last.leaf("new.test").unwrap(), new);
        assert_eq!(last.leaf("used.test").unwrap(), used);
        assert_eq!(last.leaf("named.test").unwrap(), named);
        assert_ne!(last.leaf("unused.test").unwrap(), unused, "it made room");
    }

    #[test]
    fn no_two_certificates_have_one_number() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).unwrap();
        let authority = authority(dir.path());
        let [one, two] = ["one.test", "two.test"].map(|host| {
            let chain = authority.leaf(host).unwrap();
            x509_parser::parse_x509_certificate(&chain[0]).unwrap().1.raw_serial().to_vec()
        });
        assert_ne!(one, two);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let dir = Path::new("/ca");
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "Ä.test"] {
            assert_eq!(leaf_file(dir, name), None, "{name}");
        }
        assert_eq!(leaf_file(dir, "a.test"), Some("/ca/hosts/a.test.pem".into()));
    }
}
