//! Checks one connection: its status, certificates and metadata, and whether our metadata is
//! served.

use jiff::Timestamp;
use serde_json::Value;

use super::super::deployment::read_document;
use super::super::finding::{Findings, days_until, in_days};
use super::NOTICE_DAYS;
use crate::api::Api;
use crate::render::text_at;
use crate::tenant::Tenant;

/// Checks a connection and the metadata that we serve for it.
pub(super) async fn check(
    api: &Api,
    tenant: &Tenant,
    connection: &Value,
    now: Timestamp,
    findings: &mut Findings,
) {
    let about = format!("{}, {}", tenant.name(), text_at(connection, "/domain"));
    check_document(&about, tenant, connection, now, findings);
    let url = text_at(connection, "/sp/metadata_url");
    let served = read_document(api, &url).await.and_then(|document| {
        let text = String::from_utf8_lossy(&document);
        let ours = format!("entityID=\"{}\"", text_at(connection, "/sp/entity_id"));
        if text.contains(&ours) {
            Ok(())
        } else {
            Err(format!("{url} does not contain our metadata"))
        }
    });
    if let Err(reason) = served {
        let next = "The identity provider cannot read our metadata: look at the function \
                    saml-metadata.";
        findings.fail(&about, reason, next);
    }
}

/// Whether people can sign in through the connection.
pub(super) fn is_ready(connection: &Value) -> bool {
    status(connection) == Some("ready")
}

fn status(connection: &Value) -> Option<&str> {
    connection.get("status").and_then(Value::as_str)
}

/// Checks the document that the API returned.
fn check_document(
    about: &str,
    tenant: &Tenant,
    connection: &Value,
    now: Timestamp,
    findings: &mut Findings,
) {
    let set = format!("gatehouse connections set {} {}", tenant.id, text_at(connection, "/domain"));
    match status(connection) {
        Some("waiting_for_metadata") => {
            findings.warn(
                about,
                "the metadata of the identity provider is missing",
                format!("Add it with {set} --metadata-url URL."),
            );
        }
        Some("disabled") => {
            findings.warn(
                about,
                "the connection is disabled",
                format!("Enable it with {set} --enabled."),
            );
        }
        Some(_) | None => {}
    }
    let single = connection.get("idp").filter(|idp| !idp.is_null());
    let members = connection.get("federation").and_then(Value::as_array);
    for provider in single.into_iter().chain(members.into_iter().flatten()) {
        check_provider(about, provider, now, findings);
    }
    let from_url = connection.get("metadata_url").is_some_and(Value::is_string);
    let age = days_until(connection, "/metadata_read_at", now);
    if let Some(age) = age.filter(|age| from_url && *age < -STALE_DAYS) {
        let next = format!(
            "Find out why with gatehouse connections refresh {} {}.",
            tenant.id,
            text_at(connection, "/domain")
        );
        findings.warn(about, format!("the metadata was last read {} days ago", -age), next);
    }
}

fn check_provider(about: &str, provider: &Value, now: Timestamp, findings: &mut Findings) {
    let entity = text_at(provider, "/entity_id");
    let ends: Vec<i64> = provider
        .get("certificates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|certificate| days_until(certificate, "/not_after", now))
        .collect();
    // A certificate that is valid for longer means that the provider has already switched to it.
    if let Some(last) = ends.into_iter().max().filter(|last| *last < NOTICE_DAYS) {
        let message = format!("the last certificate of {entity} expires {}", in_days(last));
        let next = "Ask the tenant's admin when the identity provider gets a new certificate, and \
                    refresh the metadata then. Sign-in continues with an expired one.";
        findings.warn(about, message, next);
    }
    if let Some(days) = days_until(provider, "/valid_until", now).filter(|days| *days < NOTICE_DAYS)
    {
        let message = format!("the metadata of {entity} expires {}", in_days(days));
        findings.warn(about, message, "Ask the tenant's admin for new metadata.");
    }
}

/// Age in days that metadata, which is refreshed every twelve hours, does not reach.
const STALE_DAYS: i64 = 2;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::finding::Level;
    use super::*;

    fn warnings(connection: &Value) -> Vec<String> {
        let mut findings = Findings::default();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let tenant = Tenant::new(json!({"id": "t1", "name": "Globex"}));
        check_document("Globex, acme.com", &tenant, connection, now, &mut findings);
        assert_eq!(findings.count(Level::Ok) + findings.count(Level::Fail), 0);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn a_connection_without_problems_is_not_reported() {
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
    fn missing_disabled_stale_and_expiring_parts_are_reported() {
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
                "the connection is disabled",
                "the last certificate of a expires in 9 days",
                "the metadata of a expires tomorrow",
                "the metadata was last read 10 days ago",
            ]
        );
        let waiting = json!({"status": "waiting_for_metadata", "idp": null, "federation": null});
        assert_eq!(warnings(&waiting), ["the metadata of the identity provider is missing"]);
    }
}
