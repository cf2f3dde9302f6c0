//! What concerns one tenant.

mod connection;
mod sign_ins;

use jiff::Timestamp;
use serde_json::Value;

use super::finding::{Findings, days_until, in_days};
use crate::api::{Api, Paging};
use crate::error::Error;
use crate::render::at;
use crate::tenant::Tenant;

/// Looks at one tenant; one line says that all is well, each other finding has its own.
pub(super) async fn look(
    api: &Api,
    tenant: &Tenant,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<(), Error> {
    let before = findings.iter().count();
    let name = tenant.name();
    let tokens = list(api, &tenant.path("/scim-tokens")).await?;
    for token in &tokens {
        look_at_token(&name, tenant, token, now, findings);
    }
    look_at_seats(&name, tenant, &api.get(&tenant.path("/seats")).await?, findings);
    let connections = list(api, &tenant.path("/connections")).await?;
    for connection in &connections {
        connection::look(api, tenant, connection, now, findings).await;
    }
    let recent = api.page(&tenant.path("/sign-ins"), None, SIGN_INS).await?.items;
    if connections.iter().any(connection::is_ready) {
        sign_ins::look(&name, tenant, &recent, findings);
    }
    if findings.iter().count() == before {
        let message = format!(
            "{} live, {} well",
            counted(tokens.len(), "token"),
            counted(connections.len(), "connection")
        );
        findings.ok(&name, message);
    }
    Ok(())
}

async fn list(api: &Api, path: &str) -> Result<Vec<Value>, Error> {
    let list = api.list(path, &Paging::everything()).await?;
    Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn look_at_token(
    name: &str,
    tenant: &Tenant,
    token: &Value,
    now: Timestamp,
    findings: &mut Findings,
) {
    let Some(days) = days_until(token, "/expires_at", now).filter(|days| *days < SOON) else {
        return;
    };
    let end = at(token, "/last4");
    let message = format!("the SCIM token that ends in {end} expires {}", in_days(days));
    let next = format!(
        "gatehouse tokens create {}, put it into the identity provider, then revoke {}.",
        tenant.id,
        at(token, "/id")
    );
    findings.warn(name, message, next);
}

fn look_at_seats(name: &str, tenant: &Tenant, seats: &Value, findings: &mut Findings) {
    let number = |field: &str| seats.get(field).and_then(Value::as_u64);
    let grows = seats.get("auto_upgrade").and_then(Value::as_bool) == Some(true);
    let (Some(size), Some(used)) = (number("seats"), number("used")) else { return };
    if used >= size && !grows {
        let next = format!("gatehouse seats set {} --seats N, or --auto-upgrade.", tenant.id);
        findings.warn(
            name,
            format!("{used} of {size} licences are used: nobody gets another"),
            next,
        );
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Time to react, in days: what expires within it is worth a word.
pub(super) const SOON: i64 = 30;

/// Enough to see whether most of them fail.
const SIGN_INS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Level;
    use super::*;

    fn tenant() -> Tenant {
        Tenant::of(json!({"id": "t1", "name": "Globex"}))
    }

    #[test]
    fn a_token_is_named_while_there_is_time_to_replace_it() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        for (end, warnings) in [("2026-12-23T12:00:00Z", 0), ("2026-12-01T13:00:00Z", 1)] {
            let mut findings = Findings::default();
            let token = json!({"id": "9f1c", "last4": "x0Zk", "expires_at": end});
            look_at_token("Globex", &tenant(), &token, now, &mut findings);
            assert_eq!(findings.count(Level::Warn), warnings, "{end}");
            if let Some(finding) = findings.iter().next() {
                assert_eq!(finding.message, "the SCIM token that ends in x0Zk expires in 9 days");
                assert!(finding.next.as_ref().unwrap().contains("tokens create t1"));
            }
        }
    }

    #[test]
    fn a_full_pool_is_named_unless_it_grows_or_has_no_end() {
        for (seats, warnings) in [
            (json!({"seats": 5, "used": 5, "auto_upgrade": false}), 1),
            (json!({"seats": 5, "used": 4, "auto_upgrade": false}), 0),
            (json!({"seats": 5, "used": 5, "auto_upgrade": true}), 0),
            (json!({"seats": null, "used": 5, "auto_upgrade": false}), 0),
        ] {
            let mut findings = Findings::default();
            look_at_seats("Globex", &tenant(), &seats, &mut findings);
            assert_eq!(findings.count(Level::Warn), warnings, "{seats}");
        }
    }
}
