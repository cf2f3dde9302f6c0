//! Another tenant's ciphertext, in a response that the attacker's own provider signs.
//!
//! All tenants share our decryption keys, so it does decrypt. The attacker must not learn anything
//! of its content, neither from the error nor from a line of the record (*no oracle*).

use super::Corpus;
use super::encryption::FAILED;
use crate::saml::draft::{Draft, at, bearer, claim, conditions};
use crate::saml::encryption::Encryption;
use crate::saml::signing::Signing;
use crate::saml::world::{ACS, IDP, REQUEST, SP};

/// A text that occurs only in the content of the other tenant's provider.
pub const OTHER: &str = "victim.example";

/// Suffix of the names of those attacks in which our provider signed the response.
pub const SIGNED: &str = "in a response that our provider signed";

pub(super) fn add(corpus: &mut Corpus) {
    for cipher in ["aes256-cbc", "aes128-gcm"] {
        for (what, draft) in stolen(cipher) {
            let name = format!("another tenant's {what}, {cipher}");
            corpus.add(format!("{name}, unsigned"), draft.response(), "saml.enc", FAILED);
            let signed = Draft { sign_response: Some(Signing::default()), ..draft };
            corpus.add(format!("{name}, {SIGNED}"), signed.response(), "saml.enc", FAILED);
        }
    }
}

/// Assertions of the other tenant's provider, encrypted for us, in a response of the attacker.
fn stolen(cipher: &'static str) -> Vec<(&'static str, Draft)> {
    let cbc = cipher.ends_with("cbc");
    let foreign = foreign(Encryption::with(cipher));
    let unsigned = Draft { sign_assertion: None, ..foreign.clone() };
    // The attacker may give their own provider the entity id of the other tenant's.
    let namesake = Draft { issuer: IDP.to_owned(), ..unsigned.clone() };
    let tampered = |ciphertext: fn(Vec<u8>) -> Vec<u8>| Draft {
        encrypt: Some(Encryption { ciphertext, ..Encryption::with(cipher) }),
        ..unsigned.clone()
    };
    let mut stolen = vec![
        ("signed assertion", foreign),
        ("assertion without a signature", unsigned.clone()),
        ("assertion of a provider with the same entity id", namesake.clone()),
        ("assertion with a changed beginning", tampered(changed_at::<0>)),
        ("assertion with a changed block", tampered(changed_at::<100>)),
        ("assertion with a changed end", tampered(changed_end)),
        ("assertion cut short", tampered(cut_short)),
    ];
    if cbc {
        // Flipping bits of CBC can change one of the two names into ours.
        let audience = conditions(Some(&at(-5)), Some(&at(3600)), &[&[SP]]);
        stolen.push((
            "assertion for our audience",
            Draft { conditions: audience, ..namesake.clone() },
        ));
        let recipient = bearer(Some(ACS), Some(&at(298)), Some(REQUEST), "");
        stolen.push(("assertion for our URL", Draft { confirmations: recipient, ..namesake }));
    } else {
        let audience = conditions(Some(&at(-5)), Some(&at(3600)), &[&[SP]]);
        stolen.push(("assertion of another issuer", Draft { conditions: audience, ..unsigned }));
    }
    stolen
}

fn foreign(encryption: Encryption) -> Draft {
    let other = |path: &str| format!("https://{OTHER}/{path}");
    let theirs =
        Signing::by(|keys| &keys.attacker, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    Draft {
        issuer: other("idp"),
        name_id: format!("<A:NameID>grace@{OTHER}</A:NameID>"),
        confirmations: bearer(Some(&other("acs")), Some(&at(298)), Some(OTHER), ""),
        conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[&other("sp")]]),
        claims: vec![claim(&format!("email of {OTHER}"), &[OTHER])],
        sign_assertion: Some(theirs),
        encrypt: Some(encryption),
        ..Draft::default()
    }
}

fn changed_at<const AT: usize>(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[AT] ^= 1;
    bytes
}

fn changed_end(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.len() - 17;
    bytes[at] ^= 0x55;
    bytes
}

fn cut_short(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 16);
    bytes
}
