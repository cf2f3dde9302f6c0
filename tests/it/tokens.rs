//! SCIM tokens: creation, revocation, expiry, and the limits on guesses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::TestApp;
use jiff::Timestamp;
use local::dynamodb::{CallLog, Dynamo, Fault, Faults, client_over};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::secrets::SecretName;
use types::ids::TenantId;
use types::scim_token::ScimToken;
use uuid::Uuid;

#[tokio::test]
async fn a_token_is_shown_once() {
    let test = TestApp::new().await;
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let made = test.operator(Method::POST, &path, None).await.expect(201).json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("gh_scim_"));
    assert!(token.ends_with(made["last4"].as_str().unwrap()));
    let list = test.operator(Method::GET, &path, None).await.expect(200);
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 2);
    let shown = String::from_utf8(list.bytes).unwrap();
    assert!(!shown.contains(token) && !shown.contains("sha256"));
}

#[tokio::test]
async fn two_tokens_live_at_a_time_and_an_expired_one_makes_room() {
    let test = TestApp::new().await;
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let soon = json!({"expires_at": "2026-01-02T00:00:00Z"});
    let second = test.operator(Method::POST, &path, Some(soon)).await.expect(201).text("token");
    test.operator(Method::POST, &path, None).await.expect(409);
    test.scim_as(&second, Method::GET, "/Users", None).await.expect(200);
    test.get("/Users").await.expect(200);
    test.clock.advance(Duration::from_hours(24));
    test.scim_as(&second, Method::GET, "/Users", None).await.expect(401);
    test.operator(Method::POST, &path, None).await.expect(201);
}

#[tokio::test]
async fn a_token_cannot_be_created_with_a_past_expiry() {
    let test = TestApp::new().await;
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let past = json!({"expires_at": "2025-12-31T00:00:00Z"});
    test.operator(Method::POST, &path, Some(past)).await.expect(400);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_in_this_process_and_within_a_minute_in_others() {
    let test = TestApp::new().await;
    let elsewhere = test.with_config(test.app.config.clone());
    let elsewhere = test.beside(shared::scim_api::router(elsewhere));
    let (token, tenant) = (&test.acme.token, &test.acme.id);
    test.get("/Users").await.expect(200);
    elsewhere.scim_as(token, Method::GET, "/Users", None).await.expect(200);

    let tokens = format!("/v1/tenants/{tenant}/scim-tokens");
    let id = test.operator(Method::GET, &tokens, None).await.json()["items"][0]["id"].clone();
    let path = format!("{tokens}/{}", id.as_str().unwrap());
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.operator(Method::DELETE, &path, None).await.expect(404);
    test.get("/Users").await.expect(401);
    test.clock.advance(Duration::from_mins(1));
    elsewhere.scim_as(token, Method::GET, "/Users", None).await.expect(401);
}

#[tokio::test]
async fn a_new_token_works_at_once_in_a_process_that_has_cached_the_old_ones() {
    let test = TestApp::new().await;
    let elsewhere = test.with_config(test.app.config.clone());
    let elsewhere = test.beside(shared::scim_api::router(elsewhere));
    elsewhere.scim_as(&test.acme.token, Method::GET, "/Users", None).await.expect(200);
    let tokens = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let second = test.operator(Method::POST, &tokens, None).await.expect(201).text("token");
    elsewhere.scim_as(&second, Method::GET, "/Users", None).await.expect(200);
}

/// Sends a SCIM request with this token and `User-Agent`.
async fn list_users(test: &TestApp, token: &str, agent: &str) {
    let request = Request::builder()
        .uri("/scim/v2/Users")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::USER_AGENT, agent);
    test.send(request.body(Body::empty()).unwrap()).await.expect(200);
}

/// Returns when and by which product the tokens of the first tenant were last used, oldest token
/// first.
async fn last_uses(test: &TestApp) -> Vec<Value> {
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let list = test.operator(Method::GET, &path, None).await.expect(200).json();
    let mut tokens = list["items"].as_array().unwrap().clone();
    tokens.sort_by_key(|token| token["created_at"].to_string());
    tokens.iter().map(|token| json!([token["last_used_at"], token["last_used_by"]])).collect()
}

#[tokio::test]
async fn the_last_use_of_each_token_is_shown() {
    let test = TestApp::new().await;
    let never = json!([null, null]);
    assert_eq!(last_uses(&test).await, std::slice::from_ref(&never));
    list_users(&test, &test.acme.token, "Okta SCIM Client 1.0.0").await;
    let okta = json!(["2026-01-01T00:00:00Z", "Okta"]);
    assert_eq!(last_uses(&test).await, std::slice::from_ref(&okta));

    test.clock.advance(Duration::from_mins(10));
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let second = test.operator(Method::POST, &path, None).await.expect(201).text("token");
    assert_eq!(last_uses(&test).await, [okta.clone(), never]);
    list_users(&test, &second, "curl/8.5.0").await;
    let curl = json!(["2026-01-01T00:10:00Z", "curl"]);
    assert_eq!(last_uses(&test).await, [okta, curl.clone()]);
    // A token that is not valid was not used.
    let wrong = test.acme.token.replace("gh_scim_", "gh_scim_x");
    test.scim_as(&wrong, Method::GET, "/Users", None).await.expect(401);
    let mut wrong = test.acme.token.clone();
    let last = if wrong.pop() == Some('A') { 'B' } else { 'A' };
    wrong.push(last);
    test.scim_as(&wrong, Method::GET, "/Users", None).await.expect(401);
    assert_eq!(last_uses(&test).await, [json!(["2026-01-01T00:00:00Z", "Okta"]), curl]);

    list_users(&test, &test.acme.token, "canary-agent").await;
    assert_eq!(last_uses(&test).await[0], json!(["2026-01-01T00:10:00Z", "other"]));
    assert!(!test.rows().await.contains("canary"), "the header is not stored");
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute_by_one_cheap_write() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let token = &test.acme.token;
    let writes = || {
        let calls = log.take().into_iter().filter(|call| call.operation != "Query");
        calls.map(|call| (call.operation, call.write_units)).collect::<Vec<_>>()
    };
    writes();
    list_users(&test, token, "okta").await;
    let noted = ("UpdateItem".to_owned(), 1.0);
    let tenant = ("GetItem".to_owned(), 0.0);
    let mut first = writes();
    first.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(first, [tenant.clone(), noted.clone()]);
    for _ in 0..3 {
        test.clock.advance(Duration::from_secs(19));
        list_users(&test, token, "curl/8").await;
        assert!(writes().is_empty());
    }
    assert_eq!(last_uses(&test).await, [json!(["2026-01-01T00:00:00Z", "Okta"])]);
    test.clock.advance(Duration::from_secs(3));
    writes();
    list_users(&test, token, "curl/8").await;
    assert!(writes().contains(&noted));
    assert_eq!(last_uses(&test).await, [json!(["2026-01-01T00:01:00Z", "curl"])]);

    // Another process does not know of it and writes too, but never an earlier time.
    let elsewhere = test.with_config(test.app.config.clone());
    let elsewhere = test.beside(shared::scim_api::router(elsewhere));
    list_users(&elsewhere, token, "okta").await;
    assert_eq!(last_uses(&test).await, [json!(["2026-01-01T00:01:00Z", "curl"])]);
}

#[tokio::test(start_paused = true)]
async fn a_use_that_cannot_be_noted_fails_no_request() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(faults.clone()), |_| {}).await;
    // As many times as the SDK tries.
    for nth in 1..=5 {
        faults.fail("UpdateItem", nth, Fault::InternalServerError);
    }
    list_users(&test, &test.acme.token, "okta").await;
    assert_eq!(faults.pending(), 0);
    assert_eq!(last_uses(&test).await, [json!([null, null])]);
    test.clock.advance(Duration::from_mins(1));
    list_users(&test, &test.acme.token, "okta").await;
    assert_eq!(last_uses(&test).await, [json!(["2026-01-01T00:01:00Z", "Okta"])]);
}

#[tokio::test]
async fn the_note_of_a_use_expires_with_the_token_and_is_deleted_with_the_tenant() {
    let test = TestApp::new().await;
    let path = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
    let expires = json!({"expires_at": "2026-02-01T00:00:00Z"});
    let made = test.operator(Method::POST, &path, Some(expires)).await.expect(201);
    list_users(&test, &made.text("token"), "okta").await;
    let is_note = |row: &Value| row["pk"]["S"].as_str().unwrap().ends_with("#TU");
    let notes: Vec<Value> = test.items().await.into_iter().filter(is_note).collect();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    let expiry: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(note["ttl"]["N"], expiry.as_second().to_string());
    assert_eq!(note["sk"]["S"], made.text("id"));
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &tenant, None).await.expect(204);
    assert!(!test.items().await.iter().any(is_note));
}

#[tokio::test]
async fn deleting_a_tenant_deletes_its_tokens_and_data() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    test.post("/Groups", json!({"displayName": "All", "members": [{"value": id}]}))
        .await
        .expect(201);
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.get("/Users").await.expect(401);
    test.operator(Method::GET, &path, None).await.expect(404);
    test.operator(Method::DELETE, &path, None).await.expect(404);
}

#[tokio::test]
async fn a_tenant_above_its_rate_limit_is_told_to_wait() {
    let test = TestApp::with_rate_limit(1, 3).await;
    let other = test.tenant("Other").await;
    for _ in 0..3 {
        test.get("/Users").await.expect(200);
    }
    let refused = test.get("/Users").await.expect(429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["status"], "429");
    test.scim_as(&other.token, Method::GET, "/Users", None).await.expect(200);
    test.clock.advance(Duration::from_secs(1));
    test.get("/Users").await.expect(200);
}

/// A well-formed token of an invented tenant.
fn invented(n: u128) -> ScimToken {
    ScimToken::new(TenantId::new(Uuid::from_u128(n)), [0; 8], &[0; 32])
}

#[tokio::test]
async fn invented_tenants_neither_reach_secrets_manager_nor_evict_real_ones() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let newcomer = test.tenant("Newcomer").await;
    // A separate process, which has seen no tenant yet.
    let process = test.with_config(test.app.config.clone());
    let served = test.beside(shared::scim_api::router(process.clone()));
    served.get("/Users").await.expect(200);
    for n in 0..11_000 {
        assert_eq!(process.scim_tokens.verify(&invented(n), test.clock.now()).await.unwrap(), None);
    }

    // Secrets Manager has this token, so it is refused only if the table is read first.
    let stranger = invented(12_000);
    let now = test.clock.now();
    let stored = json!([stranger.to_stored(now, now + Duration::from_hours(1))]).to_string();
    let name = SecretName::ScimTokens(stranger.tenant());
    test.app.secrets.put(name, &SecretString::from(stored)).await.unwrap();
    log.take();
    assert_eq!(process.scim_tokens.verify(&stranger, now).await.unwrap(), None);
    assert_eq!(log.take().len(), 1, "the table is read");
    assert_eq!(process.scim_tokens.verify(&stranger, now).await.unwrap(), None);
    assert_eq!(log.take().len(), 0, "and not twice");

    served.scim_as(&newcomer.token, Method::GET, "/Users", None).await.expect(200);
    // Served from the cache: the secret no longer exists.
    let acme = SecretName::ScimTokens(test.acme.id.parse().unwrap());
    test.app.secrets.delete(acme).await.unwrap();
    served.get("/Users").await.expect(200);
    test.clock.advance(Duration::from_mins(1));
    served.get("/Users").await.expect(401);
}
