//! Compares the configuration of `cargo lambda watch`, `sam local` and `samconfig.toml` with the
//! template.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::{functions, routes, template, variables_set};
use crate::tidy::{text, workspace};

/// Reads the configuration of `cargo lambda` from Cargo.toml.
fn cargo_lambda_config() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(workspace());
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    metadata["metadata"]["lambda"].clone()
}

#[test]
fn cargo_lambda_watch_has_the_routes_of_the_api() {
    let routed = routes(&template()).into_iter().map(|(binary, route, event)| {
        let function = match event["Method"].as_str().unwrap() {
            "ANY" => binary.into(),
            method => json!([{"method": method, "function": binary}]),
        };
        (route.replace("{proxy+}", "{*proxy}"), function)
    });
    let routed: Map<String, Value> = routed.collect();
    assert_eq!(cargo_lambda_config()["watch"]["router"], Value::from(routed));
}

/// The acceptance suite identifies the function of an AWS call by the key id.
#[test]
fn under_cargo_lambda_watch_each_function_has_its_own_key_id() {
    let config = cargo_lambda_config();
    for function in functions(&template()).into_keys() {
        assert_eq!(config["bin"][&function]["env"]["AWS_ACCESS_KEY_ID"], function.as_str());
    }
}

/// `sam local` ignores variables that the template does not name.
#[test]
fn the_variables_for_sam_local_are_in_the_template_and_name_the_services_of_make_run() {
    let text = fs::read_to_string(workspace().join(".sam-local.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let overridden = file["Parameters"].as_object().unwrap();
    let set = variables_set();
    for name in overridden.keys() {
        assert!(set.contains(name), "{name}");
    }
    // The two ports after that of `make run`, which is 7400.
    assert_eq!(overridden["AWS_ENDPOINT_URL_DYNAMODB"], "http://host.docker.internal:7401");
    assert_eq!(overridden["AWS_ENDPOINT_URL_SECRETS_MANAGER"], "http://host.docker.internal:7402");
}

#[test]
fn only_staging_and_prod_ask_before_a_deployment() {
    let config = text("samconfig.toml".as_ref()).unwrap();
    let asks = |stage: &str| {
        let (_, section) = config.split_once(&format!("[{stage}.deploy.parameters]")).unwrap();
        let section = section.split("\n[").next().unwrap();
        // The default answer to SAM's question is No, which would end a first `sam deploy`.
        let confirm = section.lines().find(|line| line.starts_with("confirm_changeset"));
        confirm == Some("confirm_changeset = true")
    };
    assert_eq!(["default", "dev", "staging", "prod"].map(asks), [false, false, true, true]);
}

/// A function would not start if it was built for another processor than it is deployed to.
#[test]
fn builds_and_deployments_of_a_stage_have_the_same_parameters() {
    let config = text("samconfig.toml".as_ref()).unwrap();
    let mut section = "";
    let mut stages = Vec::new();
    for line in config.lines() {
        if line.starts_with('[') {
            section = line;
        } else if line.starts_with("parameter_overrides") {
            stages.push(
                section.strip_suffix(".global.parameters]").unwrap_or_else(|| panic!("{section}")),
            );
        }
    }
    assert_eq!(stages, ["[default", "[dev", "[staging", "[prod"]);
}
