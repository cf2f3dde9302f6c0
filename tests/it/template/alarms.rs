//! Who hears of what: the one alarm that somebody is woken for, those in it, those beside it, and
//! the rule that counts by tenant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{functions, resources, template};
use crate::tidy::text;

/// The alarms that an alarm rule names.
fn within(rule: &str) -> Vec<String> {
    let parts = rule.split(" OR ").map(|part| {
        let name = part.strip_prefix("ALARM(\"${").and_then(|rest| rest.strip_suffix("}\")"));
        name.unwrap_or_else(|| panic!("{part}")).to_owned()
    });
    parts.collect()
}

/// The alarms that make up the one for people who are affected.
pub(crate) fn paging(template: &Value) -> BTreeSet<String> {
    let rule = &template["Resources"]["PeopleAffected"]["Properties"]["AlarmRule"]["!Sub"];
    let names = within(rule.as_str().unwrap());
    let paging: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(paging.len(), names.len(), "{names:?}");
    paging
}

/// The alarms that roll back a deployment of the function.
pub(crate) fn deploying(function: &Value) -> BTreeSet<String> {
    let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"];
    if alarms.is_null() {
        return BTreeSet::new();
    }
    let [condition, alarms, otherwise] = alarms["!If"].as_array().unwrap().as_slice() else {
        panic!("{alarms}")
    };
    assert_eq!((condition, otherwise), (&json!("HasAlarms"), &json!([{"!Ref": "AWS::NoValue"}])));
    let alarms = alarms.as_array().unwrap().iter();
    alarms.map(|alarm| alarm["!Ref"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_alarm_sends_a_message_or_is_part_of_the_one_that_pages() {
    let template = template();
    let to_topic = json!([{"!Ref": "Alarms"}]);
    let mut paging = paging(&template);
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    assert!(alarms.len() > functions(&template).len() * 3);
    for (name, alarm) in &alarms {
        let properties = &alarm["Properties"];
        assert!(properties["AlarmDescription"].is_string(), "{name}");
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}");
        if paging.remove(name) {
            assert!(properties.get("AlarmActions").is_none(), "{name} would be a second message");
        } else {
            assert_eq!(properties["AlarmActions"], to_topic, "{name}");
        }
    }
    assert!(paging.is_empty(), "no alarms: {paging:?}");
    let composite = resources(&template, "AWS::CloudWatch::CompositeAlarm");
    assert_eq!(composite.keys().collect::<Vec<_>>(), ["PeopleAffected"]);
    let composite = &composite["PeopleAffected"]["Properties"];
    assert_eq!(composite["AlarmActions"], to_topic);
    assert_eq!(composite["OKActions"], to_topic);
    assert!(composite["AlarmDescription"].is_string());
    // What an alarm rule can be at most.
    assert!(composite["AlarmRule"].to_string().len() < 10_240 - 22 * 100);
}

/// Whoever is paged must be able to rely on these: each means that somebody is refused or waits.
#[test]
fn what_stops_a_deployment_or_turns_requests_away_pages() {
    let template = template();
    let paging = paging(&template);
    for (binary, function) in functions(&template) {
        assert!(deploying(&function).is_subset(&paging), "{binary}");
    }
    for name in resources(&template, "AWS::CloudWatch::Alarm").into_keys() {
        if name.ends_with("Throttled") {
            assert!(paging.contains(&name), "{name}");
        }
    }
}

#[test]
fn a_stage_without_monitoring_has_nothing_that_costs_by_the_month() {
    let template = template();
    let conditions = &template["Conditions"];
    assert_eq!(
        conditions["HasAlarms"],
        json!({"!Not": [{"!Equals": [{"!Ref": "Monitoring"}, "none"]}]})
    );
    assert_eq!(
        conditions["HasDomainAlarm"]["!And"],
        json!([{"!Condition": "HasDomain"}, {"!Condition": "HasAlarms"}])
    );
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let expected: &[&str] = match resource["Type"].as_str().unwrap() {
            "AWS::CloudWatch::Dashboard" => &["HasDashboard"],
            kind if kind.starts_with("AWS::CloudWatch::") => &["HasAlarms", "HasDomainAlarm"],
            "AWS::Logs::MetricFilter" => &["HasAlarms"],
            _ => continue,
        };
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(expected.contains(&condition), "{name}: {condition}");
    }
    let api = &template["Resources"]["Api"]["Properties"];
    let with_dashboard = json!({"!If": ["HasDashboard", true, false]});
    assert_eq!(api["DefaultRouteSettings"]["DetailedMetricsEnabled"], with_dashboard);
    for (route, settings) in api["RouteSettings"].as_object().unwrap() {
        assert_eq!(settings["DetailedMetricsEnabled"], with_dashboard, "{route}");
    }
    // A metric that is filled up with zeros costs its price in hours without anything to count too.
    for (name, filter) in resources(&template, "AWS::Logs::MetricFilter") {
        let metric = &filter["Properties"]["MetricTransformations"][0];
        assert!(metric.get("DefaultValue").is_none(), "{name}");
    }
    let stages = text("samconfig.toml".as_ref()).unwrap();
    let without = stages.lines().filter(|line| line.contains("Monitoring=none"));
    assert!(without.clone().all(|line| line.contains("Stage=dev")));
    assert_eq!(without.count(), 2);
}

/// That the log has this field, and when, is a test of [`logs.rs`](../../logs.rs).
#[test]
fn refusals_that_a_whole_tenant_meets_are_counted_by_tenant() {
    let template = template();
    let rule = &template["Resources"]["ConnectionsRefused"]["Properties"];
    assert_eq!(rule["RuleState"], "ENABLED");
    let body = rule["RuleBody"]["!Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["Schema"], json!({"Name": "CloudWatchLogRule", "Version": 1}));
    assert_eq!((&body["LogFormat"], &body["AggregateOn"]), (&json!("JSON"), &json!("Count")));
    assert_eq!(body["LogGroupNames"], json!(["${SamlAcsLog}"]));
    let [key] = body["Contribution"]["Keys"].as_array().unwrap().as_slice() else {
        panic!("one key")
    };
    assert_eq!(body["Contribution"]["Filters"], json!([{"Match": key, "IsPresent": true}]));
    let field = key.as_str().unwrap().strip_prefix("$.").unwrap();
    // A dot would lead into an object, and the syntax of rules has no other way to write one.
    assert!(field.chars().all(char::is_alphanumeric), "{field}");

    let alarm = &template["Resources"]["ConnectionRefused"]["Properties"];
    let [most] = alarm["Metrics"].as_array().unwrap().as_slice() else { panic!("one metric") };
    assert_eq!(
        most["Expression"]["!Sub"],
        "INSIGHT_RULE_METRIC(\"${ConnectionsRefused.RuleName}\", \"MaxContributorValue\")"
    );
    // One without a metric has its period itself.
    assert_eq!(most["Period"], 900);
    // A check of a new version is refused four times, in a tenant of its own.
    assert!(alarm["Threshold"].as_u64().unwrap() > 4);
}

/// Arithmetic takes a missing value for 0, a comparison takes it for nothing: when nobody gets in
/// any more there is no count of who did, and this alarm is about just that.
#[test]
fn refused_sign_ins_are_compared_with_none_at_all_too() {
    let template = template();
    let alarm = &template["Resources"]["SignInsRefused"]["Properties"];
    assert_eq!(alarm["Metrics"][0]["Expression"], "IF((no - yes) > 0, no, 0)");
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    let ids: Vec<_> = (1..3).map(|at| alarm["Metrics"][at]["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["no", "yes"]);
}
