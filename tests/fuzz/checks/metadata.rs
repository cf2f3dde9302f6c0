//! Checks of metadata: a provider that is read is usable, reads the same from its canonical form,
//! and with a pinned key was signed by that key.
//!
//! The seed `signed` was signed with a key that no longer exists; its certificate is in all seeds.

#![expect(clippy::expect_used, reason = "without its seeds a target checks nothing")]

use std::sync::LazyLock;

use jiff::Timestamp;

use saml::c14n::{C14nMode, canonicalize};
use saml::crypto::VerifyingKey;
use saml::metadata::{Metadata, MetadataError, ReadOptions, read_idp_metadata};
use saml::xml::{Bounds, StrictDocument};

/// Checks one input. Returns whether it could be read.
pub(crate) fn check(input: &[u8]) -> bool {
    let (key, signed) = &*PINNED;
    if let Ok(metadata) = read(input, Some(key)) {
        assert_eq!(&metadata, signed, "accepted without a signature");
    }
    let Ok(metadata) = read(input, None) else { return false };
    assert!(!metadata.providers.is_empty(), "no provider");
    for provider in &metadata.providers {
        assert!(!provider.entity_id.is_empty(), "no entity id");
        assert!(!provider.certificates.is_empty(), "no key");
        assert!(!provider.sso.is_empty(), "no sign-in URL");
        assert!(provider.sso.iter().all(|endpoint| endpoint.url.starts_with("https://")));
    }
    if let Ok(document) = StrictDocument::parse_within(input, BOUNDS) {
        let canonical = canonicalize(document.root(), C14nMode::Inclusive, &[], None);
        // Escaping may lengthen it beyond the limit.
        if canonical.len() <= BOUNDS.bytes {
            assert_eq!(read(canonical.as_bytes(), None), Ok(metadata), "{canonical} read again");
        }
    }
    true
}

/// The pinned key, and the only metadata that it signed.
static PINNED: LazyLock<(VerifyingKey, Metadata)> = LazyLock::new(|| {
    let unpinned = read(SIGNED, None).expect("the seed is read");
    let certificates = unpinned.providers.first().map(|provider| provider.certificates.as_slice());
    let key = certificates.and_then(<[_]>::first).expect("the seed has a certificate");
    let key = key.certificate.key.clone();
    let signed = read(SIGNED, Some(&key)).expect("the seed is signed");
    (key, signed)
});

fn read(input: &[u8], pinned_key: Option<&VerifyingKey>) -> Result<Metadata, MetadataError> {
    let options = ReadOptions {
        our_entity_id: "https://sp.example/saml/metadata/acme.com",
        pinned_key,
        allow_loopback_http: false,
        now: Timestamp::from_second(NOW).unwrap_or_default(),
    };
    read_idp_metadata(input, &options)
}

/// 2026-11-21T12:00:00Z.
const NOW: i64 = 1_795_262_400;

const BOUNDS: Bounds = Bounds { bytes: 1024 * 1024, nodes: 100_000, comments: true };

const SIGNED: &[u8] = include_bytes!("../seeds/metadata/signed");
