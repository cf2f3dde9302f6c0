//! Certificates that only carry a key, as all of SAML's do (SAML metadata interoperability profile
//! §2.6.1): signed with the key that is in them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{
    Certificate, CertificateParams, DistinguishedName, DnType, Error, KeyPair, SerialNumber,
    date_time_ymd,
};

use crate::clock::random_bytes;

/// The certificate of `key`, with that common name. Valid from the beginning of the day,
/// for ten years: providers that look at the date would otherwise stop a connection at a moment
/// that nobody chose, while when a key is replaced is the operator's decision.
///
/// # Errors
///
/// When no random number is to be had, or the key does not sign.
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
    // 29 February is not in every year.
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
