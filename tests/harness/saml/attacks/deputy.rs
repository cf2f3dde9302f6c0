//! Another tenant's ciphertext, brought here by a tenant whose provider signs whatever it likes.
//!
//! All tenants share our decryption keys, so it does decrypt. Whoever brought it must not learn
//! what is in it: not from the error, not from any line of the record.

use super::Corpus;
use super::encryption::FAILED;
use crate::saml::draft::{Draft, at, bearer, claim, conditions};
use crate::saml::encryption::Encryption;
use crate::saml::signing::Signing;
use crate::saml::world::{ACS, IDP, REQUEST, SP};

/// In everything that the other tenant's provider wrote, and nowhere else.
pub const OTHER: &str = "victim.example";

/// Ends the names of these attacks, and says who signed the response.
pub const SIGNED: &str = "in a response that our provider signed";

pub(super) fn add(corpus: &mut Corpus) {
    for cipher in ["aes256-cbc", "aes128-gcm"] {
        for draft in brought(cipher) {
            let (what, draft) = draft;
            let name = format!("another tenant's {what}, {cipher}");
            corpus.add(format!("{name}, unsigned"), draft.response(), "saml.enc", FAILED);
            let signed = Draft { sign_response: Some(Signing::default()), ..draft };
            corpus.add(format!("{name}, {SIGNED}"), signed.response(), "saml.enc", FAILED);
        }
    }
}

/// An assertion of the other tenant's provider, encrypted for us; the response is the attacker's.
fn brought(cipher: &'static str) -> Vec<(&'static str, Draft)> {
    let cbc = cipher.ends_with("cbc");
    let foreign = foreign(Encryption::with(cipher));
    let unsigned = Draft { sign_assertion: None, ..foreign.clone() };
    // The attacker may call their own provider like the other tenant's.
    let namesake = Draft { issuer: IDP.to_owned(), ..unsigned.clone() };
    let tampered = |ciphertext: fn(Vec<u8>) -> Vec<u8>| Draft {
        encrypt: Some(Encryption { ciphertext, ..Encryption::with(cipher) }),
        ..unsigned.clone()
    };
    let mut brought = vec![
        ("signed assertion", foreign),
        ("assertion without a signature", unsigned.clone()),
        ("assertion of a provider of one name", namesake.clone()),
        ("assertion with a changed beginning", tampered(changed_at::<0>)),
        ("assertion with a changed block", tampered(changed_at::<100>)),
        ("assertion with a changed end", tampered(changed_end)),
        ("assertion cut short", tampered(cut_short)),
    ];
    if cbc {
        // One name could have been made ours by changing bits.
        let audience = conditions(Some(&at(-5)), Some(&at(3600)), &[&[SP]]);
        brought.push((
            "assertion for our audience",
            Draft { conditions: audience, ..namesake.clone() },
        ));
        let recipient = bearer(Some(ACS), Some(&at(298)), Some(REQUEST), "");
        brought.push(("assertion for our URL", Draft { confirmations: recipient, ..namesake }));
    } else {
        let audience = conditions(Some(&at(-5)), Some(&at(3600)), &[&[SP]]);
        brought.push(("assertion of another issuer", Draft { conditions: audience, ..unsigned }));
    }
    brought
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
