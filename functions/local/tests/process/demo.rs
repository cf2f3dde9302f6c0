//! The printed addresses, keys and ids work, and survive a restart.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::instance::{Instance, directory, http};

#[test]
fn a_restart_keeps_the_keys_and_the_users() {
    let directory = directory("restart");
    let first = Instance::on(&directory);
    let user = create_user(&first, "ada@acme.com").unwrap();
    first.signal("TERM");
    let facts = first.facts.clone();
    assert!(first.end().0.success());

    let again = Instance::on(&directory);
    for pointer in [
        "/operator_key",
        "/scim/token",
        "/tenant/id",
        "/tenant/domain",
        "/oidc/client_id",
        "/oidc/client_secret",
        "/aws/table",
    ] {
        assert_eq!(Some(again.fact(pointer)), facts.pointer(pointer).unwrap().as_str());
    }
    let found = find_user(&again, "ada@acme.com");
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0]["id"], user);
}

#[test]
fn the_operator_key_is_in_the_file_of_the_command_line_tool() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = directory("operator_key");
    let instance = Instance::on(&directory);
    let file = directory.join("operator-key");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), instance.fact("/operator_key"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn each_key_opens_its_own_api_only() {
    let instance = Instance::ephemeral();
    let users = format!("{}/Users", instance.fact("/scim/base_url"));
    let tenants = format!("{}/v1/tenants", instance.fact("/base_url"));
    let token = format!("Bearer {}", instance.fact("/scim/token"));
    let operator = format!("Bearer {}", instance.fact("/operator_key"));
    let status = |url: &str, headers: &[(&str, &str)]| http("GET", url, headers, "").0;

    assert_eq!(status(&users, &[("Authorization", &token)]), 200);
    assert_eq!(status(&users, &[("Authorization", &operator)]), 401);
    assert_eq!(status(&users, &[]), 401);
    assert_eq!(status(&tenants, &[("Authorization", &operator)]), 200);
    assert_eq!(status(&tenants, &[("Authorization", &token)]), 401);
    assert_eq!(status(&tenants, &[]), 401);
}

#[test]
fn the_demo_tenant_is_the_only_tenant() {
    let instance = Instance::ephemeral();
    let tenants = format!("{}/v1/tenants", instance.fact("/base_url"));
    let operator = format!("Bearer {}", instance.fact("/operator_key"));
    let (_, list) = http("GET", &tenants, &[("Authorization", &operator)], "");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], instance.fact("/tenant/id"));
    assert_eq!(list["items"][0]["name"], "Acme");
}

#[test]
fn a_rate_limit_applies_only_if_configured() {
    let limited = statuses(&Instance::start(&["--ephemeral", "--rate-limit", "1"]));
    assert_eq!(limited, HashSet::from([200, 429]));
    let unlimited = statuses(&Instance::ephemeral());
    assert_eq!(unlimited, HashSet::from([200]));
}

/// Returns the statuses of ten requests in a row.
fn statuses(instance: &Instance) -> HashSet<u16> {
    let users = format!("{}/Users", instance.fact("/scim/base_url"));
    let token = format!("Bearer {}", instance.fact("/scim/token"));
    (0..10).map(|_| http("GET", &users, &[("Authorization", &token)], "").0).collect()
}

/// Creates a user. Returns the id.
pub(crate) fn create_user(instance: &Instance, name: &str) -> Option<String> {
    let url = format!("{}/Users", instance.fact("/scim/base_url"));
    create_user_at(&url, instance.fact("/scim/token"), name)
}

pub(crate) fn create_user_at(users: &str, token: &str, name: &str) -> Option<String> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
    });
    let headers = [
        ("Authorization", format!("Bearer {token}")),
        ("Content-Type", "application/scim+json".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, response) = crate::instance::try_http("POST", users, &headers, &body.to_string())?;
    assert_eq!(status, 201, "{response}");
    // A killed process may cut the response off; the user is then not acknowledged.
    let response: Value = serde_json::from_str(&response).ok()?;
    Some(response["id"].as_str().unwrap().to_owned())
}

fn find_user(instance: &Instance, name: &str) -> Value {
    let url =
        format!("{}/Users?filter=userName%20eq%20%22{name}%22", instance.fact("/scim/base_url"));
    let token = format!("Bearer {}", instance.fact("/scim/token"));
    let (status, response) = http("GET", &url, &[("Authorization", &token)], "");
    assert_eq!(status, 200, "{response}");
    serde_json::from_str(&response).unwrap()
}

#[test]
fn the_home_page_shows_the_values_to_this_machine_only() {
    let instance = Instance::ephemeral();
    let home = format!("{}/", instance.fact("/base_url"));
    let (status, page) = http("GET", &home, &[], "");
    assert_eq!(status, 200);
    for pointer in ["/scim/token", "/operator_key", "/oidc/client_secret", "/tenant/id"] {
        assert!(page.contains(instance.fact(pointer)), "{pointer}");
    }
    for foreign in [("Host", "evil.example"), ("Origin", "https://evil.example")] {
        assert_eq!(http("GET", &home, &[foreign], "").0, 403, "{foreign:?}");
    }
}
