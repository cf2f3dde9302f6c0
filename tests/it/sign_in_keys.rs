//! Sign-ins while one of our private keys is damaged: only those that need the key fail, and they
//! fail as unavailable, not as refused.

use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Browser, draft};
use harness::saml::draft::Draft;
use harness::saml::encryption::Encryption;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared::secrets::SecretName;

/// Changes the first private key for a purpose without changing its form. Every process reads it.
async fn damage(test: &TestApp, purpose: &str) {
    let secret = test.app.secrets.fetch(SecretName::SamlKeys).await.unwrap().unwrap();
    let mut keys: Value = serde_json::from_str(secret.expose_secret()).unwrap();
    let pem = keys[purpose][0]["private_key_pem"].as_str().unwrap();
    let mut lines: Vec<String> = pem.lines().map(str::to_owned).collect();
    let other = if lines[10].starts_with('A') { "B" } else { "A" };
    lines[10].replace_range(..1, other);
    keys[purpose][0]["private_key_pem"] = lines.join("\n").into();
    let keys = SecretString::from(keys.to_string());
    test.app.secrets.put(SecretName::SamlKeys, &keys).await.unwrap();
    test.clock.advance(Duration::from_secs(61));
}

async fn sign_in(test: &TestApp, encrypt: Option<Encryption>) -> u16 {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let response = Draft { encrypt, ..draft(Some(&request)) }.response();
    browser.respond(test, &response).await.status.as_u16()
}

#[tokio::test]
async fn a_damaged_decryption_key_stops_only_encrypted_responses() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    assert_eq!(sign_in(&test, Some(Encryption::default())).await, 200);
    damage(&test, "encryption").await;
    assert_eq!(sign_in(&test, None).await, 200);
    Browser::default().get(&test, "/saml/metadata/acme.com").await.expect(200);
    // No refusal and no record: the provider did nothing wrong.
    let records = test.sign_ins().await.len();
    assert_eq!(sign_in(&test, Some(Encryption::default())).await, 503);
    assert_eq!(test.sign_ins().await.len(), records);
    // A ciphertext for another recipient must get the same response.
    let elsewhere = Encryption { key: |keys| &keys.sp_previous, ..Encryption::default() };
    assert_eq!(sign_in(&test, Some(elsewhere)).await, 503);
}

#[tokio::test]
async fn a_damaged_signing_key_stops_only_signed_requests() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    damage(&test, "signing").await;
    assert_eq!(sign_in(&test, Some(Encryption::default())).await, 200);
    Browser::default().get(&test, "/saml/metadata/acme.com").await.expect(200);
    Browser::default().get(&test, "/saml/metadata/acme.com?signed=1").await.expect(503);
}

#[tokio::test]
async fn the_operator_sees_a_damaged_key_before_a_sign_in_needs_it() {
    for purpose in ["signing", "encryption"] {
        let test = TestApp::with_connection(json!({})).await;
        test.operator(Method::GET, "/v1/saml-keys", None).await.expect(200);
        damage(&test, purpose).await;
        test.operator(Method::GET, "/v1/saml-keys", None).await.expect(503);
        let before = test.app.secrets.fetch(SecretName::SamlKeys).await.unwrap().unwrap();
        test.operator(Method::POST, "/v1/saml-keys/rotate", None).await.expect(503);
        let after = test.app.secrets.fetch(SecretName::SamlKeys).await.unwrap().unwrap();
        assert_eq!(before.expose_secret(), after.expose_secret(), "{purpose}");
    }
}
