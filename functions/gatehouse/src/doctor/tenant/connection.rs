//! One connection of a tenant.

use jiff::Timestamp;
use serde_json::Value;

use super::super::deployment::read_document;
use super::super::finding::{Findings, days_until, in_days};
use super::SOON;
use crate::api::Api;
use crate::render::at;
use crate::tenant::Tenant;

/// Looks at a connection, and at the metadata that we serve for it.
pub(super) async fn look(
    api: &Api,
    tenant: &Tenant,
    connection: &Value,
    now: Timestamp,
    findings: &mut Findings,
) {
    let about = format!("{}, {}", tenant.name(), at(connection, "/domain"));
    judge(&about, tenant, connection, now, findings);
    let url = at(connection, "/sp/metadata_url");
    let served = read_document(api, &url).await.and_then(|document| {
        let text = String::from_utf8_lossy(&document);
        let ours = format!("entityID=\"{}\"", at(connection, "/sp/entity_id"));
        if text.contains(&ours) { Ok(()) } else { Err(format!("{url} is not our metadata")) }
    });
    if let Err(reason) = served {
        let next = "The provider cannot read our metadata: look at the function saml-metadata.";
        findings.fail(&about, reason, next);
    }
}

/// Whether people may sign in by it.
pub(super) fn is_ready(connection: &Value) -> bool {
    status(connection) == Some("ready")
}

fn status(connection: &Value) -> Option<&str> {
    connection.get("status").and_then(Value::as_str)
}

/// What the API says about it.
fn judge(
    about: &str,
    tenant: &Tenant,
    connection: &Value,
    now: Timestamp,
    findings: &mut Findings,
) {
    let set = format!("gatehouse connections set {} {}", tenant.id, at(connection, "/domain"));
    match status(connection) {
        Some("waiting_for_metadata") => {
            findings.warn(
                about,
                "it waits for the provider's metadata",
                format!("{set} --metadata-url URL"),
            );
        }
        Some("disabled") => {
            findings.warn(
                about,
                "it is switched off",
                format!("{set} --enabled, when people may sign in."),
            );
        }
        Some(_) | None => {}
    }
    let lone = connection.get("idp").filter(|idp| !idp.is_null());
    let members = connection.get("federation").and_then(Value::as_array);
    for provider in lone.into_iter().chain(members.into_iter().flatten()) {
        look_at_provider(about, provider, now, findings);
    }
    let from_url = connection.get("metadata_url").is_some_and(Value::is_string);
    let age = days_until(connection, "/metadata_read_at", now);
    if let Some(age) = age.filter(|age| from_url && *age < -STALE) {
        let next = format!(
            "gatehouse connections refresh {} {} says why it is not read any more.",
            tenant.id,
            at(connection, "/domain")
        );
        findings.warn(about, format!("its metadata was read {} days ago", -age), next);
    }
}

fn look_at_provider(about: &str, provider: &Value, now: Timestamp, findings: &mut Findings) {
    let entity = at(provider, "/entity_id");
    let ends: Vec<i64> = provider
        .get("certificates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|certificate| days_until(certificate, "/not_after", now))
        .collect();
    // As long as one of them is good for long, the provider has changed over already.
    if let Some(last) = ends.into_iter().max().filter(|last| *last < SOON) {
        let message = format!("the last certificate of {entity} expires {}", in_days(last));
        let next = "Ask the tenant's admin when the provider gets a new one, and refresh the \
                    metadata then. Sign-in goes on with an expired one.";
        findings.warn(about, message, next);
    }
    if let Some(days) = days_until(provider, "/valid_until", now).filter(|days| *days < SOON) {
        let message = format!("the metadata of {entity} is valid until {}", in_days(days));
        findings.warn(about, message, "Ask the tenant's admin for newer metadata.");
    }
}

/// Days. Refreshed every twelve hours, metadata is never that old.
const STALE: i64 = 2;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::finding::Level;
    use super::*;

    fn warnings(connection: &Value) -> Vec<String> {
        let mut findings = Findings::default();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let tenant = Tenant::of(json!({"id": "t1", "name": "Globex"}));
        judge("Globex, acme.com", &tenant, connection, now, &mut findings);
        assert_eq!(findings.count(Level::Ok) + findings.count(Level::Fail), 0);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn what_is_well_is_not_named() {
        let long = json!({"not_after": "2030-01-01T00:00:00Z"});
        let past = json!({"not_after": "2026-01-01T00:00:00Z"});
        let connection = json!({
            "status": "ready",
            "idp": {"entity_id": "https://idp.example", "certificates": [past, long], "valid_until": null},
            "metadata_url": "https://idp.example/metadata",
            "metadata_read_at": "2026-11-22T01:00:00Z",
        });
        assert_eq!(warnings(&connection), [""; 0]);
    }

    #[test]
    fn what_will_not_last_is_named() {
        let soon = json!({"not_after": "2026-12-01T13:00:00Z"});
        let connection = json!({
            "status": "disabled",
            "federation": [
                {"entity_id": "a", "certificates": [soon], "valid_until": "2026-11-23T13:00:00Z"},
            ],
            "metadata_url": "https://idp.example/metadata",
            "metadata_read_at": "2026-11-12T12:00:00Z",
        });
        assert_eq!(
            warnings(&connection),
            [
                "it is switched off",
                "the last certificate of a expires in 9 days",
                "the metadata of a is valid until tomorrow",
                "its metadata was read 10 days ago",
            ]
        );
        let waiting = json!({"status": "waiting_for_metadata", "idp": null, "federation": null});
        assert_eq!(warnings(&waiting), ["it waits for the provider's metadata"]);
    }
}
