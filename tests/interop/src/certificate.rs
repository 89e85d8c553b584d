//! A certificate authority for the test server.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// Writes `ca.pem`, and `server.pem` with `server.key` for `hosts`, to `directory`.
pub(crate) fn make(directory: &Path, hosts: &[&str]) {
    let validity = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "CA of a test server");
    // ejabberd cannot read the dates that rcgen takes, which are thousands of years apart.
    (ca.not_before, ca.not_after) = validity;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL in its strict mode, the default of newer Pythons, insists on what RFC 5280 wants.
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut server = CertificateParams::new(names).unwrap();
    (server.not_before, server.not_after) = validity;
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).unwrap();
    fs::write(directory.join("ca.pem"), ca_certificate.pem()).unwrap();
    fs::write(directory.join("server.pem"), certificate.pem()).unwrap();
    fs::write(directory.join("server.key"), key.serialize_pem()).unwrap();
}
