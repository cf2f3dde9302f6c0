//! Compares `template.yaml` with the code: routes, variables, table, permissions, logs.
//!
//! The checks of one subject are in the child modules; `template_events` tests the deployment check
//! and the schedule. The acceptance suites translate and deploy the template.

pub(crate) mod alarms;
mod metadata_rows;
mod on_this_machine;
mod roles;
mod throttles;
mod written_rows;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aws_sdk_dynamodb::types::KeySchemaElement;
use local::dynamodb::Dynamo;
use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};
use shared::config::{AwsConfig, Config, DeployCheckConfig};
use shared::store::Store;

use crate::tidy::{text, workspace};

/// The paths of each function's router, in axum's notation.
pub(crate) const ROUTERS: [(&str, &[&str]); 6] = [
    ("scim", &shared::scim_api::ROUTES),
    ("saml-acs", &shared::saml_api::ROUTES),
    ("saml-metadata", &shared::saml_api::METADATA_ROUTES),
    ("oidc", &shared::oidc_api::ROUTES),
    ("admin", &shared::operator_api::ROUTES),
    ("directory", &shared::directory_api::ROUTES),
];

/// Routes without IAM authorisation: the function authenticates the caller itself.
const OPEN_ROUTES: [&str; 8] = [
    "/scim/v2",
    "/scim/v2/{proxy+}",
    "/saml/sso/{proxy+}",
    "/saml/metadata/{proxy+}",
    "/oauth2/authorize",
    "/oauth2/{proxy+}",
    "/.well-known/{proxy+}",
    "/directory/v1/{proxy+}",
];

/// Variables that no configuration reads: `make deploy` writes the first, the log filter reads the
/// second.
const OTHER_VARIABLES: [&str; 2] = ["GATEHOUSE_REVISION", "RUST_LOG"];

/// Number of linter findings that the template suppresses, each with a reason.
const SUPPRESSIONS: usize = 22;

/// Reads `template.yaml` as JSON; a tagged node `!Ref x` becomes `{"!Ref": "x"}`.
pub(crate) fn template() -> Value {
    let text = fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let [document] = YamlOwned::load_from_str(&text).unwrap().try_into().unwrap();
    json_of(document)
}

pub(crate) fn json_of(node: YamlOwned) -> Value {
    match node {
        YamlOwned::Value(ScalarOwned::Boolean(value)) => value.into(),
        YamlOwned::Value(ScalarOwned::Integer(value)) => value.into(),
        YamlOwned::Value(ScalarOwned::FloatingPoint(value)) => value.into_inner().into(),
        YamlOwned::Value(ScalarOwned::String(value)) => value.into(),
        YamlOwned::Sequence(nodes) => nodes.into_iter().map(json_of).collect(),
        YamlOwned::Mapping(nodes) => nodes
            .into_iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), json_of(value)))
            .collect::<Map<_, _>>()
            .into(),
        YamlOwned::Tagged(tag, node) => json!({ format!("!{}", tag.suffix): json_of(*node) }),
        YamlOwned::Value(ScalarOwned::Null) => Value::Null,
        YamlOwned::Representation(..) | YamlOwned::Alias(_) | YamlOwned::BadValue => {
            panic!("not a document that CloudFormation accepts")
        }
    }
}

/// Returns the resources of one type by logical id.
pub(crate) fn resources(template: &Value, of_type: &str) -> BTreeMap<String, Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    all.filter(|(_, resource)| resource["Type"] == of_type)
        .map(|(name, resource)| (name.clone(), resource.clone()))
        .collect()
}

/// Returns the functions by the name of their binary.
pub(crate) fn functions(template: &Value) -> BTreeMap<String, Value> {
    let functions = resources(template, "AWS::Serverless::Function");
    let binary = |function: &Value| function["Metadata"]["BuildProperties"]["Binary"].clone();
    functions.into_values().map(|f| (binary(&f).as_str().unwrap().to_owned(), f)).collect()
}

/// Returns every route of the API: its function, its path and its event.
pub(crate) fn routes(template: &Value) -> Vec<(String, String, Value)> {
    let mut routes = Vec::new();
    for (binary, function) in functions(template) {
        let events = function["Properties"]["Events"].as_object();
        for event in events.into_iter().flat_map(Map::values) {
            if event["Type"] == "ScheduleV2" || event["Type"] == "DynamoDB" {
                continue;
            }
            assert_eq!(event["Type"], "HttpApi");
            let path = event["Properties"]["Path"].as_str().unwrap().to_owned();
            routes.push((binary.clone(), path, event["Properties"].clone()));
        }
    }
    routes
}

/// Returns whether API Gateway selects this route for a path.
fn covers(route: &str, path: &str) -> bool {
    match route.strip_suffix("{proxy+}") {
        Some(prefix) => path.len() > prefix.len() && path.starts_with(prefix),
        None => route == path,
    }
}

#[test]
fn every_path_of_a_router_has_one_route_to_its_function() {
    let routes = routes(&template());
    for (binary, paths) in ROUTERS {
        // API Gateway ignores a slash at the end of a path, but our routers do not.
        for path in paths.iter().map(|path| path.trim_end_matches('/')) {
            let mut reached: Vec<_> =
                routes.iter().filter(|(_, route, _)| covers(route, path)).collect();
            // API Gateway prefers the route without a wildcard.
            if reached.iter().any(|(_, route, _)| route == path) {
                reached.retain(|(_, route, _)| route == path);
            }
            let [(reached, ..)] = reached.as_slice() else { panic!("{path}: {reached:?}") };
            assert_eq!(reached, binary, "{path}");
        }
    }
}

/// API Gateway answers preflights itself if it is configured to, or if no route takes `OPTIONS`.
#[test]
fn preflights_reach_the_function_that_answers_them() {
    let template = template();
    for path in crate::cross_origin::OF_PUBLIC_CLIENTS {
        let routes = routes(&template);
        let mut reached = routes.iter().filter(|(_, route, _)| covers(route, path));
        assert!(reached.all(|(binary, _, event)| binary == "oidc" && event["Method"] == "ANY"));
    }
    let api = &template["Resources"]["Api"]["Properties"];
    assert!(api.is_object() && api.get("CorsConfiguration").is_none());
}

#[test]
fn every_route_of_the_api_has_a_path_of_a_router() {
    for (binary, route, _) in routes(&template()) {
        let router = ROUTERS.iter().find(|(name, _)| *name == binary);
        let (_, paths) = router.unwrap_or_else(|| panic!("{binary} has no router"));
        assert!(paths.iter().any(|path| covers(&route, path)), "no router has {route}");
    }
}

#[test]
fn a_route_requires_iam_unless_its_function_authenticates() {
    for (_, route, event) in routes(&template()) {
        let signed = event["Auth"]["Authorizer"] == "AWS_IAM";
        assert_eq!(signed, !OPEN_ROUTES.contains(&route.as_str()), "{route}");
    }
}

/// Returns the variables that the template sets.
fn variables_set() -> BTreeSet<String> {
    let template = template();
    let globals = &template["Globals"]["Function"]["Environment"]["Variables"];
    let mut set: BTreeSet<String> = globals.as_object().unwrap().keys().cloned().collect();
    for function in functions(&template).into_values() {
        let own = &function["Properties"]["Environment"]["Variables"];
        set.extend(own.as_object().unwrap().keys().cloned());
    }
    set
}

/// Returns the variables that [`Config`], [`AwsConfig`] and [`DeployCheckConfig`] read.
fn variables_read() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(|name| {
        asked.borrow_mut().insert(name.to_owned());
        (name == "GATEHOUSE_TABLE").then(|| "t".to_owned())
    });
    config.unwrap();
    let asked_for = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        Some("x".to_owned())
    };
    AwsConfig::from_lookup(asked_for).unwrap();
    DeployCheckConfig::from_lookup(asked_for).unwrap();
    asked.into_inner()
}

#[test]
fn every_variable_of_the_template_is_read() {
    let read = variables_read();
    for name in variables_set() {
        assert!(read.contains(&name) || OTHER_VARIABLES.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn a_variable_that_is_read_is_documented() {
    let page = text("docs/configuration.md".as_ref()).unwrap();
    for name in variables_read().iter().map(String::as_str).chain(OTHER_VARIABLES) {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn the_table_is_retained_protected_backed_up_and_encrypted() {
    let template = template();
    let tables = resources(&template, "AWS::DynamoDB::Table");
    assert_eq!(tables.len(), 1);
    let table = &tables["Table"];
    assert_eq!(table["DeletionPolicy"], "Retain");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    let properties = &table["Properties"];
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
}

/// The store creates the table in `local` and in the tests, the template on AWS.
#[tokio::test]
async fn the_table_is_the_same_as_the_stores() {
    let client = Dynamo::memory().unwrap().client();
    Store::new(client.clone(), "gatehouse").create_table().await.unwrap();
    let made = client.describe_table().table_name("gatehouse").send().await.unwrap();
    let made = made.table().unwrap();
    let keys = |schema: &[KeySchemaElement]| -> Value {
        let key = |key: &KeySchemaElement| json!({"AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str()});
        schema.iter().map(key).collect()
    };

    let template = template();
    let table = &template["Resources"]["Table"]["Properties"];
    assert_eq!(table["KeySchema"], keys(made.key_schema()));
    let [index] = made.global_secondary_indexes() else { panic!("one index") };
    let [declared] = table["GlobalSecondaryIndexes"].as_array().unwrap().as_slice() else {
        panic!("one index")
    };
    assert_eq!(declared["IndexName"], index.index_name().unwrap());
    assert_eq!(declared["KeySchema"], keys(index.key_schema()));
    let projection = index.projection().unwrap().projection_type().unwrap().as_str();
    assert_eq!(declared["Projection"]["ProjectionType"], projection);

    let expiry = client.describe_time_to_live().table_name("gatehouse").send().await.unwrap();
    let expiry = expiry.time_to_live_description().unwrap().attribute_name().unwrap().to_owned();
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], expiry);
}

#[test]
fn the_access_log_is_json_without_personal_data() {
    let template = template();
    let settings = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"];
    let format = settings["Format"].as_str().unwrap();
    let line: Map<String, Value> = serde_json::from_str(format).unwrap();
    assert!(line.contains_key("request_id"));
    let forbidden = ["path", "sourceIp", "userAgent", "queryString", "header", "authorizer"];
    for name in forbidden {
        assert!(!format.contains(name), "{name}");
    }
}

#[test]
fn every_log_has_a_retention_time() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    for (name, group) in &groups {
        assert_eq!(group["Properties"]["RetentionInDays"]["!Ref"], "LogRetentionDays", "{name}");
    }
    for (binary, function) in functions(&template) {
        let logging = &function["Properties"]["LoggingConfig"];
        assert_eq!(logging["LogFormat"], "JSON", "{binary}");
        assert!(groups.contains_key(logging["LogGroup"]["!Ref"].as_str().unwrap()), "{binary}");
    }
}

#[test]
fn the_dashboard_is_json() {
    let template = template();
    let body = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["!Sub"];
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    assert!(body["widgets"].is_array());
}

#[test]
fn every_parameter_has_a_default_a_description_and_a_group() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let grouped: BTreeSet<&str> = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    let parameters = template["Parameters"].as_object().unwrap();
    assert_eq!(grouped, parameters.keys().map(String::as_str).collect());
    for (name, parameter) in parameters {
        assert!(!parameter["Default"].is_null(), "{name}");
        assert!(parameter["Description"].is_string(), "{name}");
    }
}

/// The URLs of the outputs are routes of the API, on the default host and on the custom domain.
#[test]
fn every_url_of_the_outputs_is_a_route() {
    let template = template();
    let routes = routes(&template);
    let default_host = "${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}";
    let mut seen = BTreeSet::new();
    for (name, output) in template["Outputs"].as_object().unwrap() {
        // No other stack depends on this one.
        assert!(output.get("Export").is_none(), "{name}");
        let Some([condition, own, default]) = output["Value"]["!If"].as_array().map(Vec::as_slice)
        else {
            continue;
        };
        assert_eq!(condition, "HasDomain", "{name}");
        let path = |url: &Value, host: &str| {
            let url = url["!Sub"].as_str().unwrap();
            url.strip_prefix(&format!("https://{host}"))
                .unwrap_or_else(|| panic!("{url}"))
                .to_owned()
        };
        let path_of_own = path(own, "${DomainName}");
        assert_eq!(path_of_own, path(default, default_host), "{name}");
        let served = |(_, route, _): &(_, String, _)| {
            covers(route, &path_of_own) || *route == format!("{path_of_own}/{{proxy+}}")
        };
        // The issuer has an empty path.
        assert!(path_of_own.is_empty() || routes.iter().any(served), "{name}: {path_of_own}");
        seen.insert(name.as_str());
    }
    let expected = ["DirectoryApiUrl", "JwksUrl", "OidcIssuer", "OperatorApiUrl", "ScimBaseUrl"];
    assert_eq!(seen, expected.into());
}

/// `sam build` names a binary without its package, so cargo enables the features of all default
/// members. If these were not exactly the deployed functions, `sam build` and `make build` would make
/// different executables.
#[test]
fn the_default_members_are_the_deployed_functions() {
    let manifest = text(Path::new("Cargo.toml")).unwrap();
    let (_, list) = manifest.split_once("default-members = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let members: BTreeSet<&str> =
        list.split('"').filter_map(|part| part.strip_prefix("functions/")).collect();
    assert_eq!(members, functions(&template()).keys().map(String::as_str).collect());
}

#[test]
fn the_template_has_the_version_of_the_crates() {
    let application = &template()["Metadata"]["AWS::ServerlessRepo::Application"];
    assert_eq!(application["SemanticVersion"], env!("CARGO_PKG_VERSION"));
}

/// The number is fixed, so that a new suppression has to change this test too.
#[test]
fn every_suppressed_finding_has_a_reason() {
    let template = template();
    let mut suppressed = 0;
    for (name, resource) in template["Resources"].as_object().unwrap() {
        assert!(resource["Metadata"].get("cfn-lint").is_none(), "{name}");
        let Some(skips) = resource["Metadata"]["checkov"]["skip"].as_array() else { continue };
        for skip in skips {
            assert!(skip["comment"].as_str().is_some_and(|reason| reason.len() > 20), "{name}");
            suppressed += 1;
        }
    }
    assert_eq!(suppressed, SUPPRESSIONS);
}
