//! The invariants of the package `saml`, one by one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::saml::attacks::deputy::{OTHER, SIGNED};
use harness::saml::attacks::{self, Attack, EVE, cut, replaced};
use harness::saml::draft::{Draft, at, conditions};
use harness::saml::encryption::Encryption;
use harness::saml::keys::KEYS;
use harness::saml::shapes;
use harness::saml::signing::Signing;
use harness::saml::world::{SP, Settings};
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use saml::checks::{Check, CheckId, Outcome};
use saml::error::SamlError;
use saml::response::{MAX_FIELD, decode_form_field};
use saml::xml::{MAX_BYTES, StrictDocument};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

fn verify(response: &str) -> saml::response::Verdict {
    Settings::default().verify(response.as_bytes())
}

#[test]
fn bounded_nothing_over_the_limit_is_parsed() {
    let endless = vec![b'<'; MAX_BYTES + 1];
    let verdict = Settings::default().verify(&endless);
    assert_eq!(verdict.result.unwrap_err().code(), "saml.form");
    let reached = verdict.checks.iter().filter(|line| line.outcome != Outcome::NotReached).count();
    assert_eq!(reached, 1);
    assert_eq!(decode_form_field(&"A".repeat(MAX_FIELD + 1)).unwrap_err().code(), "saml.form");
    assert_eq!(decode_form_field("***").unwrap_err().code(), "saml.form");
    assert_eq!(decode_form_field("PGEv\r\nPg==\n").unwrap(), b"<a/>");
}

#[test]
fn bounded_shape_and_size_are_checked_before_any_key_is_used() {
    for attack in attacks::all().iter().filter(|attack| attack.check == "saml.xml") {
        let verdict = attack.settings.verify(&attack.response);
        // An encrypted assertion must be decrypted before its shape can be checked.
        let is_encrypted = attack.response.windows(13).any(|part| part == b"EncryptedData");
        let late = ["more than once", "is missing", "only text", "is not allowed here"];
        if !is_encrypted && !late.iter().any(|late| attack.because.contains(late)) {
            let key = verdict.checks.outcome(CheckId::SignatureKey);
            assert_eq!(key, Outcome::NotReached, "{}", attack.name);
        }
    }
}

#[test]
fn keys_from_metadata_key_info_is_ignored() {
    let certificate = |pair: &harness::saml::keys::KeyPair| {
        format!(
            "<D:X509Data><D:X509Certificate>{}</D:X509Certificate></D:X509Data>",
            pair.certificate_base64()
        )
    };
    let signed = |signing| Draft { sign_assertion: Some(signing), ..Draft::default() }.response();
    let misleading = Signing { key_info: Some(certificate(&KEYS.attacker)), ..Signing::default() };
    assert!(verify(&signed(misleading)).result.is_ok());
    let forged = Signing {
        key_info: Some(certificate(&KEYS.idp)),
        ..Signing::by(|keys| &keys.attacker, RSA_SHA256)
    };
    let error = verify(&signed(forged)).result.unwrap_err();
    assert_eq!(error.code(), "saml.sig.key");
    // Shown to administrators for comparison.
    assert_eq!(error.received(), saml::crypto::fingerprint(&KEYS.idp.der()));
}

#[test]
fn an_ecdsa_value_has_one_encoding() {
    let algorithm = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let signing = Signing::by(|keys| &keys.idp_p256, algorithm);
    let good = Draft { sign_assertion: Some(signing), ..Draft::default() }.response();
    let (element, _) = cut(&good, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let text = element.replace("<ds:SignatureValue>", "").replace("</ds:SignatureValue>", "");
    let raw = BASE64_STANDARD.decode(&text).unwrap();
    let (r, s) = raw.split_at(32);
    let number = |bytes| BigNum::from_slice(bytes).unwrap();
    let pair = EcdsaSig::from_private_components(number(r), number(s)).unwrap();
    let verify_with = |value: &[u8]| {
        verify(&good.replace(&text, &BASE64_STANDARD.encode(value))).result.map_err(|e| e.code())
    };
    assert!(verify_with(&raw).is_ok());
    for (other, what) in [
        (pair.to_der().unwrap(), "DER"),
        ([&[0], r, &[0], s].concat(), "longer halves"),
        ([&raw, &[0][..]].concat(), "an additional byte"),
        ([s, r].concat(), "swapped halves"),
    ] {
        assert_eq!(verify_with(&other).err(), Some("saml.sig.key"), "{what}");
    }
}

#[test]
fn claims_from_signed_bytes_equal_bytes_give_equal_claims() {
    let response = shapes::entra().response();
    let honest = verify(&response).result.unwrap();
    let canonical = StrictDocument::parse(honest.xml.as_bytes()).unwrap();
    assert_eq!(canonical.root().attribute("ID"), Some(honest.id.as_str()));
    assert!(!honest.xml.contains("Signature"), "the signed text does not contain the signature");
    // Documents with the same canonical form give identical assertions.
    let respelt = response
        .replace(" Version=\"2.0\">", "  Version = '2.0'\n>")
        .replace("ada@acme.com", "&#97;da@acme.com")
        .replace("<AttributeValue>Ada<", "<AttributeValue >&#x41;da<");
    assert_ne!(respelt, response);
    assert_eq!(verify(&respelt).result.unwrap(), honest);
}

#[test]
fn unsigned_content_can_refuse_but_never_add_claims() {
    let response = Draft::default().response();
    let honest = verify(&response).result.unwrap();
    let header = "Destination=\"https://sp.example/saml/sso/acme.com\"";
    let consent = replaced(&response, header, &format!("{header} Consent=\"{EVE}\""));
    assert_eq!(verify(&consent).result.unwrap(), honest);
    let other = replaced(&response, header, "Destination=\"https://other.example/\"");
    assert_eq!(verify(&other).result.unwrap_err().code(), "saml.dest");
}

/// Returns the error and the record of a refused ciphertext, without its size, which the sender
/// knows.
fn disclosed(attack: &Attack) -> (SamlError, Vec<Check>) {
    let verdict = attack.settings.verify(&attack.response);
    let lines = verdict.checks.iter().filter(|line| line.id != CheckId::Form).cloned();
    (verdict.result.unwrap_err(), lines.collect())
}

#[test]
fn no_oracle_every_change_to_a_ciphertext_gives_the_same_record() {
    let attacks = attacks::all();
    for cipher in ["aes256-cbc", "aes128-gcm"] {
        let disclosed: Vec<_> = attacks
            .iter()
            .filter(|attack| attack.name.ends_with(&format!(", {cipher}")))
            .map(disclosed)
            .collect();
        assert!(disclosed.len() > 20);
        for one in &disclosed {
            assert_eq!(one, &disclosed[0], "{cipher}");
        }
    }
}

#[test]
fn no_oracle_a_tenant_learns_nothing_about_another_tenants_ciphertext() {
    let attacks = attacks::all();
    for end in ["unsigned", SIGNED] {
        let stolen = attacks.iter().filter(|attack| {
            attack.name.starts_with("another tenant's") && attack.name.ends_with(end)
        });
        let disclosed: Vec<_> = stolen.map(disclosed).collect();
        assert_eq!(disclosed.len(), 17, "{end}");
        for one in &disclosed {
            assert_eq!(one, &disclosed[0], "{end}");
            let (error, lines) = one;
            assert!(!error.to_string().contains(OTHER));
            let named =
                |line: &&Check| line.expected.contains(OTHER) || line.received.contains(OTHER);
            assert_eq!(lines.iter().find(named), None, "{end}");
        }
    }
}

#[test]
fn the_failed_check_of_an_encrypted_assertion_for_this_connection_is_recorded() {
    let late = Draft { authn: String::new(), ..Draft::default() };
    for cipher in ["aes256-cbc", "aes128-gcm"] {
        let encrypt = Some(Encryption::with(cipher));
        let by_itself = Draft { encrypt: encrypt.clone(), ..late.clone() };
        assert_eq!(verify(&by_itself.response()).result.unwrap_err().code(), "saml.session");
        let sign_response = Some(Signing::default());
        let by_the_response =
            Draft { encrypt, sign_assertion: None, sign_response, ..late.clone() };
        assert_eq!(verify(&by_the_response.response()).result.unwrap_err().code(), "saml.session");
    }
}

#[test]
fn no_oracle_one_public_text_up_to_a_valid_signature() {
    let texts: std::collections::HashSet<_> = attacks::all()
        .iter()
        .filter(|attack| {
            matches!(attack.check, "saml.form" | "saml.xml" | "saml.enc")
                || attack.check.starts_with("saml.sig")
        })
        .map(|attack| attack.settings.verify(&attack.response).result.unwrap_err().public_text())
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[test]
fn all_checks_the_first_failure_is_the_error_and_the_others_are_recorded() {
    let draft = Draft {
        conditions: conditions(Some(&at(600)), None, &[&["https://other.example"]]),
        destination: Some("https://other.example/acs".to_owned()),
        authn: String::new(),
        ..Draft::default()
    };
    let verdict = verify(&draft.response());
    assert_eq!(verdict.result.unwrap_err().code(), "saml.dest");
    let failed = verdict.checks.iter().filter(|line| line.outcome == Outcome::Failed);
    let failed: Vec<_> = failed.map(|line| line.id.code()).collect();
    assert_eq!(failed, ["saml.dest", "saml.time", "saml.audience", "saml.session"]);
    let audience = verdict.checks.iter().find(|line| line.id == CheckId::Audience).unwrap();
    assert_eq!(
        (audience.expected.as_str(), audience.received.as_str()),
        (SP, "https://other.example")
    );
}

#[test]
fn nothing_of_another_issuers_assertion_is_recorded() {
    let foreign = Draft { issuer: "https://evil.example".to_owned(), ..attacks::evil() };
    let verdict = verify(&foreign.response());
    assert_eq!(verdict.result.unwrap_err().code(), "saml.issuer");
    assert_eq!(verdict.checks.outcome(CheckId::Subject), Outcome::NotReached);
    assert!(verdict.checks.iter().all(|line| !line.received.contains(EVE)));
    let encrypted = Draft { encrypt: Some(Encryption::with("aes256-gcm")), ..foreign };
    assert_eq!(verify(&encrypted.response()).result.unwrap_err().code(), "saml.issuer");
}

#[test]
fn the_use_of_an_assertion_is_remembered_until_it_expires() {
    let assertion = verify(&Draft::default().response()).result.unwrap();
    // 298 s of validity and 180 s of skew.
    assert_eq!(assertion.replay_until.to_string(), "2026-11-21T12:07:58Z");
}

#[tokio::test]
async fn the_openapi_document_lists_the_checks_of_the_table() {
    let test = harness::TestApp::new().await;
    let path = "/v1/openapi.json";
    let document = test.operator(axum::http::Method::GET, path, None).await.expect(200).json();
    let listed = &document["components"]["schemas"]["Check"]["properties"]["id"]["enum"];
    let codes: Vec<_> = CheckId::ALL.iter().map(|id| id.code()).collect();
    assert_eq!(*listed, serde_json::json!(codes));
}
