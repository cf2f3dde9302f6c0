//! Restores one tenant from a table that was restored to an earlier time.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::Method;
use harness::browser::{BASE, Browser, draft, person};
use harness::oidc::{App, GOOD};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{TestApp, items};
use local::dynamodb::Dynamo;
use serde_json::{Value, json};
use shared::store::{Restored, Store, StoreError, UniqueAttribute};
use types::ids::TenantId;

/// A deployment with a tenant that has every kind of row, and a copy of its table as of now.
async fn restored_to_now() -> (TestApp, Store) {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let named = json!({"external_id": "customer-17"});
    test.operator(Method::PATCH, &tenant, Some(named)).await.expect(200);
    let seats = json!({"seats": 5, "on_join": "grant"});
    test.operator(Method::PUT, &format!("{tenant}/seats"), Some(seats)).await.expect(200);
    let mut members = Vec::new();
    for name in ["ada", "grace", "linus"] {
        let user = json!({
            "userName": name,
            "externalId": format!("00u-{name}"),
            "emails": [{"value": format!("{name}@acme.com")}],
        });
        members.push(json!({"value": test.post("/Users", user).await.expect(201).text("id")}));
    }
    let group = json!({"displayName": "Engineers", "externalId": "g1", "members": members});
    test.post("/Groups", group).await.expect(201);
    let source = test.table("restored").await;
    test.copy_to("restored").await;
    (test, source)
}

/// The tenant's rows without its activity, without codes, grants, refresh tokens and sessions, and
/// without the uses of tokens.
async fn restorable(test: &TestApp) -> Vec<Value> {
    let mut rows = test.items().await;
    let given = ["O", "A#", "TU"].map(|kind| format!("{}#{kind}", test.acme.id));
    rows.retain(|row| {
        let pk = items::text(row, "pk");
        !given.iter().any(|prefix| pk.starts_with(prefix)) && pk != "CLIENTS"
    });
    for row in &mut rows {
        // The mark of the write that was the last.
        row.as_object_mut().unwrap().remove("w");
    }
    rows
}

fn tenant(test: &TestApp) -> TenantId {
    test.acme.id.parse().unwrap()
}

#[tokio::test]
async fn a_deleted_tenant_is_restored_as_it_was() {
    let (mut test, source) = restored_to_now().await;
    let before = restorable(&test).await;
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let now = test.clock.now();
    let restored = test.app.store.restore_tenant(&source, tenant(&test), now).await.unwrap();
    assert!(
        matches!(restored, Restored::Done { rows } if rows >= before.len() - 5),
        "{restored:?}"
    );
    assert_eq!(restorable(&test).await, before);
    // It works with a new token, since the old one is gone.
    test.get("/Users").await.expect(401);
    let token = test.operator(Method::POST, &format!("{path}/scim-tokens"), None).await;
    test.acme.token = token.expect(201).text("token");
    let found = test.get("/Users?filter=externalId%20eq%20%2200u-ada%22").await.expect(200).json();
    assert_eq!(found["totalResults"], 1);
    test.user("new@acme.com").await;
    let list = test.get("/Users").await.expect(200).json();
    assert_eq!(list["totalResults"], 4);
    let seats = test.operator(Method::GET, &format!("{path}/seats"), None).await.expect(200).json();
    assert_eq!((&seats["seats"], &seats["used"]), (&json!(5), &json!(4)));
    let activity = test.operator(Method::GET, &format!("{path}/activity"), None).await;
    let actions: Vec<_> = activity.expect(200).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    assert!(actions.contains(&"tenant.restored".to_owned()), "{actions:?}");
}

#[tokio::test]
async fn sessions_and_refresh_tokens_are_not_restored() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let user = test.user("ada@acme.com").await;
    let scopes = GOOD.replace("scope=openid", "scope=openid+offline_access");
    let sign_in = test.sign_in(&app, &user, &scopes).await;
    let form = App::redemption(&sign_in.code);
    let tokens = test.form_of(&app, "/oauth2/token", &form).await.expect(200).json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let source = test.table("restored").await;
    test.copy_to("restored").await;
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let now = test.clock.now();
    test.app.store.restore_tenant(&source, tenant(&test), now).await.unwrap();
    assert!(!test.is_active(&app, refresh_token).await);
    test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(401);
    let asked = app.query(&format!("{GOOD}&prompt=none"));
    let answer = test.authorize(&asked, Some(&sign_in.cookie)).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn an_existing_tenant_is_not_overwritten() {
    let (test, source) = restored_to_now().await;
    let before = test.items().await;
    let now = test.clock.now();
    let restore = async |id| test.app.store.restore_tenant(&source, id, now).await;
    assert_eq!(restore(tenant(&test)).await.unwrap(), Restored::Exists);
    let other = "01890000-0000-7000-8000-00000000ffff".parse().unwrap();
    assert_eq!(restore(other).await.unwrap(), Restored::Absent);
    assert_eq!(test.items().await, before);

    // Another tenant has taken the domain meanwhile: the restore is refused.
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let eve = test.tenant("Eve").await;
    let theirs = format!("/v1/tenants/{}/connections/acme.com", eve.id);
    test.operator(Method::PUT, &theirs, Some(json!({}))).await.expect(200);
    let refused = restore(tenant(&test)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::Domain))), "{refused:?}");
    test.operator(Method::GET, &path, None).await.expect(404);
    test.operator(Method::DELETE, &theirs, None).await.expect(204);
    assert!(matches!(restore(tenant(&test)).await, Ok(Restored::Done { .. })));
    test.operator(Method::GET, &path, None).await.expect(200);
}

#[tokio::test]
async fn people_of_a_restored_tenant_sign_in_as_the_users_that_they_were() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.verify_domain(&test.acme.id, "acme.de").await;
    let settings = json!({"domains": ["acme.com", "acme.de"]});
    test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
    let ada = test.user("ada@acme.com").await;
    let sign_in = async |address: &'static str| {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        person("id-ada", address)(&mut draft);
        browser.respond(&test, &draft.response()).await.expect(200);
        assert_eq!(test.sign_ins().await[0]["user"], ada);
    };
    sign_in("ada@acme.com").await;
    let source = test.table("restored").await;
    test.copy_to("restored").await;
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let now = test.clock.now();
    test.app.store.restore_tenant(&source, tenant(&test), now).await.unwrap();
    // By the link alone: the address has no user.
    sign_in("x@acme.de").await;
    let domains = test.operator(Method::GET, &format!("{path}/domains"), None).await;
    let domains = domains.expect(200).json();
    let states: Vec<_> = domains["items"].as_array().unwrap().iter().map(|d| &d["state"]).collect();
    assert_eq!(states, ["verified", "verified"]);
    // The domains are its own again: no other tenant can take one by word.
    let eve = test.tenant("Eve").await;
    let claim = format!("/v1/tenants/{}/domains/acme.de", eve.id);
    let by_word = json!({"verified_by": "operator"});
    test.operator(Method::PUT, &claim, Some(by_word)).await.expect(409);
}

/// A connection of version 0.1.0 has no claim: its name is its domain.
#[tokio::test]
async fn a_tenant_of_0_1_0_is_not_restored_while_another_holds_the_domain_of_its_connection() {
    let client = Dynamo::memory().unwrap().client();
    let test = TestApp::over(client.clone(), |config| {
        config.base_url = Some(BASE.to_owned());
    })
    .await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({})).await.expect(200);
    let own = format!("{}#T", test.acme.id);
    for (pk, sk) in
        [("DOM#acme.com", "V"), (own.as_str(), "DOMAIN#acme.com"), (own.as_str(), "AUTH#acme.com")]
    {
        let delete = client.delete_item().table_name("gatehouse");
        let delete = delete.key("pk", AttributeValue::S(pk.to_owned()));
        delete.key("sk", AttributeValue::S(sk.to_owned())).send().await.unwrap();
    }
    let update = client.update_item().table_name("gatehouse");
    let update = update.key("pk", AttributeValue::S("DOM#acme.com".to_owned()));
    let update = update.key("sk", AttributeValue::S("T".to_owned()));
    update.update_expression("REMOVE n").send().await.unwrap();
    let source = test.table("restored").await;
    test.copy_to("restored").await;
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let eve = test.tenant("Eve").await;
    test.verify_domain(&eve.id, "acme.com").await;
    let now = test.clock.now();
    let restore = async || test.app.store.restore_tenant(&source, tenant(&test), now).await;
    let refused = restore().await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::Domain))), "{refused:?}");
    let theirs = format!("/v1/tenants/{}/domains/acme.com", eve.id);
    test.operator(Method::DELETE, &theirs, None).await.expect(204);
    assert!(matches!(restore().await, Ok(Restored::Done { .. })));
    Browser::default().begin(&test, "/saml/sso/acme.com").await;
}
