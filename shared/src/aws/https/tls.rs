//! TLS 1.3 and 1.2, as in the SDKs' own client except for the order of the cipher suites.

use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use rustls::pki_types::CertificateDer;
use rustls::{RootCertStore, SupportedCipherSuite};

/// Trust anchors.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// These certificates, in DER. Parsing PEM was a tenth of the instructions of a start.
    Only(&'a [&'a [u8]]),
    /// The certificates of the operating system.
    System,
}

/// A trust anchor is not a certificate that this library supports.
#[derive(Debug, thiserror::Error)]
#[error("could not set up TLS")]
pub struct TlsError(#[from] rustls::Error);

pub(super) fn config(trust: Trust<'_>) -> Result<ClientConfig, TlsError> {
    let provider = CryptoProvider { cipher_suites: SUITES.to_vec(), ..default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(trust)?)
        .with_no_client_auth();
    Ok(config)
}

fn roots(trust: Trust<'_>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Only(anchors) => {
            for anchor in anchors {
                roots.add(CertificateDer::from(*anchor))?;
            }
        }
        // An unsupported certificate does not exclude the others. Without any, every connection
        // fails.
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    Ok(roots)
}

/// AES and SHA-256 first, for which Lambda's processors have instructions: a handshake derives
/// every key by hashes. 128 bits are also the strength of the certificates and of the key exchange.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
