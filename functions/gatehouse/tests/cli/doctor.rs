//! `gatehouse doctor` against deployments with and without problems.

use axum::Router;
use harness::TestApp;
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::deployment::{Deployment, serve};

/// Returns level and message of the findings about something.
fn about<'a>(document: &'a Value, name: &str) -> Vec<(&'a str, &'a str)> {
    let findings = document["findings"].as_array().unwrap().iter();
    let named = findings.filter(|finding| finding["about"].as_str().unwrap().starts_with(name));
    named
        .map(|finding| (finding["level"].as_str().unwrap(), finding["message"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_without_problems_has_only_ok_findings() {
    let deployment = Deployment::today().await;
    let outcome = deployment.run("doctor", 0).await;
    assert!(outcome.out.ends_with("6 ok, 0 warnings, 0 failed\n"), "{}", outcome.out);
    assert!(
        outcome.out.contains("ok    Acme: no problems with 1 token and 0 connections"),
        "{}",
        outcome.out
    );
    let json = deployment.run("doctor --tenant Acme --json", 0).await.json();
    assert_eq!((&json["ok"], &json["warn"], &json["fail"]), (&json!(6), &json!(0), &json!(0)));
    assert_eq!(
        about(&json, "OpenID"),
        [("ok", format!("the issuer is {}", deployment.url).as_str())]
    );
    deployment.run("doctor --tenant Nobody", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_reported_with_advice() {
    let deployment = Deployment::today().await;
    deployment.run("tokens create Acme --days 9", 0).await;
    deployment.run("seats set Acme --seats 0", 0).await;
    deployment.run("connections set Acme acme.com", 0).await;
    deployment.test.connect("other.com", &metadata::usual(IDP), json!({})).await.expect(200);
    let json = deployment.run("doctor --json", 0).await.json();
    let acme = about(&json, "Acme");
    assert!(acme.iter().all(|(level, _)| *level == "warn"), "{acme:?}");
    let has = |part: &str| acme.iter().any(|(_, message)| message.contains(part));
    for part in [
        "the SCIM token that ends in",
        "0 of 0 seats are used",
        "the metadata of the identity provider is missing",
        "no sign-ins",
    ] {
        assert!(has(part), "{part}: {acme:?}");
    }
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!(finding["level"] == "ok", finding["next"].is_null(), "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_is_reported_once_the_newer_one_is_used_instead() {
    let deployment = Deployment::today().await;
    let test = &deployment.test;
    test.get("/Users").await.expect(200);
    let made = deployment.run("tokens create Acme", 0).await;
    let about_acme = async || {
        let json = deployment.run("doctor --tenant Acme --json", 0).await.json();
        let found = about(&json, "Acme").into_iter().map(|(level, text)| format!("{level} {text}"));
        found.collect::<Vec<_>>()
    };
    let problems = about_acme().await;
    assert_eq!(problems, ["ok no problems with 2 tokens and 0 connections"]);

    test.clock.advance(std::time::Duration::from_mins(2));
    let token = made.field("Token");
    test.scim_as(token, axum::http::Method::GET, "/Users", None).await.expect(200);
    let [problem] = about_acme().await.try_into().unwrap();
    let last4 = &test.acme.token[test.acme.token.len() - 4..];
    let expected = format!("warn the SCIM token that ends in {last4} has not been used since");
    assert!(problem.starts_with(&expected), "{problem}");
    let (printed, json) = deployment.both("tokens list Acme").await;
    assert!(printed.lines().next().unwrap().ends_with("LAST USED             BY"), "{printed}");
    assert!(json["items"].as_array().unwrap().iter().all(|token| token["last_used_by"] == "other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_and_another_issuer_are_reported() {
    // Its clock is at the start of the year, and its base URL is not its address.
    let deployment = Deployment::of(TestApp::new().await).await;
    let outcome = deployment.run("doctor", 1).await;
    assert!(outcome.out.contains("fail  clock: this machine is"), "{}", outcome.out);
    assert!(
        outcome.out.contains("warn  OpenID discovery: the issuer is https://gatehouse.example")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_reported() {
    let deployment = Deployment::today().await;
    let mut command = deployment.command(&["doctor", "--json"]);
    command.env("GATEHOUSE_OPERATOR_KEY", "wrong");
    let outcome = crate::deployment::run(command, "").await;
    assert_eq!(outcome.code, 1);
    let json = outcome.json();
    let [(level, message)] = about(&json, "API")[..] else { panic!("{json}") };
    assert!(level == "fail" && message.contains("access denied (401)"), "{message}");
    assert_eq!(about(&json, "clock").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn public_documents_that_are_not_served_are_failures() {
    let test = TestApp::with_connection(json!({})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The operator API alone, without discovery and keys.
    serve(listener, Router::new().merge(harness::openapi::router(test.app.clone())));
    let deployment = Deployment { test, url };
    let json = deployment.run("doctor --json", 1).await.json();
    assert_eq!(about(&json, "OpenID")[0].0, "fail");
    let acme = about(&json, "Acme, acme.com");
    assert!(
        acme.iter().any(|(level, message)| *level == "fail" && message.contains("/saml/metadata/")),
        "{acme:?}"
    );
}
