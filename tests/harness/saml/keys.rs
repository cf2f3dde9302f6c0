//! Keys and certificates, generated once per process.

use std::sync::LazyLock;

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};

/// A private key with a certificate for its public key.
pub struct KeyPair {
    /// The private key.
    pub key: PKey<Private>,
    /// The certificate.
    pub certificate: X509,
}

impl KeyPair {
    fn rsa(bits: u32, days: u32) -> Self {
        Self::new(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(), days)
    }

    /// Generates a key on P-256, which is fast.
    pub fn fresh() -> Self {
        Self::ec(Nid::X9_62_PRIME256V1)
    }

    fn ec(curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        Self::new(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), 365)
    }

    fn new(key: PKey<Private>, days: u32) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "idp.example").unwrap();
        let name = name.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate.set_subject_name(&name).unwrap();
        certificate.set_issuer_name(&name).unwrap();
        certificate.set_pubkey(&key).unwrap();
        // With zero days the certificate is valid for one day in 2020.
        let (start, end) = if days == 0 {
            ("20200101000000Z", "20200102000000Z")
        } else {
            ("20250101000000Z", "20491231000000Z")
        };
        certificate.set_not_before(&Asn1Time::from_str(start).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::from_str(end).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: certificate.build() }
    }

    /// The certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_der().unwrap()
    }

    /// The certificate as in metadata and `KeyInfo`.
    pub fn certificate_base64(&self) -> String {
        super::encryption::base64(&self.der())
    }

    /// The public key in PEM.
    pub fn public_pem(&self) -> Vec<u8> {
        self.key.public_key_to_pem().unwrap()
    }

    /// The private key in PEM.
    pub fn private_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }
}

/// All keys of the tests.
pub struct Keys {
    /// The identity provider's current RSA key.
    pub idp: KeyPair,
    /// The identity provider's next RSA key, also in its metadata.
    pub idp_next: KeyPair,
    /// The identity provider's key on P-256.
    pub idp_p256: KeyPair,
    /// The identity provider's key on P-384.
    pub idp_p384: KeyPair,
    /// An RSA key in no metadata.
    pub attacker: KeyPair,
    /// A key on P-256 in no metadata.
    pub attacker_p256: KeyPair,
    /// Our current decryption key.
    pub sp: KeyPair,
    /// Our previous decryption key.
    pub sp_previous: KeyPair,
    /// An RSA key that is too short.
    pub weak: KeyPair,
    /// A good key in a certificate that expired in 2020.
    pub expired: KeyPair,
}

/// The keys of this process.
pub static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    idp: KeyPair::rsa(2048, 365),
    idp_next: KeyPair::rsa(2048, 365),
    idp_p256: KeyPair::ec(Nid::X9_62_PRIME256V1),
    idp_p384: KeyPair::ec(Nid::SECP384R1),
    attacker: KeyPair::rsa(2048, 365),
    attacker_p256: KeyPair::ec(Nid::X9_62_PRIME256V1),
    sp: KeyPair::rsa(2048, 365),
    sp_previous: KeyPair::rsa(2048, 365),
    weak: KeyPair::rsa(1024, 365),
    expired: KeyPair::rsa(2048, 0),
});
