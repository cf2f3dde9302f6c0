//! A connection as text for people.

use serde_json::Value;

use crate::render::{Column, NOTHING, fields, text_at, time_at};

pub(super) const COLUMNS: [Column; 4] = [
    ("DOMAIN", |connection| text_at(connection, "/domain")),
    ("STATUS", |connection| text_at(connection, "/status")),
    ("PROVIDER", |connection| provider(connection)),
    ("METADATA READ", |connection| time_at(connection, "/metadata_read_at")),
];

/// Formats both sides and the settings.
pub(super) fn describe(connection: &Value) -> String {
    let text = |pointer: &str| text_at(connection, pointer);
    let mut rows = vec![
        ("Domain", text("/domain")),
        ("Status", text("/status")),
        (
            "Speaks for",
            lines(connection, "/domains", |listed| {
                let state = listed.get("state").and_then(Value::as_str).unwrap_or("not claimed");
                format!("{} ({state})", text_at(listed, "/domain"))
            }),
        ),
        ("Members' domains", member_domains(connection)),
        ("Provider", provider(connection)),
        ("Sign-in URL", text("/idp/sso_url")),
        ("Certificates", certificates(connection)),
        ("Warnings", lines(connection, "/idp/warnings", |warning| text_at(warning, ""))),
        (
            "Skipped members",
            lines(connection, "/skipped", |member| {
                format!("{}: {}", text_at(member, "/entity_id"), text_at(member, "/reason"))
            }),
        ),
        ("Metadata URL", text("/metadata_url")),
        ("Metadata read", time_at(connection, "/metadata_read_at")),
    ];
    rows.retain(|(_, value)| value != NOTHING);
    rows.extend([
        ("Our entity id", text("/sp/entity_id")),
        ("Our ACS URL", text(acs_url(connection))),
        ("Our metadata", text("/sp/metadata_url")),
        ("Sign-in link", text("/sp/sso_url")),
        ("Enabled", text("/enabled")),
        ("Creates users", text("/jit")),
        ("IdP-initiated", text("/allow_idp_initiated")),
        ("Signs requests", text("/sign_requests")),
        ("Request binding", text("/request_binding")),
        ("Clock skew", format!("{} s", text("/clock_skew_seconds"))),
        ("Required signature", text("/require_signed")),
        ("Authn contexts", lines(connection, "/authn_contexts", |uri| text_at(uri, ""))),
        ("Forwards acr_values", text("/forward_acr_values")),
        ("Requires e-mail", text("/require_email")),
        ("Group attribute", text("/group_attribute")),
        ("Keeps claims", text("/keep_claims")),
        ("Default app", text("/default_app")),
        ("Changed", time_at(connection, "/changed_at")),
    ]);
    fields(&rows)
}

/// Returns a hint on what to do with a connection that was just set.
pub(super) fn next_step(connection: &Value) -> Option<String> {
    match connection.get("status").and_then(Value::as_str) {
        Some("waiting_for_metadata") => Some(
            "Next: add our metadata to the identity provider, then set --metadata-url or \
             --metadata-file here."
                .to_owned(),
        ),
        Some("ready") => Some(format!(
            "Next: test the connection with gatehouse connections test TENANT {}",
            text_at(connection, "/domain")
        )),
        Some(_) | None => None,
    }
}

/// Formats the domains that are listed for members of a federation, one member a line.
fn member_domains(connection: &Value) -> String {
    let members = connection.get("member_domains").and_then(Value::as_object);
    let mut lines = Vec::new();
    for (entity_id, domains) in members.into_iter().flatten() {
        let domains = domains.as_array().map_or(&[][..], Vec::as_slice);
        let domains: Vec<String> = domains.iter().map(|domain| text_at(domain, "")).collect();
        lines.push(format!("{entity_id}: {}", domains.join(", ")));
    }
    if lines.is_empty() { NOTHING.to_owned() } else { lines.join("\n") }
}

fn provider(connection: &Value) -> String {
    match members(connection) {
        Some(members) => format!("federation of {}", members.len()),
        None => text_at(connection, "/idp/entity_id"),
    }
}

/// Returns the JSON pointer of the ACS URL. A federation has its own.
fn acs_url(connection: &Value) -> &'static str {
    if members(connection).is_some() { "/sp/federated_acs_url" } else { "/sp/acs_url" }
}

fn members(connection: &Value) -> Option<&Vec<Value>> {
    connection.get("federation").and_then(Value::as_array)
}

fn certificates(connection: &Value) -> String {
    lines(connection, "/idp/certificates", |certificate| {
        let (key, end) = (text_at(certificate, "/key"), time_at(certificate, "/not_after"));
        format!("{key}, expires {end}\n{}", text_at(certificate, "/fingerprint"))
    })
}

fn lines(connection: &Value, pointer: &str, line: fn(&Value) -> String) -> String {
    let values = connection.pointer(pointer).and_then(Value::as_array);
    match values {
        Some(values) if !values.is_empty() => {
            values.iter().map(line).collect::<Vec<String>>().join("\n")
        }
        Some(_) | None => NOTHING.to_owned(),
    }
}
