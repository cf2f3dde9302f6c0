//! `gatehouse connections`, `keys`, `clients` and `webhooks`.

use axum::http::Method;
use harness::TestApp;
use harness::dns::{DnsAnswer, DnsServer};
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};

use crate::deployment::{Deployment, directory};

async fn connected() -> Deployment {
    Deployment::of(TestApp::with_connection(json!({"keep_claims": true})).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_one_option_keeps_the_domains_that_a_connection_speaks_for() {
    let deployment = connected().await;
    let test = &deployment.test;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let members = json!({"https://idp.example/saml": ["acme.org"]});
    let body = json!({"domains": ["acme.net", "acme.org"], "member_domains": members});
    let before = test.operator(Method::PUT, &path, Some(body)).await.expect(200).json();
    let after = deployment.run("connections set Acme acme.com --jit --json", 0).await.json();
    assert_eq!(after["jit"], true);
    for name in ["domains", "member_domains"] {
        assert_eq!(after[name], before[name]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_domains_of_a_connection_are_set_shown_and_cleared() {
    let deployment = connected().await;
    let set = async |options: &str| {
        deployment.run(&format!("connections set Acme acme.com {options} --json"), 0).await.json()
    };
    let names = |connection: &Value| -> Vec<Value> {
        let listed = connection["domains"].as_array().unwrap().iter();
        listed.map(|listed| listed["domain"].clone()).collect()
    };
    let listed = set("--domain acme.com --domain acme.de").await;
    assert_eq!(names(&listed), ["acme.com", "acme.de"]);
    let shown = deployment.run("connections show Acme acme.com", 0).await;
    assert_eq!(shown.field("Speaks for"), "acme.com (verified)");
    assert!(shown.out.contains("acme.de (not claimed)"), "{}", shown.out);
    assert_eq!(names(&set("--domain acme.net").await), ["acme.net"]);
    assert_eq!(names(&set("--no-domains").await), ["acme.com"]);

    let a = "https://idp.example/saml?a=b";
    let members = format!(
        "--member-domain {a}=acme.com --member-domain {a}=acme.de --member-domain urn:b=acme.net"
    );
    let members = set(&members).await;
    assert_eq!(
        members["member_domains"],
        json!({a: ["acme.com", "acme.de"], "urn:b": ["acme.net"]})
    );
    let shown = deployment.run("connections show Acme acme.com", 0).await;
    assert_eq!(shown.field("Members' domains"), format!("{a}: acme.com, acme.de"));
    assert_eq!(set("--jit").await["member_domains"], members["member_domains"]);
    assert_eq!(set("--no-member-domains").await["member_domains"], json!({}));

    let bad = deployment.run("connections set Acme acme.com --domain no_domain", 1).await;
    assert!(bad.err.contains("not a DNS name"), "{}", bad.err);
    for wrong in ["--member-domain acme.com", "--domain acme.com --no-domains"] {
        deployment.run(&format!("connections set Acme acme.com {wrong}"), 2).await;
    }
    let help = deployment.run("connections set --help", 0).await;
    assert!(help.out.contains("--domain <DOMAIN>"), "{}", help.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_refreshes_shows_the_domains_that_it_checked() {
    let dns = DnsServer::start().await;
    let address = dns.address();
    let deployment = Deployment::of(TestApp::with(|config| config.dns = Some(address)).await).await;
    // DNS says of one that there is no record, and of the other nothing.
    dns.set("_gatehouse.acme.net", DnsAnswer::Fails);
    for name in ["acme.org", "acme.net"] {
        deployment.run(&format!("domains add Acme {name}"), 0).await;
    }
    let round = deployment.run("connections refresh-all", 1).await;
    assert!(round.out.contains("checked     acme.org\n"), "{}", round.out);
    assert!(round.out.contains("unchecked   acme.net: "), "{}", round.out);
    let round = deployment.run("connections refresh-all --json", 1).await.json();
    assert_eq!(round["checked_domains"], json!([]));
    assert_eq!(round["unchecked_domains"][0]["domain"], "acme.net");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_created_in_two_steps_and_keeps_its_settings() {
    let deployment = connected().await;
    let begun = deployment.run("connections set Acme other.com --jit", 0).await;
    assert_eq!(begun.field("Status"), "waiting_for_metadata");
    assert_eq!(begun.field("Our ACS URL"), "https://sp.example/saml/sso/other.com");
    assert!(begun.err.contains("--metadata-url"), "{}", begun.err);

    let file = directory("connections").join("idp.xml");
    std::fs::write(&file, metadata::usual("https://idp.example/other")).unwrap();
    let file = file.to_str().unwrap();
    let set =
        format!("connections set Acme other.com --metadata-file {file} --clock-skew-seconds 60");
    let ready = deployment.run(&set, 0).await;
    assert_eq!(ready.field("Status"), "ready");
    assert_eq!(ready.field("Creates users"), "yes");
    assert!(ready.err.contains("connections test"), "{}", ready.err);

    let xml = metadata::usual(IDP);
    let piped = "connections set Acme other.com --metadata-file - --jit=false --request-binding post --json";
    let piped = deployment.run_with(piped, &xml, 0).await.json();
    assert_eq!(piped["idp"]["sso_url"], "https://idp.example/sso/post");
    assert_eq!((&piped["jit"], &piped["clock_skew_seconds"]), (&json!(false), &json!(60)));

    let off = "connections set Acme other.com --enabled=false --keep-claims --sign-requests --allow-idp-initiated --json";
    let off = deployment.run(off, 0).await.json();
    assert_eq!((&off["status"], &off["keep_claims"]), (&json!("disabled"), &json!(true)));
    let required = "connections set Acme other.com --require-signed both --require-email \
                    --authn-context urn:a --authn-context urn:b --json";
    let required = deployment.run(required, 0).await.json();
    assert_eq!(
        (&required["require_signed"], &required["require_email"]),
        (&json!("both"), &json!(true))
    );
    assert_eq!(required["authn_contexts"], json!(["urn:a", "urn:b"]));
    let kept = deployment.run("connections set Acme other.com --jit", 0).await;
    assert_eq!(kept.field("Required signature"), "both");
    assert_eq!(kept.field("Authn contexts"), "urn:a");
    let any =
        deployment.run("connections set Acme other.com --authn-context any --json", 0).await.json();
    assert_eq!((&any["authn_contexts"], &any["require_signed"]), (&json!([]), &json!("both")));
    let made = "clients create Docs --redirect-uri https://docs.example/cb \
                --initiate-login-uri https://docs.example/login --json";
    let made = deployment.run(made, 0).await.json();
    let app = made["client_id"].as_str().unwrap();
    let set = format!("connections set Acme other.com --default-app {app}");
    assert_eq!(deployment.run(&set, 0).await.field("Default app"), app);
    let kept = deployment.run("connections set Acme other.com --jit --json", 0).await.json();
    assert_eq!(kept["default_app"], app);
    let none = "connections set Acme other.com --no-default-app --json";
    assert_eq!(deployment.run(none, 0).await.json()["default_app"], json!(null));
    let bad = deployment.run("connections set Acme other.com --default-app docs", 1).await;
    assert!(bad.err.contains("no app"), "{}", bad.err);
    let bad = deployment.run("connections set Acme other.com --authn-context mfa", 1).await;
    assert!(bad.err.contains("absolute URI"), "{}", bad.err);
    let other = metadata::usual("https://other.example/saml");
    let federation = metadata::federation(&format!("{}{other}", metadata::usual(IDP)));
    let set = "connections set Acme other.com --metadata-file -";
    let federated = deployment.run_with(set, &federation, 0).await;
    assert_eq!(federated.field("Provider"), "federation of 2");
    let acs = "https://sp.example/saml/sso/other.com/federated";
    assert_eq!(federated.field("Our ACS URL"), acs);
    let bad = deployment.run("connections set Acme other.com --clock-skew-seconds 9", 1).await;
    assert!(bad.err.contains("60 to 300"), "{}", bad.err);
    let bad =
        deployment.run("connections set Acme other.com --metadata-url https://10.0.0.1/", 1).await;
    assert!(bad.err.contains("cannot be read"), "{}", bad.err);
    let gone = deployment.run("connections set Acme other.com --metadata-file gone.xml", 1).await;
    assert!(gone.err.contains("gone.xml"), "{}", gone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_listed_shown_tested_refreshed_and_deleted() {
    let deployment = connected().await;
    let (text, json) = deployment.both("connections list Acme").await;
    assert!(text.contains("acme.com  ready") && text.contains(IDP), "{text}");
    assert_eq!(json["items"][0]["idp"]["entity_id"], IDP);
    let (text, json) = deployment.both("connections show Acme acme.com").await;
    assert!(text.contains("RSA 2048, expires") && text.contains("Keeps claims"), "{text}");
    assert_eq!(json["keep_claims"], true);

    let (text, json) = deployment.both("connections test Acme acme.com").await;
    assert!(text.contains("https://sp.example/saml/sso/acme.com/test/_"), "{text}");
    assert!(json["url"].as_str().unwrap().contains("/test/"));

    let refused = deployment.run("connections refresh Acme acme.com", 1).await;
    assert!(refused.err.contains("no metadata URL"), "{}", refused.err);
    let (text, json) = deployment.both("connections refresh-all").await;
    assert_eq!(text, "No metadata is older than twelve hours, and no domain is due.\n");
    let names = ["refreshed", "failed", "checked_domains", "unchecked_domains"];
    for name in names {
        assert_eq!(json[name], json!([]), "{name}");
    }
    assert_eq!(json.as_object().unwrap().len(), names.len());

    assert!(deployment.run("connections delete Acme acme.com", 2).await.err.contains("--yes"));
    deployment.run("connections delete Acme acme.com --yes", 0).await;
    deployment.run("connections show Acme acme.com", 4).await;
    deployment.run("connections delete Acme acme.com --yes --json", 4).await;
    let (text, _) = deployment.both("connections list Acme").await;
    assert!(text.starts_with("No connections"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_and_rotated_step_by_step() {
    let deployment = connected().await;
    let (text, json) = deployment.both("keys show").await;
    assert!(text.contains("signing     current") && text.contains("encryption  current"), "{text}");
    assert!(!text.contains("PRIVATE") && !json.to_string().contains("PRIVATE"));
    let published = deployment.run("keys rotate saml", 0).await;
    assert!(published.out.contains("next"), "{}", published.out);
    assert!(published.err.contains("run this command again"), "{}", published.err);
    let early = deployment.run("keys rotate saml --json", 1).await;
    assert!(early.err.contains("wait five minutes"), "{}", early.err);
    deployment.test.clock.advance(std::time::Duration::from_mins(6));
    let done = deployment.run("keys rotate saml", 0).await;
    assert!(done.err.contains("now active"), "{}", done.err);

    let rotated = deployment.run("keys rotate oidc", 0).await;
    assert!(rotated.out.contains("current"), "{}", rotated.out);
    let soon = deployment.run("keys rotate oidc --json", 1).await;
    assert_eq!(soon.out, "");
    deployment.test.clock.advance(std::time::Duration::from_hours(25));
    assert!(deployment.run("keys rotate oidc --json", 0).await.json().is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_registered_shown_changed_and_deleted() {
    let deployment = Deployment::new().await;
    let create = "clients create Diagrams --redirect-uri https://app.example.com/a --redirect-uri https://app.example.com/b";
    let made = deployment.run(create, 0).await;
    let (id, secret) = (made.field("Client id").to_owned(), made.field("Secret").to_owned());
    assert!(secret.starts_with("gh_app_") && !made.err.contains(&secret));
    assert_eq!(made.field("Issuer"), "https://gatehouse.example");
    let public = "clients create Phone --redirect-uri https://phone.example.com/ --public --json";
    let public = deployment.run(public, 0).await;
    assert!(public.json().get("client_secret").is_none() && public.err.is_empty());
    let native = "clients create Native --public --redirect-uri com.example.app:/callback --redirect-uri http://127.0.0.1/callback --post-logout-redirect-uri com.example.app:/bye --web-origin http://localhost:5173 --json";
    let native = deployment.run(native, 0).await.json();
    assert_eq!(
        native["redirect_uris"],
        json!(["http://127.0.0.1/callback", "com.example.app:/callback"])
    );
    assert_eq!(native["post_logout_redirect_uris"], json!(["com.example.app:/bye"]));
    assert_eq!(native["web_origins"], json!(["http://localhost:5173"]));
    let native = native["client_id"].as_str().unwrap();
    let update = format!("clients update {native} --no-post-logout-redirect-uris --no-web-origins");
    let cleared = deployment.run(&update, 0).await;
    assert_eq!((cleared.field("Sign-out URIs"), cleared.field("Web origins")), ("–", "–"));
    let secret_uri = "clients create Bad --redirect-uri com.example.app:/callback";
    let refused = deployment.run(secret_uri, 1).await;
    assert!(refused.err.contains("for a public app only"), "{}", refused.err);
    for list in ["clients list".to_owned(), format!("clients show {id}")] {
        let (text, json) = deployment.both(&list).await;
        assert!(text.contains(&id) && !text.contains(&secret), "{text}");
        assert!(!json.to_string().contains(&secret), "{json}");
    }
    let update = format!(
        "clients update {id} --name Drawings --redirect-uri https://app.example.com/c --initiate-login-uri https://app.example.com/login --pkce optional --json"
    );
    let changed = deployment.run(&update, 0).await.json();
    assert_eq!(changed["redirect_uris"], json!(["https://app.example.com/c"]));
    assert_eq!(changed["pkce"], "optional");
    let cleared = deployment.run(&format!("clients update {id} --no-initiate-login-uri"), 0).await;
    assert_eq!(cleared.field("Login URI"), "–");
    deployment.run(&format!("clients update {id}"), 2).await;
    let bad = deployment.run("clients create Bad --redirect-uri http://app.example.com/", 1).await;
    assert!(bad.err.contains("redirect_uris"), "{}", bad.err);
    assert!(deployment.run(&format!("clients delete {id}"), 2).await.err.contains("Drawings"));
    deployment.run(&format!("clients delete {id} --yes"), 0).await;
    deployment.run(&format!("clients show {id} --json"), 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_created_shown_changed_tested_and_deleted() {
    let deployment = Deployment::new().await;
    // No name resolves below this domain (RFC 2606).
    let create = "webhooks create https://app.invalid/hook --type user.deleted";
    let made = deployment.run(create, 0).await;
    let (id, secret) = (made.field("Webhook").to_owned(), made.field("Secret").to_owned());
    assert!(secret.starts_with("whsec_") && !made.err.contains(&secret));
    let (text, json) = deployment.both("webhooks list").await;
    assert!(text.contains(&id) && text.contains("active"), "{text}");
    assert!(!text.contains("whsec_") && !json.to_string().contains("whsec_"), "{json}");
    let update = format!("webhooks update {id} --pause --all-types --json");
    let paused = deployment.run(&update, 0).await.json();
    assert_eq!((&paused["status"], &paused["types"]), (&json!("paused"), &json!(null)));
    let resumed = deployment.run(&format!("webhooks update {id} --resume"), 0).await;
    assert_eq!(resumed.field("Status"), "active");
    deployment.run(&format!("webhooks update {id}"), 2).await;
    let rotated = deployment.run(&format!("webhooks rotate {id}"), 0).await;
    assert!(rotated.field("Secret").starts_with("whsec_"));
    deployment.run(&format!("webhooks rotate {id}"), 1).await;
    let tested = deployment.run(&format!("webhooks test {id}"), 1).await;
    assert_eq!((tested.field("Accepted"), tested.field("Answer")), ("no", "unreachable"));
    let (text, _) = deployment.both(&format!("webhooks deliveries {id}")).await;
    assert!(text.contains("No attempts"), "{text}");
    let bad = deployment.run("webhooks create http://app.invalid/hook", 1).await;
    assert!(bad.err.contains("https"), "{}", bad.err);
    assert!(deployment.run(&format!("webhooks delete {id}"), 2).await.err.contains("app.invalid"));
    deployment.run(&format!("webhooks delete {id} --yes"), 0).await;
    deployment.run(&format!("webhooks test {id} --json"), 4).await;
}
