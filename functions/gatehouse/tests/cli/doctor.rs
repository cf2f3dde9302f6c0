//! What doctor finds.

use axum::Router;
use harness::TestApp;
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::deployment::{Deployment, serve};

/// What a document of findings says about something.
fn about<'a>(document: &'a Value, name: &str) -> Vec<(&'a str, &'a str)> {
    let findings = document["findings"].as_array().unwrap().iter();
    let named = findings.filter(|finding| finding["about"].as_str().unwrap().starts_with(name));
    named
        .map(|finding| (finding["level"].as_str().unwrap(), finding["message"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_well_has_nothing_to_look_at() {
    let here = Deployment::today().await;
    let said = here.run("doctor", 0).await;
    assert!(said.out.ends_with("6 ok, 0 to look at, 0 failed\n"), "{}", said.out);
    assert!(said.out.contains("ok    Acme: 1 token live, 0 connections well"), "{}", said.out);
    let json = here.run("doctor --tenant Acme --json", 0).await.json();
    assert_eq!((&json["ok"], &json["warn"], &json["fail"]), (&json!(6), &json!(0), &json!(0)));
    assert_eq!(about(&json, "OpenID"), [("ok", format!("the issuer is {}", here.url).as_str())]);
    here.run("doctor --tenant Nobody", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_somebody_is_named_with_what_to_do() {
    let here = Deployment::today().await;
    here.run("tokens create Acme --days 9", 0).await;
    here.run("seats set Acme --seats 0", 0).await;
    here.run("connections set Acme acme.com", 0).await;
    here.test.connect("other.com", &metadata::usual(IDP), json!({})).await.expect(200);
    let json = here.run("doctor --json", 0).await.json();
    let acme = about(&json, "Acme");
    assert!(acme.iter().all(|(level, _)| *level == "warn"), "{acme:?}");
    let has = |part: &str| acme.iter().any(|(_, message)| message.contains(part));
    for part in [
        "the SCIM token that ends in",
        "0 of 0 licences are used",
        "waits for the provider's metadata",
        "nobody has signed in",
    ] {
        assert!(has(part), "{part}: {acme:?}");
    }
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!(finding["level"] == "ok", finding["next"].is_null(), "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_and_an_issuer_elsewhere_are_named() {
    // At the start of the year, and under another name.
    let here = Deployment::of(TestApp::new().await).await;
    let said = here.run("doctor", 1).await;
    assert!(said.out.contains("fail  clock: this machine is"), "{}", said.out);
    assert!(said.out.contains("warn  OpenID discovery: the issuer is https://gatehouse.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_lets_nobody_in_is_said_to() {
    let here = Deployment::today().await;
    let mut command = here.command(&["doctor", "--json"]);
    command.env("GATEHOUSE_OPERATOR_KEY", "wrong");
    let said = crate::deployment::run(command, "").await;
    assert_eq!(said.code, 1);
    let json = said.json();
    let [(level, message)] = about(&json, "API")[..] else { panic!("{json}") };
    assert!(level == "fail" && message.contains("not let in (401)"), "{message}");
    assert_eq!(about(&json, "clock").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn public_documents_that_are_not_served_are_failures() {
    let test = TestApp::with_connection(json!({})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The operator API alone: no discovery, no keys.
    serve(listener, Router::new().merge(harness::openapi::router(test.app.clone())));
    let here = Deployment { test, url };
    let json = here.run("doctor --json", 1).await.json();
    assert_eq!(about(&json, "OpenID")[0].0, "fail");
    let acme = about(&json, "Acme, acme.com");
    assert!(
        acme.iter().any(|(level, message)| *level == "fail" && message.contains("/saml/metadata/")),
        "{acme:?}"
    );
}
