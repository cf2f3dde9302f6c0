//! What the functions' roles allow, in broad strokes. What each function really does is compared with
//! its role by the acceptance suite `lambda_runtime`.

use std::collections::BTreeSet;

use super::{functions, template};
use crate::tidy::{files, text};

#[test]
fn each_function_has_a_role_of_its_own_without_wildcards() {
    let template = template();
    let mut roles = BTreeSet::new();
    for (binary, function) in functions(&template) {
        let role = function["Properties"]["Role"]["!GetAtt"].as_str().unwrap();
        let name = role.strip_suffix(".Arn").unwrap();
        assert!(roles.insert(name.to_owned()), "{binary} shares {name}");
        let role = &template["Resources"][name]["Properties"];
        assert!(role.get("ManagedPolicyArns").is_none(), "{name}");
        for policy in role["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                assert!(!statement["Action"].to_string().contains('*'), "{statement}");
                assert_ne!(statement["Resource"], "*", "{statement}");
            }
        }
    }
}

/// The SDK calls that the code makes, each with the IAM action that it needs. A transaction needs
/// the actions of what is in it.
const CALLS: [(&str, &str); 13] = [
    (".get_item()", "dynamodb:GetItem"),
    (".batch_get_item()", "dynamodb:BatchGetItem"),
    (".query()", "dynamodb:Query"),
    (".scan()", "dynamodb:Scan"),
    (".batch_write_item()", "dynamodb:BatchWriteItem"),
    ("Put::builder()", "dynamodb:PutItem"),
    ("Update::builder()", "dynamodb:UpdateItem"),
    ("Delete::builder()", "dynamodb:DeleteItem"),
    ("ConditionCheck::builder()", "dynamodb:ConditionCheckItem"),
    (".get_secret_value()", "secretsmanager:GetSecretValue"),
    (".put_secret_value()", "secretsmanager:PutSecretValue"),
    (".create_secret()", "secretsmanager:CreateSecret"),
    (".delete_secret()", "secretsmanager:DeleteSecret"),
];

#[test]
fn the_roles_have_the_permissions_that_the_code_needs_and_no_other() {
    let mut sources = files("shared/src/store");
    // On AWS the template makes the table.
    sources.retain(|file| !file.ends_with("table.rs"));
    sources.push("shared/src/secrets.rs".into());
    let code: String = sources.iter().filter_map(|file| text(file)).collect();
    let calls = CALLS.iter().filter(|(call, _)| code.contains(call));
    let needed: BTreeSet<&str> = calls.map(|(_, action)| *action).collect();

    let template = template();
    let mut allowed = BTreeSet::new();
    for role in ["ScimRole", "AdminRole"] {
        let policies = template["Resources"][role]["Properties"]["Policies"].to_string();
        let services = ["dynamodb:", "secretsmanager:"];
        let actions =
            policies.split('"').filter(|text| services.iter().any(|s| text.starts_with(s)));
        allowed.extend(actions.map(str::to_owned));
    }
    assert_eq!(allowed.iter().map(String::as_str).collect::<BTreeSet<_>>(), needed);
}

#[test]
fn only_the_operator_api_may_change_token_secrets() {
    let template = template();
    let may_write = |role: &str| {
        let policies = template["Resources"][role]["Properties"]["Policies"].to_string();
        policies.contains("PutSecretValue") || policies.contains("CreateSecret")
    };
    assert!(may_write("AdminRole"));
    assert!(!may_write("ScimRole"));
    assert!(!may_write("SamlAcsRole"));
    assert!(!may_write("SamlMetadataRole"));
    let metadata = template["Resources"]["SamlMetadataRole"]["Properties"]["Policies"].to_string();
    assert!(!metadata.contains("PutItem") && !metadata.contains("UpdateItem"), "{metadata}");
    // It makes its signing keys at first need, and can overwrite nothing.
    let oidc = template["Resources"]["OidcRole"]["Properties"]["Policies"].to_string();
    assert!(!oidc.contains("PutSecretValue") && !oidc.contains("/scim/"), "{oidc}");
}
