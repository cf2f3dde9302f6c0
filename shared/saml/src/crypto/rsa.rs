//! The RSA private-key operation (RFC 8017 §5.1.2), for the OAEP digest pairs that AWS-LC's safe
//! interface lacks; see [`super::oaep`].
//!
//! Two things are absent: the integers are not wiped on drop, because `crypto-bigint` shares the
//! primes between numbers and offers no way to wipe them; and a result is not checked against
//! processor faults, because it never leaves the process.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul as _, Limb, Odd, Resize as _};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode as _, Reader as _};

use super::der::sequence;
use super::error::CryptoError;

/// A private key with two primes of equal length in whole machine words, as our keys have.
pub(super) struct RsaPrivateKey {
    modulus: BoxedUint,
    p: Prime,
    q: Prime,
    /// The inverse of `q` modulo `p`.
    coefficient: BoxedUint,
}

struct Prime {
    modulus: BoxedMontyParams,
    /// The private exponent modulo `prime - 1`.
    exponent: BoxedUint,
}

impl RsaPrivateKey {
    /// Reads PKCS #8 (RFC 5208 §5) with an `RSAPrivateKey` (RFC 8017 §A.1.2).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        let [modulus, _, _, p, q, p_exponent, q_exponent, coefficient] =
            numbers(der).map_err(|_| CryptoError)?;
        let bits = bits(p)?;
        let equal = bits == self::bits(q)? && bits.checked_mul(2) == Some(self::bits(modulus)?);
        if !equal || !bits.is_multiple_of(Limb::BITS) {
            return Err(CryptoError);
        }
        Ok(Self {
            modulus: number(modulus, bits * 2)?,
            p: Prime::new(p, p_exponent, bits)?,
            q: Prime::new(q, q_exponent, bits)?,
            coefficient: number(coefficient, bits)?,
        })
    }

    /// Raises `ciphertext` to the private exponent. Input and output are as long as the modulus.
    pub(super) fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let length = self.modulus.bits_precision();
        if bits(ciphertext)? != length {
            return Err(CryptoError);
        }
        let ciphertext = number(ciphertext, length)?;
        if ciphertext >= self.modulus {
            return Err(CryptoError);
        }
        // Computed modulo each prime and combined by the Chinese remainder theorem.
        let by_p = self.p.power(&ciphertext);
        let by_q = self.q.power(&ciphertext).retrieve();
        let params = &self.p.modulus;
        let difference = by_p.sub(&BoxedMontyForm::new(by_q.clone(), params));
        let factor = difference.mul(&BoxedMontyForm::new(self.coefficient.clone(), params));
        let multiple = factor.retrieve().concatenating_mul(self.q.modulus.modulus().as_ref());
        let sum = multiple.wrapping_add(by_q.resize(length));
        Ok(sum.to_be_bytes().into_vec())
    }
}

impl Prime {
    fn new(prime: &[u8], exponent: &[u8], bits: u32) -> Result<Self, CryptoError> {
        let odd: Option<Odd<BoxedUint>> = Odd::new(number(prime, bits)?).into();
        let modulus = BoxedMontyParams::new(odd.ok_or(CryptoError)?);
        Ok(Self { modulus, exponent: number(exponent, bits)? })
    }

    fn power(&self, base: &BoxedUint) -> BoxedMontyForm {
        let bits = base.bits_precision();
        let modulus = self.modulus.modulus().as_nz_ref();
        let base = base % modulus.resize(bits);
        BoxedMontyForm::new(base.resize(modulus.bits_precision()), &self.modulus)
            .pow(&self.exponent)
    }
}

/// Returns modulus and public exponent of a private key in PKCS #8.
pub(super) fn public_numbers(pkcs8: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    let [modulus, public_exponent, ..] = numbers(pkcs8).map_err(|_| CryptoError)?;
    Ok((modulus, public_exponent))
}

/// Returns the eight numbers in the order of RFC 8017 §A.1.2: modulus, public and private exponent,
/// both primes, the exponent of each, and the coefficient.
fn numbers(pkcs8: &[u8]) -> der::Result<[&[u8]; 8]> {
    let mut info = sequence(AnyRef::from_der(pkcs8)?)?;
    let (_version, _algorithm) = (info.tlv_bytes()?, info.tlv_bytes()?);
    let key: &OctetStringRef = info.decode()?;
    let mut key = sequence(AnyRef::from_der(key.as_bytes())?)?;
    let _version = key.tlv_bytes()?;
    let mut next = || key.decode().map(|number: UintRef<'_>| number.as_bytes());
    Ok([next()?, next()?, next()?, next()?, next()?, next()?, next()?, next()?])
}

fn bits(number: &[u8]) -> Result<u32, CryptoError> {
    u32::try_from(number.len()).ok().and_then(|bytes| bytes.checked_mul(8)).ok_or(CryptoError)
}

fn number(bytes: &[u8], bits: u32) -> Result<BoxedUint, CryptoError> {
    BoxedUint::from_be_slice(bytes, bits).map_err(|_| CryptoError)
}
