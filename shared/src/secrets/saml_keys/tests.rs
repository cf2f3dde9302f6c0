use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use saml::crypto::sign;

/// With one pair for each purpose and state.
fn stored(states: &[State]) -> StoredKeys {
    let pair = |state: &State| {
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

/// The text of the secret with one of its texts changed.
fn changed(stored: &StoredKeys, change: impl FnOnce(&mut serde_json::Value)) -> SecretString {
    let secret = stored.secret().unwrap();
    let mut json = serde_json::from_str(secret.expose_secret()).unwrap();
    change(&mut json);
    json.to_string().into()
}

/// Changes the private exponent, and leaves its form.
fn damage(pem: &mut serde_json::Value) {
    let mut lines: Vec<String> = pem.as_str().unwrap().lines().map(str::to_owned).collect();
    let other = if lines[10].starts_with('A') { "B" } else { "A" };
    lines[10].replace_range(..1, other);
    *pem = lines.join("\n").into();
}

#[track_caller]
fn check(secret: &SecretString, expect: &str) {
    let read = StoredKeys::read(secret).and_then(|stored| stored.keys());
    let outcome = read.map_err(SamlKeysError::from).and_then(|keys| keys.check());
    let said = outcome.unwrap_err().to_string();
    assert_eq!(said, format!("the secret saml/keys cannot be used: {expect}"));
}

#[test]
fn what_is_wrong_with_the_secret_is_said_without_showing_it() {
    let good = stored(&[State::Previous, State::Current]);
    check(&"hunter2".to_owned().into(), "it is not the JSON that is written there");
    check(&r#"{"signing": 5}"#.to_owned().into(), "it is not the JSON that is written there");
    let text = changed(&good, |json| json["signing"] = serde_json::json!([]));
    check(&text, "no pair for signing is current");
    let text = changed(&good, |json| json["encryption"][0]["certificate"] = "hunter2!".into());
    check(&text, "the certificate of the previous pair for encryption is not base64");
    let text = changed(&good, |json| json["signing"][1]["private_key_pem"] = "hunter2".into());
    let of_signing = "the private key of the current pair for signing cannot be used";
    check(&text, &format!("{of_signing}: it is not a private key in PEM (PKCS #8)"));
    let text = changed(&good, |json| damage(&mut json["signing"][1]["private_key_pem"]));
    let no_rsa = "it is not an intact RSA key of 2048 to 8192 bits in PKCS #8";
    check(&text, &format!("{of_signing}: {no_rsa}"));
    let text = changed(&good, |json| damage(&mut json["encryption"][0]["private_key_pem"]));
    let of_previous = "the private key of the previous pair for encryption cannot be used";
    check(&text, &format!("{of_previous}: {no_rsa}"));
}

#[test]
fn a_key_that_is_not_used_is_not_read() {
    let good = stored(&[State::Current]);
    let secret = changed(&good, |json| damage(&mut json["encryption"][0]["private_key_pem"]));
    let keys = StoredKeys::read(&secret).unwrap().keys().unwrap();
    assert_eq!(keys.encryption_certificates(Timestamp::UNIX_EPOCH).len(), 1);
    assert!(sign(keys.signing().unwrap(), b"a request").is_ok());
    assert!(keys.check_decryption().is_err());

    let secret = changed(&good, |json| damage(&mut json["signing"][0]["private_key_pem"]));
    let keys = StoredKeys::read(&secret).unwrap().keys().unwrap();
    assert_eq!(keys.signing_certificates().len(), 1);
    assert!(keys.check_decryption().is_ok());
    assert!(keys.signing().is_err());
}

#[test]
fn debug_shows_no_private_key() {
    let stored = stored(&[State::Current]);
    let shown = format!("{:?} {:?}", stored.keys().unwrap(), stored.signing[0].private_key_pem);
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
}
