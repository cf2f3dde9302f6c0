//! Unwraps the content key of an encrypted assertion with RSA-OAEP (RFC 8017 §7.1.2).
//!
//! AWS-LC's safe interface supports one digest for both label and mask. XML Encryption also means a
//! pair of two: a provider that names SHA-256 and no mask gets MGF1 with SHA-1, which the SAML
//! implementation profiles require every service provider to support. Such pairs are decoded here,
//! on integers with constant-time arithmetic ([`super::rsa`]).

use aws_lc_rs::digest as hash;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::error::CryptoError;
use super::private_key::DecryptionKey;

/// A digest inside RSA-OAEP. SHA-1 is safe here: OAEP does not need collision resistance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OaepDigest {
    /// SHA-1, the default of XML Encryption.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The parameters of RSA-OAEP, the only accepted key transport.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Oaep {
    /// The digest of the (empty) label.
    pub digest: OaepDigest,
    /// The digest of the mask generation function MGF1.
    pub mask: OaepDigest,
}

/// Unwraps a content key that was encrypted for `key`.
pub fn unwrap_key(key: &DecryptionKey, oaep: Oaep, wrapped: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if oaep.digest != oaep.mask {
        return decode(key.integers()?.decrypt(wrapped)?, oaep);
    }
    let key = key.oaep()?;
    let mut content_key = vec![0; key.min_output_size()];
    let length = key.decrypt(oaep.digest.both(), wrapped, &mut content_key, None)?.len();
    content_key.truncate(length);
    Ok(content_key)
}

/// Decodes EME-OAEP. Neither the error nor the time shows which check failed, only that one did,
/// and the caller hides that too.
fn decode(mut encoded: Vec<u8>, oaep: Oaep) -> Result<Vec<u8>, CryptoError> {
    let label = hash::digest(oaep.digest.hash(), &[]);
    let (first, masked) = encoded.split_first_mut().ok_or(CryptoError)?;
    let (seed, block) = masked.split_at_mut_checked(label.as_ref().len()).ok_or(CryptoError)?;
    mask(seed, block, oaep.mask);
    mask(block, seed, oaep.mask);
    let (digest, rest) = block.split_at_checked(label.as_ref().len()).ok_or(CryptoError)?;

    // `rest` consists of zeros, a one, and the message.
    let (mut padded, mut found, mut start) = (Choice::from(1), Choice::from(0), 0_u32);
    for (next, byte) in (1..).zip(rest) {
        let is_mark = byte.ct_eq(&1) & !found;
        padded &= found | is_mark | byte.ct_eq(&0);
        start.conditional_assign(&next, is_mark);
        found |= is_mark;
    }
    let fits = first.ct_eq(&0) & digest.ct_eq(label.as_ref()) & padded & found;
    if !bool::from(fits) {
        return Err(CryptoError);
    }
    let start = usize::try_from(start).map_err(|_| CryptoError)?;
    rest.get(start..).map(<[u8]>::to_vec).ok_or(CryptoError)
}

/// Applies MGF1 of `seed` to `bytes` (RFC 8017 §B.2.1).
fn mask(bytes: &mut [u8], seed: &[u8], digest: OaepDigest) {
    let algorithm = digest.hash();
    for (counter, chunk) in (0_u32..).zip(bytes.chunks_mut(algorithm.output_len())) {
        let mut context = hash::Context::new(algorithm);
        context.update(seed);
        context.update(&counter.to_be_bytes());
        for (byte, mask) in chunk.iter_mut().zip(context.finish().as_ref()) {
            *byte ^= mask;
        }
    }
}

impl OaepDigest {
    fn hash(self) -> &'static hash::Algorithm {
        match self {
            Self::Sha1 => &hash::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &hash::SHA256,
            Self::Sha384 => &hash::SHA384,
            Self::Sha512 => &hash::SHA512,
        }
    }

    /// The algorithm with this digest for label and mask.
    fn both(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
            Self::Sha384 => &OAEP_SHA384_MGF1SHA384,
            Self::Sha512 => &OAEP_SHA512_MGF1SHA512,
        }
    }
}

#[cfg(test)]
mod tests {
    use openssl::encrypt::Encrypter;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::{Padding, Rsa};

    use super::*;
    use crate::crypto::PrivateKeyError;

    const DIGESTS: [(OaepDigest, fn() -> MessageDigest); 4] = [
        (OaepDigest::Sha1, MessageDigest::sha1),
        (OaepDigest::Sha256, MessageDigest::sha256),
        (OaepDigest::Sha384, MessageDigest::sha384),
        (OaepDigest::Sha512, MessageDigest::sha512),
    ];

    fn pair(bits: u32) -> (PKey<Private>, DecryptionKey) {
        let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let ours = DecryptionKey::from_pem(&key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (key, ours)
    }

    fn wrapped(
        key: &PKey<Private>,
        label: MessageDigest,
        mask: MessageDigest,
        content_key: &[u8],
    ) -> Vec<u8> {
        let mut encrypter = Encrypter::new(key).unwrap();
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        encrypter.set_rsa_oaep_md(label).unwrap();
        encrypter.set_rsa_mgf1_md(mask).unwrap();
        let mut wrapped = vec![0; encrypter.encrypt_len(content_key).unwrap()];
        let length = encrypter.encrypt(content_key, &mut wrapped).unwrap();
        wrapped.truncate(length);
        wrapped
    }

    #[test]
    fn every_pair_of_digests_unwraps_what_openssl_wrapped() {
        for bits in [2048, 3072] {
            let (key, ours) = pair(bits);
            for (digest, label_md) in DIGESTS {
                for (mask, mask_md) in DIGESTS {
                    for length in [0, 16, 32] {
                        let content_key = vec![7; length];
                        let wrapped = wrapped(&key, label_md(), mask_md(), &content_key);
                        let unwrapped = unwrap_key(&ours, Oaep { digest, mask }, &wrapped);
                        assert_eq!(unwrapped, Ok(content_key), "{digest:?}, {mask:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_ciphertext_shorter_than_the_modulus_is_refused() {
        let (key, ours) = pair(2048);
        for (mask, md) in [
            (OaepDigest::Sha256, MessageDigest::sha256()),
            (OaepDigest::Sha1, MessageDigest::sha1()),
        ] {
            let oaep = Oaep { digest: OaepDigest::Sha256, mask };
            let small = std::iter::repeat_with(|| wrapped(&key, MessageDigest::sha256(), md, &[1]))
                .find(|wrapped| wrapped[0] == 0)
                .unwrap();
            assert_eq!(unwrap_key(&ours, oaep, &small), Ok(vec![1]));
            assert_eq!(unwrap_key(&ours, oaep, &small[1..]), Err(CryptoError), "{mask:?}");
        }
    }

    #[test]
    fn a_key_that_fails_with_some_digests_is_refused() {
        for bits in [2056, 2064, 2050] {
            let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
            let pem = key.private_key_to_pem_pkcs8().unwrap();
            assert_eq!(DecryptionKey::from_pem(&pem).unwrap().check(), Err(PrivateKeyError::Rsa));
        }
    }

    #[test]
    fn a_key_wrapped_with_other_parameters_is_refused() {
        let (key, ours) = pair(2048);
        let (_, other) = pair(2048);
        let mixed = Oaep { digest: OaepDigest::Sha256, mask: OaepDigest::Sha1 };
        let good = wrapped(&key, MessageDigest::sha256(), MessageDigest::sha1(), &[1; 32]);
        assert!(unwrap_key(&ours, mixed, &good).is_ok());
        assert_eq!(unwrap_key(&other, mixed, &good), Err(CryptoError));
        for (digest, mask) in [
            (OaepDigest::Sha1, OaepDigest::Sha256),
            (OaepDigest::Sha256, OaepDigest::Sha384),
            (OaepDigest::Sha384, OaepDigest::Sha1),
            (OaepDigest::Sha1, OaepDigest::Sha1),
            (OaepDigest::Sha256, OaepDigest::Sha256),
        ] {
            assert_eq!(unwrap_key(&ours, Oaep { digest, mask }, &good), Err(CryptoError));
        }
        let mut above_the_modulus = good.clone();
        above_the_modulus.fill(0xFF);
        let mut long = good.clone();
        long.insert(0, 0);
        for odd in [&good[1..], &[], &above_the_modulus, &long, &vec![0; 256], &vec![1; 256]] {
            assert_eq!(unwrap_key(&ours, mixed, odd), Err(CryptoError));
        }
        for at in [0, 1, 100, 255] {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert_eq!(unwrap_key(&ours, mixed, &changed), Err(CryptoError));
        }
    }

    #[test]
    fn every_part_of_the_encoding_is_checked() {
        let oaep = Oaep { digest: OaepDigest::Sha256, mask: OaepDigest::Sha1 };
        // A zero seed, then the masked block.
        let encoded = |first: u8, edit: fn(&mut [u8])| {
            let mut block = hash::digest(&hash::SHA256, &[]).as_ref().to_vec();
            block.extend([0; 100]);
            block.extend([1, 42, 43]);
            edit(&mut block);
            let mut seed = [0; 32];
            mask(&mut block, &seed, oaep.mask);
            mask(&mut seed, &block, oaep.mask);
            [&[first], seed.as_slice(), &block].concat()
        };
        assert_eq!(decode(encoded(0, |_| ()), oaep), Ok(vec![42, 43]));
        assert_eq!(decode(encoded(0, |block| block[32] = 1), oaep).unwrap().len(), 102);
        assert_eq!(decode(encoded(0, |block| block[134] = 1), oaep), Ok(vec![42, 1]));
        let refused = [
            encoded(1, |_| ()),
            encoded(0, |block| block[0] ^= 1),
            encoded(0, |block| block[31] ^= 1),
            encoded(0, |block| block[32] = 2),
            encoded(0, |block| block[131] = 2),
            encoded(0, |block| block[32..].fill(0)),
            vec![],
            vec![0; 40],
            vec![0; 64],
        ];
        for encoded in refused {
            assert_eq!(decode(encoded, oaep), Err(CryptoError));
        }
    }
}
