//! How a person is authenticated: `acr` and `amr`, `acr_values`, and `login_hint` at the identity
//! provider.

use harness::TestApp;
use harness::browser::{Browser, Idp, draft, request_xml};
use harness::oidc::{App, GOOD, claims};
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const MFA: &str = "https://refeds.org/profile/mfa";

fn path(app: &App, rest: &str) -> String {
    format!("/oauth2/authorize?{}", app.query(rest))
}

async fn id_token(test: &TestApp, app: &App, code: &str) -> Value {
    let tokens = test.form_of(app, "/oauth2/token", &App::redemption(code)).await;
    claims(&tokens.expect(200).text("id_token"))
}

#[tokio::test]
async fn an_id_token_says_how_the_person_was_authenticated() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let long = format!("urn:{}", "x".repeat(300));
    for (class, acr, amr) in [
        (PASSWORD, json!(PASSWORD), json!(["pwd"])),
        (MFA, json!(MFA), json!(["mfa"])),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", Value::Null, Value::Null),
        ("urn:example:odd?x=1", json!("urn:example:odd?x=1"), Value::Null),
        (&long, Value::Null, Value::Null),
        ("not a uri", Value::Null, Value::Null),
    ] {
        let acr = if class.ends_with("unspecified") { json!(class) } else { acr };
        let mut browser = Browser::default();
        let answer = browser
            .sign_in(&test, &path(&app, GOOD), Idp::USUAL, |draft| {
                draft.authn = draft.authn.replace(PASSWORD, class);
            })
            .await
            .expect(303);
        let token = id_token(&test, &app, &answer.redirected("code").unwrap()).await;
        assert_eq!((&token["acr"], &token["amr"]), (&acr, &amr), "{class}");
        // The session of the browser remembers it.
        let answer = browser.get(&test, &path(&app, &format!("{GOOD}&prompt=none"))).await;
        let token = id_token(&test, &app, &answer.redirected("code").unwrap()).await;
        assert_eq!((&token["acr"], &token["amr"]), (&acr, &amr), "{class}");
    }
}

#[tokio::test]
async fn a_sign_in_that_began_at_the_provider_keeps_its_class() {
    let test = TestApp::with_connection(json!({"jit": true, "allow_idp_initiated": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let page = browser.respond(&test, &draft(None).response()).await.expect(200);
    let id = page.form_field("sign_in").unwrap();
    let agreed = browser.post(&test, "/saml/sso/acme.com/continue", &[("sign_in", &id)]).await;
    agreed.expect(303);
    let answer = browser.get(&test, &path(&app, &format!("{GOOD}&prompt=none"))).await;
    let token = id_token(&test, &app, &answer.redirected("code").unwrap()).await;
    assert_eq!((&token["acr"], &token["amr"]), (&json!(PASSWORD), &json!(["pwd"])));
}

#[tokio::test]
async fn the_classes_that_an_app_asks_for_are_requested_only_if_the_connection_allows_it() {
    for (settings, asked, expected) in [
        (json!({}), "https%3A%2F%2Frefeds.org%2Fprofile%2Fmfa", &[][..]),
        (json!({"forward_acr_values": true}), "", &[]),
        (json!({"forward_acr_values": true}), "https%3A%2F%2Frefeds.org%2Fprofile%2Fmfa", &[MFA]),
        (json!({"forward_acr_values": true}), "mfa+2+urn%3Aa", &["urn:a"]),
        (
            json!({"forward_acr_values": true, "authn_contexts": [MFA, "urn:a"]}),
            "urn%3Aa+urn%3Ab",
            &["urn:a"],
        ),
        (json!({"forward_acr_values": true, "authn_contexts": [MFA]}), "urn%3Ab", &[MFA]),
        (json!({"authn_contexts": [MFA]}), "urn%3Ab", &[MFA]),
    ] {
        let test = TestApp::with_connection(settings.clone()).await;
        let app = test.app(false).await;
        let rest = format!("{GOOD}&acr_values={asked}");
        let answer = Browser::default().get(&test, &path(&app, &rest)).await.expect(303);
        let xml = request_xml(&answer);
        let found: Vec<&str> = xml
            .split("AuthnContextClassRef>")
            .skip(1)
            .step_by(2)
            .map(|rest| rest.split('<').next().unwrap())
            .collect();
        assert_eq!(found, expected, "{settings} {asked}: {xml}");
    }
}

#[tokio::test]
async fn the_address_that_a_person_typed_is_passed_to_providers_that_read_it() {
    const ENTRA: &str = "https://login.microsoftonline.com/0199d3a0/saml2";
    let own = metadata::usual(IDP);
    let (_, location) = own.split_once("HTTP-Redirect\" Location=\"").unwrap();
    let usual = location.split('"').next().unwrap().to_owned();
    for (url, settings, hint, suffix) in [
        (ENTRA, json!({}), "ada%40acme.com", "login_hint=ada%40acme%2Ecom"),
        (ENTRA, json!({"sign_requests": true}), "ada%40acme.com", "login_hint=ada%40acme%2Ecom"),
        (
            "https://acme.okta.com/app/x/sso",
            json!({}),
            "ada%40acme.com",
            "LoginHint=ada%40acme%2Ecom",
        ),
        (ENTRA, json!({}), "ada%40rival.com", ""),
        (ENTRA, json!({}), "acme.com", ""),
        (ENTRA, json!({}), "ada%40acme.com%26x%3D1", ""),
        (usual.as_str(), json!({}), "ada%40acme.com", ""),
    ] {
        let test = TestApp::with_connection(json!({})).await;
        test.connect("acme.com", &own.replace(&usual, url), settings.clone()).await.expect(200);
        let app = test.app(false).await;
        let rest = format!("{GOOD}&login_hint={hint}");
        let answer = Browser::default().get(&test, &path(&app, &rest)).await.expect(303);
        let location = answer.header("location").unwrap();
        let separator = if url.contains('?') { '&' } else { '?' };
        let start = format!("{url}{separator}SAMLRequest=");
        assert!(location.starts_with(&start), "{location}");
        let (signed, hinted) = match suffix {
            "" => (location, None),
            suffix => (location.strip_suffix(&format!("&{suffix}")).unwrap(), Some(suffix)),
        };
        assert_eq!(hinted.is_none(), suffix.is_empty());
        assert!(!signed.contains("ogin_hint") && !signed.contains("LoginHint"), "{signed}");
        // The parameter follows the signature, and the message does not name it.
        assert_eq!(signed.contains("&Signature="), settings["sign_requests"] == true);
        assert!(request_xml(&answer).contains(&format!("Destination=\"{url}\"")));
    }
}

#[tokio::test]
async fn a_posted_request_has_the_address_in_its_action() {
    let own = metadata::usual(IDP);
    let (_, location) = own.split_once("HTTP-POST\" Location=\"").unwrap();
    let usual = location.split('"').next().unwrap().to_owned();
    let google = "https://accounts.google.com/o/saml2/idp?idpid=C0";
    let test = TestApp::with_connection(json!({})).await;
    let settings = json!({"request_binding": "post"});
    test.connect("acme.com", &own.replace(&usual, google), settings).await.expect(200);
    let app = test.app(false).await;
    let rest = format!("{GOOD}&login_hint=ada%40acme.com");
    let page = Browser::default().get(&test, &path(&app, &rest)).await.expect(200).body();
    let action = format!("action=\"{google}&#38;login_hint=ada%40acme%2Ecom\"");
    assert!(page.contains(&action), "{page}");
}
