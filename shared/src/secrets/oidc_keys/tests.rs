use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::*;
use crate::error_chain::ErrorChain;

fn keys() -> KeySet {
    let now = Timestamp::UNIX_EPOCH;
    let key = || Arc::new(RsaKey::generate(now).unwrap());
    KeySet { previous: None, current: key(), next: key(), rotated_at: None }
}

fn claims() -> Value {
    json!({"sub": "ada"})
}

#[test]
fn a_token_verifies_as_its_type_until_its_key_is_gone() {
    let keys = keys();
    let token = keys.sign(TokenType::AccessToken, &claims()).unwrap();
    assert_eq!(keys.verify(TokenType::AccessToken, &token), Some(claims()));
    assert_eq!(keys.verify::<Value>(TokenType::IdToken, &token), None);
    let rotated = KeySet {
        previous: Some(keys.current.clone()),
        current: keys.next.clone(),
        next: Arc::new(RsaKey::generate(Timestamp::UNIX_EPOCH).unwrap()),
        rotated_at: None,
    };
    assert_eq!(rotated.verify(TokenType::AccessToken, &token), Some(claims()));
    let rotated = KeySet { previous: None, ..rotated };
    assert_eq!(rotated.verify::<Value>(TokenType::AccessToken, &token), None);
}

#[test]
fn a_changed_token_does_not_verify() {
    let keys = keys();
    let token = keys.sign(TokenType::AccessToken, &claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, body, signature] = parts.as_slice() else { panic!("{token}") };
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let none = encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let hs256 =
        encode(&format!(r#"{{"alg":"HS256","kid":"{}","typ":"at+jwt"}}"#, keys.current.kid()));
    let embedded = encode(&format!(
        r#"{{"alg":"RS256","kid":"{}","typ":"at+jwt","jwk":{}}}"#,
        keys.current.kid(),
        keys.next.jwk()
    ));
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    for changed in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{hs256}.{body}.{signature}"),
        format!("{embedded}.{body}.{signature}"),
        format!("{header}.{}.{signature}", encode(r#"{"sub":"eve"}"#)),
        format!("{header}.{body}.{flipped}{}", &signature[1..]),
        format!("{header}.{body}.{signature}="),
        format!("{header}.{body}.{signature}.{signature}"),
        format!(" {token}"),
        token.repeat(20),
    ] {
        assert_eq!(keys.verify::<Value>(TokenType::AccessToken, &changed), None, "{changed}");
    }
}

#[test]
fn keys_read_back_from_their_secret_and_debug_does_not_show_them() {
    let keys = keys();
    let secret = keys.to_secret().unwrap();
    let read = KeySet::from_secret(&secret).unwrap();
    assert_eq!(read.kids(), keys.kids());
    let token = keys.sign(TokenType::IdToken, &claims()).unwrap();
    assert_eq!(read.verify(TokenType::IdToken, &token), Some(claims()));
    assert!(format!("{keys:?}").len() < 300);
}

#[test]
fn only_the_signing_key_is_parsed_and_its_errors_do_not_show_it() {
    let stored = keys().to_secret().unwrap();
    let with = |name: &str, change: fn(&str) -> String| {
        let mut json: Value = serde_json::from_str(stored.expose_secret()).unwrap();
        let pkcs8 = change(json[name]["pkcs8"].as_str().unwrap());
        json[name]["pkcs8"] = pkcs8.into();
        KeySet::from_secret(&SecretString::from(json.to_string()))
    };
    // Changes the private exponent and keeps the form.
    let damaged = |pkcs8: &str| {
        let other = if pkcs8[600..].starts_with('A') { "B" } else { "A" };
        format!("{}{other}{}", &pkcs8[..600], &pkcs8[601..])
    };
    let no_rsa = "it is not an intact RSA key of 2048 to 8192 bits in PKCS #8";
    let check = |name: &str, error: OidcKeysError| {
        let expect = format!("could not use the secret oidc/keys: its {name} key cannot be used: ");
        assert_eq!(ErrorChain(&error).to_string(), expect + no_rsa);
    };

    let keys = with("next", damaged).unwrap();
    assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 2);
    let token = keys.sign(TokenType::IdToken, &claims()).unwrap();
    assert_eq!(keys.verify(TokenType::IdToken, &token), Some(claims()));

    let keys = with("current", damaged).unwrap();
    assert_eq!(keys.verify(TokenType::IdToken, &token), Some(claims()));
    for _ in 0..2 {
        check("current", keys.sign(TokenType::IdToken, &claims()).unwrap_err());
    }
    for change in [|_: &str| "hunter2!".to_owned(), |_: &str| String::new()] {
        check("next", with("next", change).unwrap_err());
    }
    let other = KeySet::from_secret(&SecretString::from("{\"current\": \"hunter2\"}")).unwrap_err();
    let expect = "could not use the secret oidc/keys: it is not the expected JSON";
    assert_eq!(ErrorChain(&other).to_string(), expect);
}

#[test]
fn published_keys_contain_only_public_members() {
    let jwks = keys().jwks();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    for key in jwks["keys"].as_array().unwrap() {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["kty", "use", "alg", "kid", "n", "e"]);
        assert_eq!(key["e"], "AQAB");
        let modulus = BASE64_URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
        assert_eq!((modulus.len(), modulus[0] >> 7), (256, 1));
    }
}
