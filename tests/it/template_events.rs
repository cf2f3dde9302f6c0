//! Tests the deployment check and the schedule of the template, which no request reaches.

use std::time::Duration;

use harness::TestApp;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::config::OperatorAuth;
use tower::ServiceExt as _;

use crate::lambda_events;
use crate::template::{alarms, functions, resources, template};

/// The function that checks new versions of the others.
const PRETRAFFIC: &str = "pretraffic";

/// Returns the policies of a role as text.
fn policies(template: &Value, role: &str) -> String {
    template["Resources"][role]["Properties"]["Policies"].to_string()
}

#[test]
fn every_version_is_checked_before_it_gets_traffic() {
    let template = template();
    let functions = functions(&template);
    let variables = &functions[PRETRAFFIC]["Properties"]["Environment"]["Variables"];
    for (name, resource) in resources(&template, "AWS::Serverless::Function") {
        if resource == functions[PRETRAFFIC] {
            let properties = &resource["Properties"];
            assert!(properties.get("AutoPublishAlias").is_none(), "{name} has an alias");
            continue;
        }
        let deployment = &resource["Properties"]["DeploymentPreference"];
        assert_eq!(resource["Properties"]["AutoPublishAlias"], "live", "{name}");
        assert_eq!(deployment["Hooks"]["PreTraffic"]["!Ref"], "PreTrafficFunction", "{name}");
        assert_eq!(alarms::deploying(&resource).len(), 2, "{name}");
        // It checks the version that will get traffic, and may invoke it.
        let version = json!({"!Ref": format!("{name}.Version")});
        assert!(variables.as_object().unwrap().values().any(|v| *v == version), "{name}");
        let arn = format!("\"${{{name}.Arn}}:*\"");
        assert!(policies(&template, "PreTrafficRole").contains(&arn), "{name}");
    }
    // AWS's managed policy allows only functions with a certain prefix in their names.
    let deployment = policies(&template, "DeploymentRole");
    assert!(deployment.contains("lambda:InvokeFunction"), "{deployment}");
    assert!(deployment.contains("PreTrafficFunction.Arn"), "{deployment}");
}

#[test]
fn the_check_of_new_versions_has_no_access_to_table_and_secrets() {
    let template = template();
    let check = policies(&template, "PreTrafficRole");
    assert!(!check.contains("dynamodb:") && !check.contains("secretsmanager:"), "{check}");
    let report = "codedeploy:PutLifecycleEventHookExecutionStatus";
    assert!(check.contains(report), "{check}");
}

/// Replaces the references in a text of `!Sub`.
fn substitute(text: &str) -> String {
    let values = [
        ("${Api}", "a1b2c3"),
        ("${AWS::AccountId}", "123456789012"),
        ("${AWS::Region}", "eu-west-1"),
        ("${AWS::URLSuffix}", "amazonaws.com"),
        ("${RefreshScheduleRole.Arn}", "arn:aws:iam::123456789012:role/refresh"),
    ];
    let text = values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    assert!(!text.contains("${"), "{text}");
    text
}

#[tokio::test]
async fn the_schedule_refreshes_metadata() {
    let template = template();
    let event = &functions(&template)["admin"]["Properties"]["Events"]["RefreshMetadata"];
    assert_eq!(event["Type"], "ScheduleV2");
    let schedule = &event["Properties"];
    // The name of a schedule is unique within the account.
    assert!(schedule["Name"]["!Sub"].as_str().unwrap().contains("${Stage}"));
    assert_eq!(schedule["RoleArn"]["!GetAtt"], "RefreshScheduleRole.Arn");
    assert_eq!(schedule["DeadLetterConfig"]["Arn"]["!GetAtt"], "UndeliveredCalls.Arn");
    let role = policies(&template, "RefreshScheduleRole");
    assert!(role.contains("\"${AdminFunction.Arn}:live\""), "{role}");

    let test = TestApp::with_connection(json!({})).await;
    // No server listens there; the answer shows that the function has tried.
    let (tenant, domain) = (test.acme.id.parse().unwrap(), "acme.com".parse().unwrap());
    let mut stored = test.app.store.connection(tenant, &domain).await.unwrap().unwrap();
    let trust = stored.connection.trust.as_mut().unwrap();
    trust.metadata_url = Some("https://127.0.0.1/metadata".to_owned());
    let version = Some(stored.version);
    test.app.store.put_connection(tenant, version, &stored.connection, None).await.unwrap();
    test.clock.advance(Duration::from_hours(12));

    let mut config = test.app.config.clone();
    config.operator_auth = OperatorAuth::Iam;
    config.base_url = None;
    let router = harness::openapi::router(test.with_config(config));
    let input = substitute(schedule["Input"]["!Sub"].as_str().unwrap());
    let response = router.oneshot(lambda_events::request(&input)).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["failed"][0]["domain"], "acme.com", "{body}");
    assert_eq!(body["next_cursor"], Value::Null, "{body}");
}
