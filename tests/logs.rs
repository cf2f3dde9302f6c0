//! The lines of the log: their fields, and the personal data and secrets that are in none of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Browser, draft, named};
use harness::oidc::{App, GOOD};
use harness::saml::draft::{Draft, claim, conditions};
use local::dynamodb::{Call, CallLog, Dynamo, Fault, Faults, client_over};
use serde_json::{Value, json};
use shared::events::{Deliverer, Run, publish};
use shared::http::guarded_client::Reach;
use shared::runtime::telemetry::{Format, subscriber};
use shared::store::Lane;
use shared::webhooks::Sender;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// One test: `tracing` caches per process which lines are enabled, so two tests at a time would
/// hide each other's lines.
#[tokio::test]
async fn each_request_writes_one_line_without_personal_data() {
    provisioning().await;
    calls_to_aws().await;
    tokens_that_end().await;
    sign_ins().await;
    a_failure_of_the_table().await;
    webhooks().await;
}

/// The lines that were written, parsed.
fn parsed(lines: &Lines) -> Vec<Value> {
    let written = String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
    written.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn provisioning() {
    let test = TestApp::new().await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));

    let ada = json!({
        "userName": "canary-user@acme.example",
        "externalId": "canary-external",
        "name": {"givenName": "Canary", "familyName": "Canary"},
        "emails": [{"value": "canary-mail@acme.example"}],
        "password": "canary-password",
    });
    let id = test.post("/Users", ada.clone()).await.expect(201).text("id");
    test.post("/Users", ada).await.expect(409);
    test.get(&format!("/Users/{id}")).await.expect(200);
    test.get("/Users?filter=userName+eq+%22canary-user%40acme.example%22").await.expect(200);
    test.get("/Users?filter=canary+zz").await.expect(400);
    test.get("/Users/canary-path").await.expect(404);
    test.get("/canary-path").await.expect(404);
    test.scim_as("gh_scim_canary", Method::GET, "/Users", None).await.expect(401);
    let group = json!({"displayName": "canary-group", "members": [{"value": id}]});
    test.post("/Groups", group).await.expect(201);
    test.scim(Method::DELETE, &format!("/Users/{id}"), None).await.expect(204);
    test.operator(Method::POST, "/v1/tenants", Some(json!({"name": "canary"}))).await.expect(201);
    sign_in(&test).await;
    test.get("/Me").await.expect(501);
    drop(logging);

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!written.to_lowercase().contains("canary"), "{written}");
    assert!(!written.contains("gh_") && !written.contains(harness::OPERATOR_KEY), "{written}");
    let logged: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged.len(), 21, "{written}");
    let first = &logged[0];
    assert_eq!(first["tenant.id"], test.acme.id);
    assert_eq!((&first["method"], &first["route"]), (&json!("POST"), &json!("/scim/v2/Users")));
    assert_eq!(first["status"], 201);
    assert!(first["duration_ms"].is_number());
    assert_eq!(logged[1]["failure.code"], "uniqueness");
    assert_eq!(logged[2]["route"], "/scim/v2/Users/{id}");
    let of_apps = logged
        .iter()
        .filter(|line| line["route"].as_str().is_some_and(|route| route.starts_with("/oauth2/")));
    let tenants: Vec<Value> = of_apps
        .map(|line| {
            let known = line["tenant.id"] == test.acme.id;
            json!([line["route"], line["status"], if known { "acme" } else { "" }])
        })
        .collect();
    assert_eq!(
        Value::from(tenants),
        json!([
            ["/oauth2/authorize", 303, "acme"],
            ["/oauth2/authorize", 400, ""],
            ["/oauth2/token", 200, "acme"],
            ["/oauth2/userinfo", 200, "acme"],
            ["/oauth2/userinfo", 401, ""],
            ["/oauth2/token", 400, "acme"],
        ])
    );
    let me = logged.last().unwrap();
    assert_eq!((&me["status"], &me["level"]), (&json!(501), &json!("INFO")), "as specified");
}

/// Each line counts the calls of its request as the table saw them.
async fn calls_to_aws() {
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(calls.clone()), |_| {}).await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));
    let check = |operation: Option<&str>, secrets_calls: u32| {
        let taken = calls.take();
        let mut names = taken.iter().map(|call| call.operation.as_str());
        assert_eq!(operation, operation.filter(|operation| names.any(|name| name == *operation)));
        let sum = |units: fn(&Call) -> f64| taken.iter().map(units).sum::<f64>();
        let line = &parsed(&lines)[0];
        assert_eq!(line["store.calls"], taken.len(), "{line}");
        assert_eq!(line["store.rcu"], sum(|call| call.read_units), "{line}");
        assert_eq!(line["store.wcu"], sum(|call| call.write_units), "{line}");
        assert_eq!(line["secrets.calls"], secrets_calls, "{line}");
        let ms = line["store.ms"].as_f64().unwrap();
        assert_eq!(ms > 0.0, operation.is_some(), "{line}");
        assert!(taken.len() > 1 || ms <= line["duration_ms"].as_f64().unwrap(), "{line}");
    };
    calls.take();
    let id = test.user("ada").await;
    check(Some("TransactWriteItems"), 0);
    test.get(&format!("/Users/{id}")).await.expect(200);
    check(Some("GetItem"), 0);
    test.get("/Users?count=10").await.expect(200);
    check(Some("Query"), 0);
    let title = json!([{"op": "add", "path": "title", "value": "Countess"}]);
    test.patch(&format!("/Users/{id}"), title).await.expect(200);
    check(Some("TransactWriteItems"), 0);
    // A taken name: the refused transaction reports no units.
    test.post("/Users", json!({"userName": "ada"})).await.expect(409);
    check(Some("TransactWriteItems"), 0);
    test.get("/Users/0").await.expect(404);
    check(None, 0);
    // Too many members for one transaction.
    let mut members: Vec<Value> = Vec::new();
    for n in 0..60 {
        members.push(json!({"value": test.user(&format!("user{n}")).await}));
    }
    parsed(&lines);
    calls.take();
    test.post("/Groups", json!({"displayName": "All", "members": members})).await.expect(201);
    check(Some("TransactWriteItems"), 0);
    // Another process has no token in memory.
    let other = test.beside(shared::scim_api::router(test.with_config(test.app.config.clone())));
    other.get(&format!("/Users/{id}")).await.expect(200);
    check(Some("GetItem"), 1);
    drop(logging);
}

/// A failed call is logged once, with its operation and its cause.
async fn a_failure_of_the_table() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(faults.clone()), |_| {}).await;
    let id = test.user("canary").await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));
    // As often as the SDK tries.
    for nth in 1..=5 {
        faults.fail("GetItem", nth, Fault::InternalServerError);
    }
    test.get(&format!("/Users/{id}")).await.expect(503);
    drop(logging);
    let mut logged = parsed(&lines);
    // The SDK warns of each attempt, since the embedded table has no connection to close.
    logged.retain(|line| !line["target"].as_str().unwrap().starts_with("aws_smithy"));
    let messages: Vec<&str> = logged.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("could not read the user: InternalServerError"), "{messages:?}");
    assert_eq!(messages[1], "GET /scim/v2/Users/{id} 503");
}

/// From a month before the token expires, and not earlier, each line says so to the alarm.
async fn tokens_that_end() {
    let test = TestApp::new().await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));
    for days in [334, 1, 1] {
        test.clock.advance(Duration::from_hours(days * 24));
        test.get("/Users?count=0").await.expect(200);
    }
    drop(logging);

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let template = include_str!("../template.yaml");
    assert!(template.contains("$.target = \"request\" && $.token_ends_soon IS TRUE"));
    let noted: Vec<_> = written
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap().get("token_ends_soon").cloned())
        .collect();
    assert_eq!(noted, [None, Some(json!(true)), Some(json!(true))], "{written}");
}

async fn sign_ins() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut of_app = Browser::default();
    let asked = of_app.begin(&test, &format!("/oauth2/authorize?{}", app.query(GOOD))).await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));

    for (email, status) in [("canary@acme.com", 303), ("canary@canary.example", 403)] {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        draft.name_id = format!("<A:NameID>{email}</A:NameID>");
        draft.claims = vec![claim("email", &[email]), claim("firstName", &["Canary"])];
        browser.respond(&test, &draft.response()).await.expect(status);
    }
    // An audience that is not ours: this failure is the same for every user of the tenant.
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let mut elsewhere = draft(Some(&request));
    elsewhere.conditions = conditions(None, None, &[&["https://canary.example/"]]);
    browser.respond(&test, &elsewhere.response()).await.expect(403);
    let mut browser = Browser::default();
    browser.respond(&test, "<canary/>").await.expect(400);
    // Responses of a stranger: nobody signed them, and this browser began no sign-in.
    let unsigned = draft(Some("_0123456789abcdef0123456789abcdef01234567"));
    let unsigned = Draft { sign_assertion: None, ..unsigned };
    browser.respond(&test, &unsigned.response()).await.expect(403);
    let mut tampered = draft(None).response();
    tampered = tampered.replace("ada@acme.com", "canary@acme.com");
    browser.respond(&test, &tampered).await.expect(403);
    // A response for another app that the provider did sign, and one that answers a request.
    let elsewhere = Draft { in_response_to: None, ..elsewhere };
    browser.respond(&test, &elsewhere.response()).await.expect(403);
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let unsigned = Draft { sign_assertion: None, ..draft(Some(&request)) };
    browser.respond(&test, &unsigned.response()).await.expect(403);
    browser.get(&test, "/saml/sso/acme.com?target=https://canary.example/").await.expect(400);
    // A refusal that an app is told: a redirect, and still refused.
    let mut foreign = draft(Some(&asked));
    named("canary@elsewhere.example", "canary@elsewhere.example")(&mut foreign);
    of_app.respond(&test, &foreign.response()).await.expect(303);
    drop(logging);

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!written.to_lowercase().contains("canary"), "{written}");
    assert!(!written.contains("SAML") && !written.contains("gh_session"), "{written}");
    let logged: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&Value> = logged.iter().map(|line| &line["failure.code"]).collect();
    assert_eq!(
        codes,
        [
            "",
            "",
            "",
            "user.domain",
            "",
            "saml.audience",
            "saml.xml",
            "saml.sig.present",
            "saml.sig.ref",
            "saml.audience",
            "",
            "saml.sig.present",
            "saml.link",
            "user.domain"
        ],
        "{written}"
    );
    // Only refusals of responses that are signed or answer a request have the fields that count.
    let template = include_str!("../template.yaml");
    assert!(template.contains("\"Keys\": [\"$.refusedConnectionOf\"]"));
    assert!(template.contains("$.target = \"request\" && $.refused_sign_in IS TRUE"));
    assert!(template.contains("$.status < 400 && $.refused_sign_in NOT EXISTS"));
    let with = |field: &str| -> Vec<usize> {
        let lines = logged.iter().enumerate();
        lines.filter(|(_, line)| line.get(field).is_some()).map(|(at, _)| at).collect()
    };
    assert_eq!(with("refused_sign_in"), [3, 5, 9, 11, 13], "{written}");
    assert_eq!(with("refusedConnectionOf"), [5, 9, 11], "{written}");
    assert_eq!(logged[5]["refusedConnectionOf"], test.acme.id);
    assert_eq!(logged[5]["refused_sign_in"], true);
    for line in &logged {
        assert_eq!(line["tenant.id"], test.acme.id, "{line}");
        assert_eq!(line["route"], "/saml/sso/{domain}");
    }
}

/// A sign-in to an app, with the canary in every value that a person or an app can choose.
async fn sign_in(test: &TestApp) {
    let app = test.app(false).await;
    let user = test.user("canary-ada@acme.com").await;
    let rest = GOOD.replace("s1", "canary-state").replace("n1", "canary-nonce");
    let back = test.sign_in(&app, &user, &rest).await;
    test.authorize(&app.query(&rest), Some(&back.cookie)).await.expect(303);
    test.authorize("client_id=canary&redirect_uri=canary", None).await.expect(400);
    let form = App::redemption(&back.code);
    let token = test.form_of(&app, "/oauth2/token", &form).await.expect(200).text("access_token");
    test.userinfo(&token).await.expect(200);
    test.userinfo("canary").await.expect(401);
    // The same code twice, which is logged in a line of its own.
    test.form_of(&app, "/oauth2/token", &form).await.expect(400);
}

/// A webhook that Gatehouse pauses is an error, which the alarm counts; no line has a secret or the
/// URL, which may have one.
async fn webhooks() {
    let test = TestApp::new().await;
    let lines = Lines::default();
    let logging = tracing::subscriber::set_default(subscriber(Format::Json, lines.clone()));
    let new = Some(json!({"url": "https://canary.invalid/hook?key=canary"}));
    let made = test.operator(Method::POST, "/v1/webhooks", new).await.expect(201);
    let (id, secret) = (made.text("id"), made.text("secret"));
    let path = format!("/v1/webhooks/{id}");
    let rotated = test.operator(Method::POST, &format!("{path}/rotate"), None).await.expect(200);
    test.user("canary").await;
    let pause = async |paused: bool| {
        let body = Some(json!({"paused": paused}));
        test.operator(Method::PATCH, &path, body).await.expect(200);
    };
    let app = &test.app;
    let sender = Sender::new(Reach::Internet).unwrap();
    let (store, secrets, clock) = (app.store.clone(), Arc::clone(&app.secrets), app.clock.clone());
    let deliverer = Deliverer::new(store, secrets, clock, sender);
    let deliver = async || {
        publish(&app.store, &app.clock, Lane::all()).await.unwrap();
        deliverer.deliver_due(Run::within(Duration::from_mins(1))).await;
    };
    // Once it fails; then its next event is not kept any more.
    deliver().await;
    pause(true).await;
    test.clock.advance(Duration::from_hours(24 * 91));
    test.user("canary2").await;
    pause(false).await;
    deliver().await;
    deliver().await;
    drop(logging);
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!written.contains("canary") && !written.contains("whsec_"), "{written}");
    for secret in [secret, rotated.text("secret")] {
        assert!(!written.contains(secret.strip_prefix("whsec_").unwrap()), "{written}");
    }
    let logged = parsed(&lines);
    let errors: Vec<&Value> = logged.iter().filter(|line| line["level"] == "ERROR").collect();
    let [error] = errors.as_slice() else { unreachable!("{written}") };
    assert_eq!((&error["webhook"], &error["reason"]), (&json!(id), &json!("expired")));
}
