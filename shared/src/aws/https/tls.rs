//! TLS 1.3 and 1.2, as the SDKs' own client speaks them, but for the order of the ciphers.

use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use rustls::pki_types::CertificateDer;
use rustls::{RootCertStore, SupportedCipherSuite};

/// Whom to believe.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// These certificates, in DER: reading PEM was a tenth of the instructions of a start.
    Only(&'a [&'a [u8]]),
    /// Those of the operating system.
    System,
}

/// There is nobody to believe: not a certificate, or not one with which this library can work.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsFault(#[from] rustls::Error);

pub(super) fn config(trust: Trust<'_>) -> Result<ClientConfig, TlsFault> {
    let provider = CryptoProvider { cipher_suites: SUITES.to_vec(), ..default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(trust)?)
        .with_no_client_auth();
    Ok(config)
}

fn roots(trust: Trust<'_>) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Only(anchors) => {
            for anchor in anchors {
                roots.add(CertificateDer::from(*anchor))?;
            }
        }
        // One that cannot be read is no reason to do without the others; with none at all, no
        // connection comes about.
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    Ok(roots)
}

/// AES and SHA-256 first, which Lambda's processors have instructions for: a handshake derives
/// every key by hashes. 128 bits are what the certificates and the key exchange are worth, too.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
