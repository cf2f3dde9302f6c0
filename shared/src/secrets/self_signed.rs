//! Self-signed certificates. They only carry a key, as all certificates in SAML metadata do (SAML
//! metadata interoperability profile §2.6.1).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{
    Certificate, CertificateParams, DistinguishedName, DnType, Error, KeyPair, SerialNumber,
    date_time_ymd,
};

use crate::clock::random_bytes;

/// Returns a certificate of `key`, valid from the beginning of the day for ten years. The operator
/// decides when a key is replaced; with a shorter period, providers that check the dates would stop
/// a connection on their own.
///
/// # Errors
///
/// When there is no random number, or the key does not sign.
pub(crate) fn certificate(
    key: &KeyPair,
    common_name: &str,
    now: Timestamp,
) -> Result<Certificate, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(serial_number()?);
    let today = now.to_zoned(TimeZone::UTC).date();
    let (month, day) = (today.month().unsigned_abs(), today.day().unsigned_abs());
    // Not every year has a 29 February.
    let last_day = if month == 2 { day.min(28) } else { day };
    params.not_before = date_time_ymd(today.year().into(), month, day);
    params.not_after = date_time_ymd(i32::from(today.year()) + YEARS, month, last_day);
    params.self_signed(key)
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets, unique to the issuer.
fn serial_number() -> Result<SerialNumber, Error> {
    let number: [u8; 16] = random_bytes().map_err(|_| Error::RingUnspecified)?;
    Ok(SerialNumber::from_slice(&number))
}

const YEARS: i32 = 10;
