use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::error_chain::ErrorChain;
use saml::crypto::sign;

/// One pair for each use and state.
fn keys_in(states: &[KeyState]) -> StoredKeys {
    let pair = |state: &KeyState| {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        StoredPair {
            state: *state,
            created_at: Timestamp::UNIX_EPOCH,
            private_key_pem: pem.into(),
            certificate: "AAAA".to_owned(),
        }
    };
    StoredKeys {
        signing: states.iter().map(pair).collect(),
        encryption: states.iter().map(pair).collect(),
    }
}

/// The secret with one change in its JSON.
fn changed(stored: &StoredKeys, change: impl FnOnce(&mut serde_json::Value)) -> SecretString {
    let secret = stored.to_secret().unwrap();
    let mut json = serde_json::from_str(secret.expose_secret()).unwrap();
    change(&mut json);
    json.to_string().into()
}

/// Changes the private exponent and keeps the form.
fn damage(pem: &mut serde_json::Value) {
    let mut lines: Vec<String> = pem.as_str().unwrap().lines().map(str::to_owned).collect();
    let other = if lines[10].starts_with('A') { "B" } else { "A" };
    lines[10].replace_range(..1, other);
    *pem = lines.join("\n").into();
}

#[track_caller]
fn check(secret: &SecretString, expect: &str) {
    let read = StoredKeys::from_secret(secret).and_then(|stored| stored.keys());
    let outcome = read.map_err(SamlKeysError::from).and_then(|keys| keys.check());
    let error = outcome.unwrap_err();
    let expect = format!("could not use the secret saml/keys: {expect}");
    assert_eq!(ErrorChain(&error).to_string(), expect);
}

#[test]
fn a_defect_of_the_secret_is_described_without_showing_it() {
    let good = keys_in(&[KeyState::Previous, KeyState::Current]);
    check(&"hunter2".to_owned().into(), "it is not the expected JSON");
    check(&r#"{"signing": 5}"#.to_owned().into(), "it is not the expected JSON");
    let text = changed(&good, |json| json["signing"] = serde_json::json!([]));
    check(&text, "it has no current key pair for signing");
    let text = changed(&good, |json| json["encryption"][0]["certificate"] = "hunter2!".into());
    check(&text, "the certificate of its previous key pair for encryption is not base64");
    let text = changed(&good, |json| json["signing"][1]["private_key_pem"] = "hunter2".into());
    let of_signing = "the private key of its current key pair for signing cannot be used";
    check(&text, &format!("{of_signing}: it is not a private key in PEM (PKCS #8)"));
    let text = changed(&good, |json| damage(&mut json["signing"][1]["private_key_pem"]));
    let no_rsa = "it is not an intact RSA key of 2048 to 8192 bits in PKCS #8";
    check(&text, &format!("{of_signing}: {no_rsa}"));
    let text = changed(&good, |json| damage(&mut json["encryption"][0]["private_key_pem"]));
    let of_previous = "the private key of its previous key pair for encryption cannot be used";
    check(&text, &format!("{of_previous}: {no_rsa}"));
}

#[test]
fn an_unused_key_is_not_parsed() {
    let good = keys_in(&[KeyState::Current]);
    let secret = changed(&good, |json| damage(&mut json["encryption"][0]["private_key_pem"]));
    let keys = StoredKeys::from_secret(&secret).unwrap().keys().unwrap();
    assert_eq!(keys.encryption_certificates(Timestamp::UNIX_EPOCH).len(), 1);
    assert!(sign(keys.signing().unwrap(), b"a request").is_ok());
    assert!(keys.check_decryption().is_err());

    let secret = changed(&good, |json| damage(&mut json["signing"][0]["private_key_pem"]));
    let keys = StoredKeys::from_secret(&secret).unwrap().keys().unwrap();
    assert_eq!(keys.signing_certificates().len(), 1);
    assert!(keys.check_decryption().is_ok());
    assert!(keys.signing().is_err());
}

#[test]
fn debug_shows_no_private_key() {
    let stored = keys_in(&[KeyState::Current]);
    let shown = format!("{:?} {:?}", stored.keys().unwrap(), stored.signing[0].private_key_pem);
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
}
