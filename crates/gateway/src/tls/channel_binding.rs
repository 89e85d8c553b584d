//! Channel bindings of a TLS session.

use crosstalk_core::{Redacted, TlsFacts};
use ring::digest::{SHA256, SHA384, SHA512, digest};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ConnectionCommon, ProtocolVersion, SideData};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The facts of `session`, whose server showed `certificate`.
pub(super) fn channel_binding<D: SideData>(
    session: &ConnectionCommon<D>,
    certificate: Option<&CertificateDer<'_>>,
) -> TlsFacts {
    let exporter = (session.protocol_version() == Some(ProtocolVersion::TLSv1_3)).then(|| {
        // RFC 9266, section 2: this label, no context, 32 bytes.
        session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).ok()
    });
    TlsFacts {
        exporter: exporter.flatten().map(Redacted::new),
        server_end_point: certificate.and_then(|c| end_point(c)),
    }
}

/// `tls-server-end-point` of RFC 5929, section 4.1: the certificate hashed with the hash
/// function of its signature, SHA-256 in place of MD5 and SHA-1; `None` where the signature
/// has none of its own.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        // MD5, SHA-1 and SHA-256 with RSA; SHA-1 and SHA-256 with ECDSA.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &SHA512,
        _ => return None,
    };
    Some(digest(algorithm, certificate).as_ref().to_vec())
}
