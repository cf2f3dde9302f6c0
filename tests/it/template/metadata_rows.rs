//! Checks the rows that the function `saml-metadata` can read. The function is public, so its role
//! allows only the rows of its requests and of its start: no user, code or token.

use std::collections::BTreeSet;

use harness::TestApp;
use harness::browser::Browser;
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::json;
use shared::runtime::warm_up::{saml_keys, warm_up};
use shared::saml_api::metadata_router;
use shared::secrets::SecretName;

use super::template;

/// Patterns of the partition keys in the condition of the role.
const PATTERNS: [&str; 3] = ["DOM#*", "*#T", "NOTHING"];

#[test]
fn the_role_allows_only_these_partitions() {
    let template = template();
    let policies = &template["Resources"]["SamlMetadataRole"]["Properties"]["Policies"];
    let statements = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let of_table = statements.iter().filter(|s| s["Action"].to_string().contains("dynamodb:"));
    let [statement] = of_table.collect::<Vec<_>>().try_into().unwrap();
    // The condition limits only actions that name the key of a row, such as this one.
    assert_eq!(statement["Action"], json!(["dynamodb:GetItem"]));
    let condition = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": PATTERNS}});
    assert_eq!(statement["Condition"], condition);
}

/// Matches like IAM's `StringLike`, for patterns with a star at one end.
fn matches(pattern: &str, key: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(prefix), _) => key.starts_with(prefix),
        (None, Some(suffix)) => key.ends_with(suffix),
        (None, None) => key == pattern,
    }
}

#[tokio::test]
async fn the_function_reads_exactly_these_partitions() {
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(calls.clone()), |_| {}).await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({})).await.expect(200);
    calls.take();

    // A new process, with empty caches.
    let fresh = test.with_config(test.app.config.clone());
    warm_up(&fresh, saml_keys(fresh.clone())).await;
    let function = test.beside(metadata_router(fresh));
    let answers =
        [("acme.com", 200), ("acme.com?naming=oid&signed=1", 200), ("other.example", 200)];
    for (of, status) in answers {
        let path = format!("/saml/metadata/{of}");
        Browser::default().get(&function, &path).await.expect(status);
    }
    test.app.secrets.delete(SecretName::SamlKeys).await.unwrap();
    let without_keys = test.beside(metadata_router(test.with_config(test.app.config.clone())));
    Browser::default().get(&without_keys, "/saml/metadata/acme.com").await.expect(503);

    let calls = calls.take();
    let mut used = BTreeSet::new();
    for call in &calls {
        assert_eq!(call.operation, "GetItem");
        let partition = call.partition.as_deref().unwrap();
        let pattern = PATTERNS.iter().find(|pattern| matches(pattern, partition));
        used.insert(*pattern.unwrap_or_else(|| panic!("the role does not allow {partition}")));
    }
    assert_eq!(used, PATTERNS.into());
}
