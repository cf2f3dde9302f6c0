//! Checks the form of the roles: one for each function, no wildcards, only listed services. The
//! acceptance suite `lambda_runtime` compares the roles with the calls that the functions make.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{functions, resources, template};
use crate::tidy::{files, text};

/// Returns the managed policies of every function's role; a parameter enables each.
fn managed() -> Value {
    let none = json!({"!Ref": "AWS::NoValue"});
    json!([
        {"!If": ["HasCustomerKey", {"!Ref": "KeyUse"}, none]},
        {"!If": ["HasTracing", {"!Ref": "TraceUse"}, none]},
    ])
}

#[test]
fn each_function_has_its_own_role_without_wildcards() {
    let template = template();
    let mut roles = BTreeSet::new();
    for (binary, function) in functions(&template) {
        let role = function["Properties"]["Role"]["!GetAtt"].as_str().unwrap();
        let name = role.strip_suffix(".Arn").unwrap();
        assert!(roles.insert(name.to_owned()), "{binary} shares {name}");
        let role = &template["Resources"][name]["Properties"];
        assert_eq!(role["ManagedPolicyArns"], managed(), "{name}");
        for policy in role["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                assert!(!statement["Action"].to_string().contains('*'), "{statement}");
                assert_ne!(statement["Resource"], "*", "{statement}");
            }
        }
    }
}

/// The SDK calls of the code, each with the IAM action that it needs. A transaction needs the actions
/// of its items.
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
fn the_roles_have_exactly_the_permissions_that_the_code_needs() {
    let mut sources = files("shared/src/store");
    // On AWS the template creates the table.
    sources.retain(|file| !file.ends_with("table.rs"));
    sources.push("shared/src/secrets.rs".into());
    sources.extend(files("shared/src/secrets"));
    let code: String = sources.iter().filter_map(|file| text(file)).collect();
    let calls = CALLS.iter().filter(|(call, _)| code.contains(call));
    let needed: BTreeSet<&str> = calls.map(|(_, action)| *action).collect();

    let template = template();
    let mut allowed = BTreeSet::new();
    for role in ["ScimRole", "AdminRole"] {
        let policies = template["Resources"][role]["Properties"]["Policies"].to_string();
        let services = ["dynamodb:", "secretsmanager:"];
        let conditions = ["dynamodb:LeadingKeys", "dynamodb:Attributes"];
        let actions = policies.split('"').filter(|text| {
            services.iter().any(|s| text.starts_with(s)) && !conditions.contains(text)
        });
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
    // It reads the keys that verify tokens, and writes neither rows nor secrets.
    let directory = template["Resources"]["DirectoryRole"]["Properties"]["Policies"].to_string();
    for write in [
        "dynamodb:Put",
        "dynamodb:Update",
        "dynamodb:Delete",
        "BatchWrite",
        "secretsmanager:Create",
    ] {
        assert!(!directory.contains(write), "{directory}");
    }
    assert!(!directory.contains("/scim/") && !directory.contains("/saml/"), "{directory}");
    // It may create its signing keys, but overwrite no secret.
    let oidc = template["Resources"]["OidcRole"]["Properties"]["Policies"].to_string();
    assert!(!oidc.contains("PutSecretValue") && !oidc.contains("/scim/"), "{oidc}");
}

#[test]
fn the_publisher_of_events_writes_only_rows_of_events_and_webhooks_and_reads_only_their_secrets() {
    let template = template();
    let policies = &template["Resources"]["EventsRole"]["Properties"]["Policies"];
    let statements = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
    for statement in statements {
        let actions = statement["Action"].to_string();
        if statement["Resource"] == json!({"!GetAtt": "Table.Arn"}) {
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let keys = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
            let is_write = ["Put", "Update", "Delete"].iter().any(|write| actions.contains(write));
            if is_write {
                written.extend(keys);
            } else {
                read.extend(keys.map(|key| (statement["Action"].as_str().unwrap(), key)));
            }
        }
        if actions.contains("secretsmanager:") {
            assert_eq!(statement["Action"], "secretsmanager:GetSecretValue");
            let secret = statement["Resource"]["!Sub"].as_str().unwrap();
            assert!(secret.ends_with(":secret:gatehouse/${Stage}/webhooks/*"), "{secret}");
        }
    }
    assert_eq!(written, BTreeSet::from(["*#EV", "EV#*", "FEED", "OUT#*", "WEBHOOKS*"]));
    // Of tenants only their names, one row at a time.
    let (get, query) = ("dynamodb:GetItem", "dynamodb:Query");
    let reads = [(get, "*#T"), (get, "FEED"), (query, "EV#*"), (query, "OUT#*")];
    assert_eq!(read, BTreeSet::from(reads));
    // Beside it, only the operator API reads these secrets.
    for role in ["ScimRole", "SamlAcsRole", "SamlMetadataRole", "OidcRole", "DirectoryRole"] {
        let policies = template["Resources"][role]["Properties"]["Policies"].to_string();
        assert!(!policies.contains("/webhooks/"), "{role}");
    }
}

/// Returns what a policy allows: each action with each resource. A member such as `NotAction` fails
/// the test.
fn permissions(policy: &Value) -> Vec<(String, Value)> {
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut pairs = Vec::new();
    for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
        let members = statement.as_object().unwrap().keys().map(String::as_str);
        let known = ["Sid", "Effect", "Action", "Resource"];
        assert!(members.clone().all(|member| known.contains(&member)), "{statement}");
        assert_eq!(statement["Effect"], "Allow");
        for action in listed(&statement["Action"]) {
            let action = action.as_str().unwrap().to_owned();
            pairs.extend(listed(&statement["Resource"]).into_iter().map(|on| (action.clone(), on)));
        }
    }
    pairs
}

/// The expected role of an AWS service. The calls that the acceptance suite records are only those
/// of functions.
struct ServiceRole {
    service: &'static str,
    managed: Value,
    allows: Vec<(&'static str, Value)>,
}

fn service_role(name: &str) -> Option<ServiceRole> {
    let invoke = "lambda:InvokeFunction";
    match name {
        "RefreshScheduleRole" => Some(ServiceRole {
            service: "scheduler.amazonaws.com",
            managed: Value::Null,
            allows: vec![
                (invoke, json!({"!Sub": "${AdminFunction.Arn}:live"})),
                ("sqs:SendMessage", json!({"!GetAtt": "UndeliveredCalls.Arn"})),
            ],
        }),
        "EventsScheduleRole" => Some(ServiceRole {
            service: "scheduler.amazonaws.com",
            managed: Value::Null,
            allows: vec![(invoke, json!({"!Sub": "${EventsFunction.Arn}:live"}))],
        }),
        "DeploymentRole" => Some(ServiceRole {
            service: "codedeploy.amazonaws.com",
            managed: json!([{"!Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"}]),
            allows: vec![(invoke, json!({"!GetAtt": "PreTrafficFunction.Arn"}))],
        }),
        _ => None,
    }
}

/// Returns the logical ids of the functions' roles.
fn function_roles(template: &Value) -> BTreeSet<String> {
    let roles = functions(template).into_values();
    let roles = roles.map(|f| f["Properties"]["Role"]["!GetAtt"].as_str().unwrap().to_owned());
    roles.map(|role| role.strip_suffix(".Arn").unwrap().to_owned()).collect()
}

#[test]
fn every_other_role_is_one_of_a_service_and_allows_only_the_listed_actions() {
    let template = template();
    let of_functions = function_roles(&template);
    let mut listed = 0;
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        let role = &role["Properties"];
        let trust = role["AssumeRolePolicyDocument"]["Statement"].as_array().unwrap();
        let [trust] = trust.as_slice() else { panic!("{name}") };
        assert_eq!(trust["Action"], "sts:AssumeRole", "{name}");
        if of_functions.contains(&name) {
            assert_eq!(trust["Principal"], json!({"Service": "lambda.amazonaws.com"}), "{name}");
            continue;
        }
        let wanted =
            service_role(&name).unwrap_or_else(|| panic!("no function or service has {name}"));
        assert_eq!(trust["Principal"], json!({"Service": wanted.service}), "{name}");
        assert_eq!(role["ManagedPolicyArns"], wanted.managed, "{name}");
        let allows: Vec<_> =
            role["Policies"].as_array().unwrap().iter().flat_map(permissions).collect();
        let wanted: Vec<_> =
            wanted.allows.into_iter().map(|(action, on)| (action.to_owned(), on)).collect();
        assert_eq!(allows, wanted, "{name}");
        listed += 1;
    }
    assert_eq!(listed, 3);
}

/// The other tests read only policies inside roles. The two managed policies are for AWS services
/// that use a function's role; a parameter enables each.
#[test]
fn the_managed_policies_are_for_the_customers_key_and_for_tracing() {
    let template = template();
    let all = template["Resources"].as_object().unwrap().iter();
    let beside = all.filter(|(_, resource)| {
        let of_type = resource["Type"].as_str().unwrap();
        of_type.starts_with("AWS::IAM::") && of_type != "AWS::IAM::Role"
    });
    let mut found = Vec::new();
    for (name, policy) in beside {
        // A policy that names its roles would be attached only after the functions are created.
        assert_eq!(policy["Type"], "AWS::IAM::ManagedPolicy", "{name}");
        let properties = &policy["Properties"];
        for holders in ["Roles", "Users", "Groups"] {
            assert!(properties.get(holders).is_none(), "{name}");
        }
        found.push((name.as_str(), policy["Condition"].as_str().unwrap(), permissions(properties)));
    }
    let trace = |action: &str| (format!("xray:{action}"), json!("*"));
    assert_eq!(
        found,
        [
            (
                "KeyUse",
                "HasCustomerKey",
                vec![("kms:Decrypt".to_owned(), json!({"!GetAtt": "Key.Arn"}))]
            ),
            (
                "TraceUse",
                "HasTracing",
                vec![trace("PutTelemetryRecords"), trace("PutTraceSegments")]
            ),
        ]
    );
    // SAM ignores the policies of a function that names its role.
    for (binary, function) in functions(&template) {
        assert!(function["Properties"].get("Policies").is_none(), "{binary}");
    }
}

#[test]
fn tracing_is_off_by_default_and_the_same_in_every_function() {
    let template = template();
    assert_eq!(template["Parameters"]["TracingMode"]["Default"], "PassThrough");
    assert_eq!(template["Conditions"]["HasTracing"]["!Equals"][1], "Active");
    assert_eq!(template["Globals"]["Function"]["Tracing"], json!({"!Ref": "TracingMode"}));
    for (binary, function) in functions(&template) {
        assert!(function["Properties"].get("Tracing").is_none(), "{binary}");
    }
}
