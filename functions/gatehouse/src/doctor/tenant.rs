//! Checks one tenant: SCIM tokens, licences, connections and sign-ins.

mod connection;
mod sign_ins;
mod tokens;

use jiff::Timestamp;
use serde_json::Value;

use super::finding::Findings;
use crate::api::{Api, Paging};
use crate::error::Error;
use crate::tenant::Tenant;

/// Checks a tenant. Adds one finding for each problem, or a single one if there is none.
pub(super) async fn check(
    api: &Api,
    tenant: &Tenant,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<(), Error> {
    let before = findings.iter().count();
    let name = tenant.name();
    let tokens = list(api, &tenant.path("/scim-tokens")).await?;
    tokens::check(&name, tenant, &tokens, now, findings);
    check_seats(&name, tenant, &api.get(&tenant.path("/seats")).await?, findings);
    let connections = list(api, &tenant.path("/connections")).await?;
    for connection in &connections {
        connection::check(api, tenant, connection, now, findings).await;
    }
    let recent = api.page(&tenant.path("/sign-ins"), None, RECENT_SIGN_INS).await?.items;
    if connections.iter().any(connection::is_ready) {
        sign_ins::check(&name, tenant, &recent, findings);
    }
    if findings.iter().count() == before {
        let message = format!(
            "no problems with {} and {}",
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

fn check_seats(name: &str, tenant: &Tenant, pool: &Value, findings: &mut Findings) {
    let number = |field: &str| pool.get(field).and_then(Value::as_u64);
    let grows = pool.get("auto_upgrade").and_then(Value::as_bool) == Some(true);
    let (Some(seats), Some(used)) = (number("seats"), number("used")) else { return };
    if used >= seats && !grows {
        let next = format!(
            "Add seats with gatehouse seats set {} --seats N, or let the pool grow with \
             --auto-upgrade.",
            tenant.id
        );
        let message = format!("{used} of {seats} seats are used: new users get no full licence");
        findings.warn(name, message, next);
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Days before an expiry at which `doctor` warns.
pub(super) const NOTICE_DAYS: i64 = 30;

/// Enough sign-ins to tell whether most of them fail.
const RECENT_SIGN_INS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Level;
    use super::*;

    fn tenant() -> Tenant {
        Tenant::new(json!({"id": "t1", "name": "Globex"}))
    }

    #[test]
    fn a_full_pool_is_reported_unless_it_grows_or_is_unlimited() {
        for (pool, warnings) in [
            (json!({"seats": 5, "used": 5, "auto_upgrade": false}), 1),
            (json!({"seats": 5, "used": 4, "auto_upgrade": false}), 0),
            (json!({"seats": 5, "used": 5, "auto_upgrade": true}), 0),
            (json!({"seats": null, "used": 5, "auto_upgrade": false}), 0),
        ] {
            let mut findings = Findings::default();
            check_seats("Globex", &tenant(), &pool, &mut findings);
            assert_eq!(findings.count(Level::Warn), warnings, "{pool}");
        }
    }
}
