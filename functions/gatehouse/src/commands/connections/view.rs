//! A connection for people.

use serde_json::Value;

use crate::render::{Column, at, fields, time};

pub(super) const COLUMNS: [Column; 4] = [
    ("DOMAIN", |connection| at(connection, "/domain")),
    ("STATUS", |connection| at(connection, "/status")),
    ("PROVIDER", |connection| provider(connection)),
    ("METADATA READ", |connection| time(connection, "/metadata_read_at")),
];

/// Both sides and the settings.
pub(super) fn whole(connection: &Value) -> String {
    let one = |pointer: &str| at(connection, pointer);
    let mut rows = vec![
        ("Domain", one("/domain")),
        ("Status", one("/status")),
        ("Provider", provider(connection)),
        ("Sign-in URL", one("/idp/sso_url")),
        ("Certificates", certificates(connection)),
        ("Warnings", lines(connection, "/idp/warnings", |warning| at(warning, ""))),
        (
            "Skipped members",
            lines(connection, "/skipped", |member| {
                format!("{}: {}", at(member, "/entity_id"), at(member, "/reason"))
            }),
        ),
        ("Metadata URL", one("/metadata_url")),
        ("Metadata read", time(connection, "/metadata_read_at")),
    ];
    rows.retain(|(_, value)| value != "–");
    rows.extend([
        ("Our entity id", one("/sp/entity_id")),
        ("Our ACS URL", one(acs_url(connection))),
        ("Our metadata", one("/sp/metadata_url")),
        ("Sign-in link", one("/sp/sso_url")),
        ("Enabled", one("/enabled")),
        ("Creates users", one("/jit")),
        ("Unasked responses", one("/allow_idp_initiated")),
        ("Signs requests", one("/sign_requests")),
        ("Request binding", one("/request_binding")),
        ("Clock skew", format!("{} s", one("/clock_skew_seconds"))),
        ("Keeps claims", one("/keep_claims")),
        ("Changed", time(connection, "/changed_at")),
    ]);
    fields(&rows)
}

/// What to do with a connection that has just been set.
pub(super) fn next_step(connection: &Value) -> Option<String> {
    match connection.get("status").and_then(Value::as_str) {
        Some("waiting_for_metadata") => Some(
            "Next: give our metadata to the provider, then its metadata to us with --metadata-url."
                .to_owned(),
        ),
        Some("ready") => Some(format!(
            "Next: try it with gatehouse connections test TENANT {}",
            at(connection, "/domain")
        )),
        Some(_) | None => None,
    }
}

fn provider(connection: &Value) -> String {
    match members(connection) {
        Some(members) => format!("federation of {}", members.len()),
        None => at(connection, "/idp/entity_id"),
    }
}

/// Where answers go: those of a federation somewhere else.
fn acs_url(connection: &Value) -> &'static str {
    if members(connection).is_some() { "/sp/federated_acs_url" } else { "/sp/acs_url" }
}

fn members(connection: &Value) -> Option<&Vec<Value>> {
    connection.get("federation").and_then(Value::as_array)
}

fn certificates(connection: &Value) -> String {
    lines(connection, "/idp/certificates", |certificate| {
        let (key, end) = (at(certificate, "/key"), time(certificate, "/not_after"));
        format!("{key}, until {end}\n{}", at(certificate, "/fingerprint"))
    })
}

fn lines(connection: &Value, pointer: &str, line: fn(&Value) -> String) -> String {
    let values = connection.pointer(pointer).and_then(Value::as_array);
    match values {
        Some(values) if !values.is_empty() => {
            values.iter().map(line).collect::<Vec<String>>().join("\n")
        }
        Some(_) | None => "–".to_owned(),
    }
}
