//! `gatehouse sign-ins` and `explain`.

use std::io::{BufRead as _, BufReader};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{Browser, draft};
use harness::saml::draft::conditions;
use serde_json::{Value, json};

use crate::deployment::{Deployment, directory};

async fn connected(settings: Value) -> Deployment {
    Deployment::of(TestApp::with_connection(settings).await).await
}

/// Signs in once successfully and once with a wrong audience. Returns the reference of the failure.
async fn one_of_each(deployment: &Deployment) -> String {
    sign_in(deployment, true).await;
    sign_in(deployment, false).await;
    deployment.test.sign_ins().await[0]["reference"].as_str().unwrap().to_owned()
}

async fn sign_in(deployment: &Deployment, good: bool) {
    let mut browser = Browser::default();
    let request = browser.begin(&deployment.test, "/saml/sso/acme.com").await;
    let mut response = draft(Some(&request));
    if !good {
        response.conditions = conditions(None, None, &[&["https://other.example"]]);
    }
    let status = if good { 200 } else { 403 };
    browser.respond(&deployment.test, &response.response()).await.expect(status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_is_found_by_its_reference() {
    let deployment = connected(json!({"jit": true})).await;
    let reference = one_of_each(&deployment).await;
    let (text, json) = deployment.both("sign-ins list Acme").await;
    assert!(text.contains("saml.audience") && text.contains("signed in"), "{text}");
    assert_eq!(json["items"].as_array().unwrap().len(), 2);
    let (text, json) = deployment.both("sign-ins list Acme --failed --all").await;
    assert!(!text.contains("signed in"), "{text}");
    assert_eq!(json["items"].as_array().unwrap().len(), 1);
    let (text, json) = deployment.both("sign-ins list Acme --succeeded").await;
    assert!(!text.contains("saml.audience"), "{text}");
    let user = json["items"][0]["user"].as_str().unwrap();
    let (_, of_user) = deployment.both(&format!("sign-ins list Acme --user {user}")).await;
    assert_eq!(of_user["items"], json["items"]);
    let (text, _) = deployment.both("sign-ins list Acme --code saml.audience").await;
    assert!(text.contains(&reference) && !text.contains("signed in"), "{text}");
    let none = deployment.run("sign-ins list Acme --code saml.time", 0).await;
    assert_eq!(none.out, "No such sign-ins.\n");
    deployment.run("sign-ins list Acme --failed --succeeded", 2).await;

    let spoken = reference.to_lowercase().replace('-', " ").replace(' ', "");
    for name in [reference.as_str(), &spoken] {
        let (text, json) = deployment.both(&format!("sign-ins show Acme {name}")).await;
        assert!(text.contains("Action by   idp_admin"), "{text}");
        assert!(text.contains("expected: https://sp.example/saml/metadata/acme.com"), "{text}");
        assert!(text.contains("received: https://other.example"), "{text}");
        assert_eq!(json["checks"].as_array().unwrap().len(), 25);
    }
    let id = deployment.test.sign_ins().await[1]["id"].as_str().unwrap().to_owned();
    let (text, _) = deployment.both(&format!("sign-ins show Acme {id}")).await;
    assert!(text.contains("Result      signed in"), "{text}");
    let unknown = deployment.run("sign-ins show Acme 0000-0000", 4).await;
    assert!(unknown.err.contains("within the last week"), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_past_and_then_new_sign_ins() {
    let deployment = connected(json!({"jit": true})).await;
    one_of_each(&deployment).await;
    let words = ["sign-ins", "tail", "Acme", "--failed", "--every", "1", "--json"];
    let mut child = deployment.command(&words).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let next = |lines: &mut std::io::Lines<_>| -> Value {
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
    };
    let past = tokio::task::block_in_place(|| next(&mut lines));
    assert_eq!(past["code"], "saml.audience");
    sign_in(&deployment, true).await;
    sign_in(&deployment, false).await;
    let new = tokio::task::block_in_place(|| next(&mut lines));
    assert_eq!(new["id"], deployment.test.sign_ins().await[0]["id"]);
    child.kill().unwrap();
    child.wait().unwrap();

    let words = ["sign-ins", "tail", "Acme", "--last", "1"];
    let mut child = deployment.command(&words).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::task::block_in_place(|| lines.next().unwrap().unwrap());
    assert!(line.contains("acme.com  saml.audience: "), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explained_response_can_still_be_used() {
    let deployment = connected(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&deployment.test, "/saml/sso/acme.com").await;
    let response = draft(Some(&request)).response();
    let file = directory("explain").join("response.xml");
    std::fs::write(&file, &response).unwrap();
    let explain = format!("explain Acme acme.com {}", file.display());
    for _ in 0..2 {
        let (text, json) = deployment.both(&explain).await;
        assert!(text.starts_with("The response would be accepted"), "{text}");
        assert_eq!((&json["accepted"], &json["code"]), (&json!(true), &json!(null)));
        // Checks that need the browser are not reported as passed.
        let outcome = |id: &str| {
            let checks = json["checks"].as_array().unwrap();
            checks.iter().find(|check| check["id"] == id).unwrap()["outcome"].clone()
        };
        assert_eq!(outcome("saml.inresponseto"), "warning");
        assert_eq!(outcome("saml.replay"), "not_reached");
        assert_eq!(outcome("user.state"), "passed");
        assert!(!json.to_string().contains("ada@acme.com"), "{json}");
    }
    assert_eq!(deployment.test.get("/Users").await.json()["totalResults"], 0);
    assert_eq!(deployment.test.sign_ins().await.len(), 0);
    browser.respond(&deployment.test, &response).await.expect(200);
    deployment.both(&explain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_lists_every_failed_check() {
    let deployment = connected(json!({"keep_claims": true})).await;
    let mut response = draft(Some("_1"));
    response.conditions = conditions(None, None, &[&["https://other.example"]]);
    response.destination = Some("https://other.example/acs".to_owned());
    let field = BASE64_STANDARD.encode(response.response());
    let outcome = deployment.run_with("explain Acme acme.com", &field, 1).await;
    assert!(outcome.out.contains("Refused    saml.dest"), "{}", outcome.out);
    for part in ["received: https://other.example/acs", "received: https://other.example\n"] {
        assert!(outcome.out.contains(part), "{}", outcome.out);
    }
    let json = deployment.run_with("explain Acme acme.com --json", &field, 1).await.json();
    assert_eq!((&json["accepted"], &json["actor"]), (&json!(false), &json!("idp_admin")));

    // The user is unknown, and just-in-time creation is off.
    let field = BASE64_STANDARD.encode(draft(Some("_1")).response());
    let json = deployment.run_with("explain Acme acme.com --json", &field, 1).await.json();
    assert_eq!(json["code"], "user.state");
    assert_eq!(json["claims"]["subject"]["value"], "ada@acme.com");

    // The response has expired a day later, but not as of its arrival.
    deployment.test.clock.advance(std::time::Duration::from_hours(24));
    deployment.test.user("ada@acme.com").await;
    let json = deployment.run_with("explain Acme acme.com --json", &field, 1).await.json();
    assert_eq!(json["code"], "saml.time");
    let then = "explain Acme acme.com --at 2026-11-21T12:00:00Z";
    deployment.run_with(then, &field, 0).await;

    for (input, code) in [("%%%", "saml.form"), ("<html/>", "saml.xml")] {
        let json = deployment.run_with("explain Acme acme.com --json", input, 1).await.json();
        assert_eq!(json["code"], code, "{input}");
    }
    deployment.run("connections set Acme acme.com --enabled=false", 0).await;
    let json = deployment.run_with("explain Acme acme.com --json", &field, 1).await.json();
    assert_eq!(json["code"], "saml.connection");
    deployment.run_with("explain Acme other.com", &field, 4).await;
    deployment.run_with("explain Acme acme.com", " \n", 2).await;
}
