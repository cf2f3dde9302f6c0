//! Encrypts assertions as identity providers do, and in ways that must be refused.

use base64::Engine as _;
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, Crypter, Mode, encrypt_aead};

use super::keys::{KEYS, KeyPair, Keys};

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// The place of the wrapped key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// In the `KeyInfo` of `EncryptedData`.
    Inside,
    /// Beside `EncryptedData`.
    Beside,
}

/// How one assertion is encrypted.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// The recipient's key.
    pub key: fn(&Keys) -> &KeyPair,
    /// Content algorithm, as `aes256-cbc`; it determines the namespace.
    pub cipher: &'static str,
    /// `rsa-oaep-mgf1p`, `rsa-oaep` or `rsa-1_5`.
    pub transport: &'static str,
    /// Declared digest of OAEP.
    pub digest: Option<&'static str>,
    /// Declared mask generation of XML Encryption 1.1.
    pub mask: Option<&'static str>,
    /// Place of the wrapped key.
    pub place: KeyPlace,
    /// Changes the plaintext before encryption.
    pub plaintext: fn(Vec<u8>) -> Vec<u8>,
    /// Changes the ciphertext.
    pub ciphertext: fn(Vec<u8>) -> Vec<u8>,
    /// Changes the wrapped key.
    pub wrapped: fn(Vec<u8>) -> Vec<u8>,
    /// Last byte of the padding, if other than its length.
    pub padding: Option<u8>,
    /// Replacements in the finished element.
    pub edits: Vec<(String, String)>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            key: |keys| &keys.sp,
            cipher: "aes256-cbc",
            transport: "rsa-oaep-mgf1p",
            digest: None,
            mask: None,
            place: KeyPlace::Inside,
            plaintext: |bytes| bytes,
            ciphertext: |bytes| bytes,
            wrapped: |bytes| bytes,
            padding: None,
            edits: Vec::new(),
        }
    }
}

impl Encryption {
    /// Returns the default with another content algorithm.
    pub fn with(cipher: &'static str) -> Self {
        Self { cipher, ..Self::default() }
    }
}

/// Returns an `EncryptedAssertion`, with the placeholder `A:` for the assertion prefix.
pub fn encrypt(assertion: &str, how: &Encryption) -> String {
    encrypt_as("EncryptedAssertion", assertion, how)
}

/// Returns an element of this name with the encrypted `plain`, likewise.
pub fn encrypt_as(name: &str, plain: &str, how: &Encryption) -> String {
    let mut content_key = vec![0; if how.cipher.starts_with("aes128") { 16 } else { 32 }];
    openssl::rand::rand_bytes(&mut content_key).unwrap();
    let plain = (how.plaintext)(plain.as_bytes().to_vec());
    let content = (how.ciphertext)(encrypt_content(&plain, &content_key, how));
    let wrapped = (how.wrapped)(wrap(&content_key, how));
    let space = if how.cipher.ends_with("gcm") { XENC11 } else { XENC };
    let transport_space = if how.transport == "rsa-oaep" { XENC11 } else { XENC };
    let digest = how.digest.map_or_else(String::new, |digest| {
        format!("<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{digest}\"/>")
    });
    let mask = how.mask.map_or_else(String::new, |mask| {
        format!("<x11:MGF xmlns:x11=\"{XENC11}\" Algorithm=\"{XENC11}{mask}\"/>")
    });
    let key = format!(
        "<xenc:EncryptedKey xmlns:xenc=\"{XENC}\"><xenc:EncryptionMethod Algorithm=\"{transport_space}{}\">{digest}{mask}</xenc:EncryptionMethod>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>",
        how.transport,
        base64(&wrapped),
    );
    let (inside, beside) = match how.place {
        KeyPlace::Inside => (
            format!(
                "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{key}</ds:KeyInfo>"
            ),
            String::new(),
        ),
        KeyPlace::Beside => (String::new(), key),
    };
    let mut whole = format!(
        "<A:{name} xmlnsA=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData xmlns:xenc=\"{XENC}\" \
         Type=\"{XENC}Element\"><xenc:EncryptionMethod Algorithm=\"{space}{}\"/>{inside}<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue>\
         </xenc:CipherData></xenc:EncryptedData>{beside}</A:{name}>",
        how.cipher,
        base64(&content),
    );
    for (from, to) in &how.edits {
        assert!(whole.contains(from.as_str()), "nothing to edit: {from}");
        whole = whole.replace(from.as_str(), to);
    }
    whole
}

fn encrypt_content(plain: &[u8], key: &[u8], how: &Encryption) -> Vec<u8> {
    let mut iv = vec![0; if how.cipher.ends_with("gcm") { 12 } else { 16 }];
    openssl::rand::rand_bytes(&mut iv).unwrap();
    if how.cipher.ends_with("gcm") {
        let cipher = if key.len() == 16 { Cipher::aes_128_gcm() } else { Cipher::aes_256_gcm() };
        let mut tag = [0; 16];
        let content = encrypt_aead(cipher, key, Some(&iv), &[], plain, &mut tag).unwrap();
        return [iv, content, tag.to_vec()].concat();
    }
    let cipher = if key.len() == 16 { Cipher::aes_128_cbc() } else { Cipher::aes_256_cbc() };
    let length = 16 - plain.len() % 16;
    let mut padded = plain.to_vec();
    padded.resize(plain.len() + length, b' ');
    *padded.last_mut().unwrap() = how.padding.unwrap_or(u8::try_from(length).unwrap());
    let mut crypter = Crypter::new(cipher, Mode::Encrypt, key, Some(&iv)).unwrap();
    crypter.pad(false);
    let mut content = vec![0; padded.len() + 16];
    let written = crypter.update(&padded, &mut content).unwrap();
    content.truncate(written);
    [iv, content].concat()
}

fn wrap(content_key: &[u8], how: &Encryption) -> Vec<u8> {
    let key = &(how.key)(&KEYS).key;
    let mut encrypter = Encrypter::new(key).unwrap();
    if how.transport == "rsa-1_5" {
        encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
    } else {
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        encrypter.set_rsa_oaep_md(digest(how.digest.unwrap_or("#sha1"))).unwrap();
        encrypter.set_rsa_mgf1_md(digest(how.mask.unwrap_or("mgf1sha1"))).unwrap();
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(content_key).unwrap()];
    let length = encrypter.encrypt(content_key, &mut wrapped).unwrap();
    wrapped.truncate(length);
    wrapped
}

fn digest(uri: &str) -> MessageDigest {
    match uri.get(uri.len().saturating_sub(6)..) {
        Some("sha256") => MessageDigest::sha256(),
        Some("sha384") => MessageDigest::sha384(),
        Some("sha512") => MessageDigest::sha512(),
        _ => MessageDigest::sha1(),
    }
}

/// Encodes standard base64 on one line.
pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
