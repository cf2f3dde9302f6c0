//! Checks the alarms of the template: the composite alarm that pages, its parts, the alarms beside
//! it, and the rule that counts by tenant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{functions, resources, template};
use crate::tidy::text;

/// Returns the alarms that an alarm rule names.
fn alarms_of_rule(rule: &str) -> Vec<String> {
    let parts = rule.split(" OR ").map(|part| {
        let name = part.strip_prefix("ALARM(\"${").and_then(|rest| rest.strip_suffix("}\")"));
        name.unwrap_or_else(|| panic!("{part}")).to_owned()
    });
    parts.collect()
}

/// Returns the parts of the composite alarm `PeopleAffected`, which pages.
pub(crate) fn paging(template: &Value) -> BTreeSet<String> {
    let rule = &template["Resources"]["PeopleAffected"]["Properties"]["AlarmRule"]["!Sub"];
    let names = alarms_of_rule(rule.as_str().unwrap());
    let paging: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(paging.len(), names.len(), "{names:?}");
    paging
}

/// Returns the alarms that roll back a deployment of the function.
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
fn an_alarm_notifies_or_is_part_of_the_one_that_pages() {
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
    assert!(paging.is_empty(), "not alarms: {paging:?}");
    let composite = resources(&template, "AWS::CloudWatch::CompositeAlarm");
    assert_eq!(composite.keys().collect::<Vec<_>>(), ["PeopleAffected"]);
    let composite = &composite["PeopleAffected"]["Properties"];
    assert_eq!(composite["AlarmActions"], to_topic);
    assert_eq!(composite["OKActions"], to_topic);
    assert!(composite["AlarmDescription"].is_string());
    // The limit of an alarm rule.
    assert!(composite["AlarmRule"].to_string().len() < 10_240 - 22 * 100);
}

/// Alarms that one client can raise alone: with slow bulk requests, with more requests than SCIM has
/// instances for, with refused sign-ins, with a wrong token.
const OF_ONE_CLIENT: [&str; 4] =
    ["ScimSlow", "ScimThrottled", "SignInsRefused", "UnauthorizedSpike"];

/// Each alarm of a deployment or of throttling means that requests fail or wait.
#[test]
fn alarms_page_for_failures_of_ours_and_not_for_what_one_client_can_cause() {
    let template = template();
    let paging = paging(&template);
    for (binary, function) in functions(&template) {
        for name in deploying(&function) {
            assert!(paging.contains(&name) != OF_ONE_CLIENT.contains(&name.as_str()), "{binary}");
        }
    }
    for name in resources(&template, "AWS::CloudWatch::Alarm").into_keys() {
        let is_of_one_client = OF_ONE_CLIENT.contains(&name.as_str());
        if is_of_one_client || name.ends_with("Throttled") {
            assert!(paging.contains(&name) != is_of_one_client, "{name}");
        }
    }
}

/// [`logs.rs`](../../logs.rs) tests which requests are logged at this level.
#[test]
fn requests_count_as_failed_by_the_level_of_their_line() {
    let template = template();
    let filters = resources(&template, "AWS::Logs::MetricFilter");
    let failed = filters.values().filter(|filter| {
        filter["Properties"]["MetricTransformations"][0]["MetricName"] == "FailedRequests"
    });
    let logs: BTreeSet<String> = failed
        .map(|filter| {
            let properties = &filter["Properties"];
            let log = properties["LogGroupName"]["!Ref"].as_str().unwrap().to_owned();
            let of_requests = "{ $.target = \"request\" && $.level = \"ERROR\" }";
            // The publisher serves no requests, and has no alarms of its own.
            let of_publisher = "{ $.level = \"ERROR\" || $.record.status = \"error\" || \
                                $.record.status = \"timeout\" }";
            // Apps that read wait for nobody: instead of alarms of its own, its crashes count too.
            let of_directory = "{ ($.target = \"request\" && $.level = \"ERROR\") || \
                                $.record.status = \"error\" || $.record.status = \"timeout\" }";
            let pattern = match log.as_str() {
                "EventsLog" => of_publisher,
                "DirectoryLog" => of_directory,
                _ => of_requests,
            };
            assert_eq!(properties["FilterPattern"], pattern);
            log
        })
        .collect();
    let serving = functions(&template).into_iter().filter(|(binary, _)| binary != "pretraffic");
    let expected = serving.map(|(_, function)| {
        function["Properties"]["LoggingConfig"]["LogGroup"]["!Ref"].as_str().unwrap().to_owned()
    });
    assert_eq!(logs, expected.collect());
    let alarm = &template["Resources"]["ServerErrors"]["Properties"];
    assert_eq!(alarm["MetricName"], "FailedRequests");
}

#[test]
fn a_stage_without_monitoring_has_no_resources_with_a_monthly_price() {
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
    // A default value creates data points, which have a price, in hours without any events.
    for (name, filter) in resources(&template, "AWS::Logs::MetricFilter") {
        let metric = &filter["Properties"]["MetricTransformations"][0];
        assert!(metric.get("DefaultValue").is_none(), "{name}");
    }
    let stages = text("samconfig.toml".as_ref()).unwrap();
    let without = stages.lines().filter(|line| line.contains("Monitoring=none"));
    assert!(without.clone().all(|line| line.contains("Stage=dev")));
    assert_eq!(without.count(), 2);
}

/// [`logs.rs`](../../logs.rs) tests that the log has this field.
#[test]
fn refusals_of_a_whole_connection_are_counted_by_tenant() {
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
    // In a rule, a dot in a field separates the members of objects and cannot be escaped.
    assert!(field.chars().all(char::is_alphanumeric), "{field}");

    let alarm = &template["Resources"]["ConnectionRefused"]["Properties"];
    let [most] = alarm["Metrics"].as_array().unwrap().as_slice() else { panic!("one metric") };
    assert_eq!(
        most["Expression"]["!Sub"],
        "INSIGHT_RULE_METRIC(\"${ConnectionsRefused.RuleName}\", \"MaxContributorValue\")"
    );
    // An expression without a metric needs a period.
    assert_eq!(most["Period"], 900);
    // The check of a new version causes four refusals in a tenant of its own.
    assert!(alarm["Threshold"].as_u64().unwrap() > 4);
}

/// In metric math, arithmetic takes a missing value for 0, but a comparison gives no value. If no
/// sign-in succeeds, the metric of successes is missing, and the alarm must still compare.
#[test]
fn refused_sign_ins_raise_an_alarm_if_none_succeeds() {
    let template = template();
    let alarm = &template["Resources"]["SignInsRefused"]["Properties"];
    assert_eq!(alarm["Metrics"][0]["Expression"], "IF((no - yes) > 0, no, 0)");
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    let ids: Vec<_> = (1..3).map(|at| alarm["Metrics"][at]["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["no", "yes"]);
}
