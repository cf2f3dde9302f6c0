//! Decrypts an `EncryptedAssertion`, an `EncryptedID` or an `EncryptedAttribute` (SAML core §2.3.4,
//! §2.2.4 and §2.7.3.2, XML Encryption 1.1).
//!
//! Invariants (*no oracle*):
//! - RSA-OAEP only; PKCS#1 v1.5 cannot be expressed.
//! - Algorithms are refused before any key is used. After that there is one error,
//!   [`DecryptionError::Failed`], and the same work is done whether the content key, the padding or
//!   the plaintext is wrong.
//! - The caller reports a wrong padding only after the plaintext has passed the gate and the
//!   signature: [`Decrypted::intact`].

use roxmltree::Node;

use super::check_table::{Actor, CheckId};
use super::crypto::{
    ContentCipher, CryptoError, DecryptionKey, Oaep, OaepDigest, decrypt, unwrap_key,
};
use super::in_place::Place;
use super::names::{DSIG, XENC, XENC11};
use super::xml::{XmlError, bytes_of, children_named, optional_child, required_child, truncate};

/// An encrypted assertion that could not be decrypted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecryptionError {
    /// There is no decryption key.
    #[error("no decryption key is set up; the provider must not encrypt")]
    NoKey,
    /// The structure is not that of an encrypted assertion.
    #[error("{0}")]
    Structure(#[from] XmlError),
    /// An algorithm is outside the allow-list.
    #[error("algorithm {0} is not accepted; use RSA-OAEP with AES-128 or AES-256")]
    Algorithm(String),
    /// Every other failure, deliberately without a reason.
    #[error(
        "it was encrypted for another certificate, was changed, or is not an assertion for this connection signed with a key of the provider's metadata"
    )]
    Failed,
    /// The same for a part of an assertion.
    #[error(
        "its NameID was encrypted for another certificate, was changed, or does not show that it is for this connection: it needs our entity id as SPNameQualifier or, if AES-GCM encrypts it, must be an address in a verified domain"
    )]
    FailedPart,
}

impl DecryptionError {
    /// The party that must act: the choice of algorithms is the provider's.
    pub(super) const fn actor(&self) -> Actor {
        match self {
            Self::NoKey => Actor::Operator,
            Self::Structure(_) | Self::Algorithm(_) | Self::FailedPart => Actor::IdpAdmin,
            // The provider may still have a former certificate of ours.
            Self::Failed => CheckId::Decryption.info().actor,
        }
    }

    /// The expected value, for the record.
    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::FailedPart => {
                "a NameID for our certificate, with our entity id as SPNameQualifier"
            }
            Self::NoKey | Self::Structure(_) | Self::Algorithm(_) | Self::Failed => {
                CheckId::Decryption.info().expected
            }
        }
    }

    /// The received value, for the record.
    pub(super) fn received(&self) -> String {
        match self {
            Self::NoKey => "an encrypted assertion".to_owned(),
            Self::Structure(error) => error.received(),
            Self::Algorithm(algorithm) => algorithm.clone(),
            Self::Failed => "an assertion that our keys do not open".to_owned(),
            Self::FailedPart => "a NameID that our keys do not open".to_owned(),
        }
    }
}

impl From<CryptoError> for DecryptionError {
    fn from(_: CryptoError) -> Self {
        Self::Failed
    }
}

/// An encrypted element as it was read: within the allow-list, and not decrypted.
#[derive(Debug)]
pub struct Encrypted {
    cipher: ContentCipher,
    content: Vec<u8>,
    keys: Vec<WrappedKey>,
    place: Place,
}

/// The result of [`Encrypted::decrypt`].
pub struct Decrypted {
    /// The plaintext: untrusted bytes, to be parsed through the gate.
    pub bytes: Vec<u8>,
    /// Whether content key and padding are valid. If not, the caller refuses after the same work.
    pub intact: bool,
    /// Whether the cipher authenticates the bytes: GCM does, CBC does not.
    pub authenticated: bool,
}

impl Encrypted {
    /// Reads the parent of an `EncryptedData`. No key is used.
    ///
    /// # Errors
    ///
    /// [`DecryptionError::Structure`] and [`DecryptionError::Algorithm`].
    pub fn read(parent: Node<'_, '_>) -> Result<Self, DecryptionError> {
        let data = required_child(parent, XENC, "EncryptedData")?;
        let cipher = content_cipher(required_child(data, XENC, "EncryptionMethod")?)?;
        let content = cipher_value(data)?;
        let place = Place::within(parent);
        Ok(Self { cipher, content, keys: wrapped_keys(parent, data)?, place })
    }

    /// The place of the plaintext.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Decrypts with any of `keys`.
    ///
    /// # Errors
    ///
    /// [`DecryptionError::NoKey`] and [`DecryptionError::Failed`].
    pub fn decrypt(&self, keys: &[DecryptionKey]) -> Result<Decrypted, DecryptionError> {
        if keys.is_empty() {
            return Err(DecryptionError::NoKey);
        }
        let cipher = self.cipher;
        let content_key = self
            .keys
            .iter()
            .flat_map(|wrapped| {
                keys.iter().map(move |key| unwrap_key(key, wrapped.oaep, &wrapped.value))
            })
            .filter_map(Result::ok)
            .find(|content_key| content_key.len() == cipher.key_length());
        let is_unwrapped = content_key.is_some();
        // A key of zeros causes the same work; its result is refused.
        let content_key = content_key.unwrap_or_else(|| vec![0; cipher.key_length()]);
        let plaintext = decrypt(cipher, &content_key, &self.content)?;
        Ok(Decrypted {
            bytes: plaintext.bytes,
            intact: is_unwrapped && plaintext.padding_fits,
            authenticated: cipher.is_authenticated(),
        })
    }
}

#[derive(Debug)]
struct WrappedKey {
    oaep: Oaep,
    value: Vec<u8>,
}

/// Reads the wrapped keys, one for each recipient, inside `EncryptedData` or beside it.
fn wrapped_keys(
    encrypted: Node<'_, '_>,
    data: Node<'_, '_>,
) -> Result<Vec<WrappedKey>, DecryptionError> {
    let inside = optional_child(data, DSIG, "KeyInfo")?;
    let inside = inside.into_iter().flat_map(|info| children_named(info, XENC, "EncryptedKey"));
    let nodes: Vec<_> = inside.chain(children_named(encrypted, XENC, "EncryptedKey")).collect();
    match nodes.len() {
        0 => return Err(XmlError::Missing("EncryptedKey").into()),
        1..=MAX_RECIPIENTS => {}
        // Each costs one operation with each of our private keys.
        _ => return Err(XmlError::Repeated("EncryptedKey").into()),
    }
    nodes
        .into_iter()
        .map(|node| {
            let oaep = key_transport(required_child(node, XENC, "EncryptionMethod")?)?;
            Ok(WrappedKey { oaep, value: cipher_value(node)? })
        })
        .collect()
}

fn cipher_value(node: Node<'_, '_>) -> Result<Vec<u8>, DecryptionError> {
    let data = required_child(node, XENC, "CipherData")?;
    // Only a CipherValue: a CipherReference would have to be fetched.
    Ok(bytes_of(required_child(data, XENC, "CipherValue")?)?)
}

fn content_cipher(method: Node<'_, '_>) -> Result<ContentCipher, DecryptionError> {
    match method.attribute("Algorithm").unwrap_or_default() {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Ok(ContentCipher::Aes128Gcm),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Ok(ContentCipher::Aes256Gcm),
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Ok(ContentCipher::Aes128Cbc),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Ok(ContentCipher::Aes256Cbc),
        other => Err(DecryptionError::Algorithm(truncate(other, 96))),
    }
}

fn key_transport(method: Node<'_, '_>) -> Result<Oaep, DecryptionError> {
    let has_no_label = optional_child(method, XENC, "OAEPparams")?.is_none();
    let digest = match optional_child(method, DSIG, "DigestMethod")? {
        Some(node) => oaep_digest(node)?,
        None => OaepDigest::Sha1,
    };
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    let mask = match algorithm {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => OaepDigest::Sha1,
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => {
            match optional_child(method, XENC11, "MGF")? {
                Some(node) => mask_digest(node)?,
                None => OaepDigest::Sha1,
            }
        }
        other => return Err(DecryptionError::Algorithm(truncate(other, 96))),
    };
    if has_no_label {
        Ok(Oaep { digest, mask })
    } else {
        Err(DecryptionError::Algorithm("RSA-OAEP with a label".to_owned()))
    }
}

fn oaep_digest(node: Node<'_, '_>) -> Result<OaepDigest, DecryptionError> {
    match node.attribute("Algorithm").unwrap_or_default() {
        "http://www.w3.org/2000/09/xmldsig#sha1" => Ok(OaepDigest::Sha1),
        "http://www.w3.org/2001/04/xmlenc#sha256" => Ok(OaepDigest::Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(OaepDigest::Sha384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(OaepDigest::Sha512),
        other => Err(DecryptionError::Algorithm(truncate(other, 96))),
    }
}

fn mask_digest(node: Node<'_, '_>) -> Result<OaepDigest, DecryptionError> {
    match node.attribute("Algorithm").unwrap_or_default() {
        "http://www.w3.org/2009/xmlenc11#mgf1sha1" => Ok(OaepDigest::Sha1),
        "http://www.w3.org/2009/xmlenc11#mgf1sha256" => Ok(OaepDigest::Sha256),
        "http://www.w3.org/2009/xmlenc11#mgf1sha384" => Ok(OaepDigest::Sha384),
        "http://www.w3.org/2009/xmlenc11#mgf1sha512" => Ok(OaepDigest::Sha512),
        other => Err(DecryptionError::Algorithm(truncate(other, 96))),
    }
}

const MAX_RECIPIENTS: usize = 2;
