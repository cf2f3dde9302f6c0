//! The warm-up of a function.

use std::collections::BTreeSet;

use harness::TestApp;
use local::dynamodb::{CallLog, Dynamo, Fault, Faults, client_over};
use shared::runtime::warm_up::{cursor_key, oidc_keys, saml_keys, warm_up};
use shared::secrets::SecretName;

#[tokio::test]
async fn a_warm_up_caches_the_secret() {
    let test = TestApp::new().await;
    let now = test.app.clock.now();
    warm_up(&test.app, cursor_key(test.app.clone())).await;
    test.app.secrets.delete(SecretName::CursorKey).await.unwrap();
    assert!(test.app.secrets.cached(SecretName::CursorKey, now).await.unwrap().is_some());

    let made = test.app.saml_keys.ensure(now).await.unwrap();
    let second = test.with_config(test.app.config.clone());
    warm_up(&second, saml_keys(second.clone())).await;
    second.secrets.delete(SecretName::SamlKeys).await.unwrap();
    let read = second.saml_keys.load(now).await.unwrap();
    assert_eq!(read.signing_certificate, made.signing_certificate);

    let made = test.app.oidc_keys.ensure(now).await.unwrap().kids();
    let third = test.with_config(test.app.config.clone());
    warm_up(&third, oidc_keys(third.clone())).await;
    third.secrets.delete(SecretName::OidcKeys).await.unwrap();
    assert_eq!(third.oidc_keys.ensure(now).await.unwrap().kids(), made);
}

#[tokio::test]
async fn a_warm_up_creates_no_secret() {
    let test = TestApp::new().await;
    let secrets = [SecretName::SamlKeys, SecretName::OidcKeys, SecretName::CursorKey];
    for secret in secrets {
        test.app.secrets.delete(secret).await.unwrap();
    }
    let app = &test.app;
    warm_up(app, saml_keys(app.clone())).await;
    warm_up(app, oidc_keys(app.clone())).await;
    warm_up(app, cursor_key(app.clone())).await;
    for secret in secrets {
        assert!(test.app.secrets.fetch(secret).await.unwrap().is_none(), "{secret:?}");
    }
}

#[tokio::test]
async fn a_warm_up_costs_one_cheap_read() {
    let dynamo = Dynamo::memory().unwrap();
    let calls = CallLog::over(dynamo.clone());
    let test = TestApp::over(client_over(calls.clone()), |_| {}).await;
    calls.take();
    warm_up(&test.app, cursor_key(test.app.clone())).await;
    let taken = calls.take();
    let operations: Vec<&str> = taken.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["GetItem"]);
    assert!(taken.iter().all(|call| call.read_units <= 0.5 && call.status == 200), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_warm_up_does_not_affect_requests() {
    let dynamo = Dynamo::memory().unwrap();
    let faults = Faults::over(dynamo.clone());
    let test = TestApp::over(client_over(faults.clone()), |_| {}).await;
    // As many times as the SDK tries.
    for nth in 1..=5 {
        faults.fail("GetItem", nth, Fault::InternalServerError);
    }
    test.app.secrets.put(SecretName::SamlKeys, &"not keys".to_owned().into()).await.unwrap();
    warm_up(&test.app, saml_keys(test.app.clone())).await;
    assert_eq!(faults.pending(), 0);
    test.get("/Users").await.expect(200);
}

/// The functions of `warm_up`, with a part of the secret's name in the roles of the template.
const READABLE: [(&str, &str); 3] =
    [("cursor_key", "CursorKey"), ("saml_keys", "/saml/keys"), ("oidc_keys", "/oidc/keys")];

#[test]
fn the_role_of_a_function_allows_its_warm_up() {
    let template = crate::template::template();
    let mut seen = BTreeSet::new();
    for (binary, function) in crate::template::functions(&template) {
        let main = crate::tidy::text(format!("functions/{binary}/src/main.rs").as_ref()).unwrap();
        let Some((_, secret)) = main.split_once("warm_up::") else { continue };
        let secret = secret.split(')').next().unwrap();
        let (_, name) = READABLE.iter().find(|(known, _)| *known == secret).unwrap();
        let role = function["Properties"]["Role"]["!GetAtt"].as_str().unwrap();
        let role = &template["Resources"][role.trim_end_matches(".Arn")]["Properties"];
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let allows = |action: &str, on: &str| {
            statements.iter().any(|statement| {
                statement["Action"].to_string().contains(action)
                    && statement["Resource"].to_string().contains(on)
            })
        };
        assert!(allows("secretsmanager:GetSecretValue", name), "{binary}: {secret}");
        assert!(allows("dynamodb:GetItem", "Table.Arn"), "{binary}");
        seen.insert(binary);
    }
    assert!(seen.contains("scim") && seen.contains("saml-acs"), "{seen:?}");
}
