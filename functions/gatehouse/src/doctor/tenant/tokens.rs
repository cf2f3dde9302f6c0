//! Checks the SCIM tokens of a tenant.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::finding::{Findings, days_until, in_days};
use super::NOTICE_DAYS;
use crate::render::{text_at, time_at};
use crate::tenant::Tenant;

/// Checks that no token expires soon, and that none is left over from a replacement.
pub(super) fn check(
    name: &str,
    tenant: &Tenant,
    tokens: &[Value],
    now: Timestamp,
    findings: &mut Findings,
) {
    for token in tokens {
        check_expiry(name, tenant, token, tokens.len(), now, findings);
    }
    check_replaced(name, tenant, tokens, findings);
}

fn check_expiry(
    name: &str,
    tenant: &Tenant,
    token: &Value,
    count: usize,
    now: Timestamp,
    findings: &mut Findings,
) {
    let days = days_until(token, "/expires_at", now);
    let Some(days) = days.filter(|days| *days < NOTICE_DAYS) else { return };
    let last4 = text_at(token, "/last4");
    let message = format!("the SCIM token that ends in {last4} expires {}", in_days(days));
    let (tenant, id) = (&tenant.id, text_at(token, "/id"));
    let next = if count == 1 {
        format!(
            "Run gatehouse tokens create {tenant}, copy the token into the identity provider, then \
             revoke {id}."
        )
    } else {
        // A third token cannot be created.
        format!(
            "Copy the other token into the identity provider, then run gatehouse tokens revoke \
             {tenant} {id}."
        )
    };
    findings.warn(name, message, next);
}

/// Reports the older of two tokens once the identity provider uses the newer one instead.
fn check_replaced(name: &str, tenant: &Tenant, tokens: &[Value], findings: &mut Findings) {
    let [one, other] = tokens else { return };
    let created = |token: &Value| time(token, "/created_at");
    let (older, newer) = if created(one) <= created(other) { (one, other) } else { (other, one) };
    let Some(newer_used) = time(newer, "/last_used_at") else { return };
    // The older one may have been used for a minute after the time that is known.
    let is_replaced = time(older, "/last_used_at").is_none_or(|used| used + NOTED < newer_used);
    if !is_replaced {
        return;
    }
    let since = match older.get("last_used_at") {
        Some(Value::String(_)) => {
            format!("has not been used since {}", time_at(older, "/last_used_at"))
        }
        Some(_) | None => "has never been used".to_owned(),
    };
    let message = format!(
        "the SCIM token that ends in {} {since}, and the newer one was used by {} at {}",
        text_at(older, "/last4"),
        text_at(newer, "/last_used_by"),
        time_at(newer, "/last_used_at"),
    );
    let next = format!("Run gatehouse tokens revoke {} {}.", tenant.id, text_at(older, "/id"));
    findings.warn(name, message, next);
}

fn time(token: &Value, pointer: &str) -> Option<Timestamp> {
    token.pointer(pointer)?.as_str()?.parse().ok()
}

/// Uses of a token within this time of the last are not noted.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::finding::{Finding, Level};
    use super::*;

    fn warnings(tokens: &[Value]) -> Vec<Finding> {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let tenant = Tenant::new(json!({"id": "t1", "name": "Globex"}));
        let mut findings = Findings::default();
        check("Globex", &tenant, tokens, now, &mut findings);
        assert!(findings.iter().all(|finding| finding.level == Level::Warn));
        findings.iter().cloned().collect()
    }

    fn token(id: &str, created: &str, used: Option<&str>) -> Value {
        let by = used.map(|_| "Okta");
        json!({
            "id": id, "last4": format!("{id}{id}"), "created_at": created,
            "expires_at": "2028-01-01T00:00:00Z", "last_used_at": used, "last_used_by": by,
        })
    }

    #[test]
    fn a_token_that_expires_within_thirty_days_is_reported() {
        for (end, count) in [("2026-12-23T12:00:00Z", 0), ("2026-12-01T13:00:00Z", 1)] {
            let token = json!({"id": "9f1c", "last4": "x0Zk", "expires_at": end});
            let found = warnings(std::slice::from_ref(&token));
            assert_eq!(found.len(), count, "{end}");
            for finding in found {
                assert_eq!(finding.message, "the SCIM token that ends in x0Zk expires in 9 days");
                assert!(finding.next.unwrap().contains("tokens create t1"));
            }
            for finding in warnings(&[token, json!({"expires_at": "2028-01-01T00:00:00Z"})]) {
                assert!(finding.next.unwrap().contains("tokens revoke t1 9f1c"));
            }
        }
    }

    #[test]
    fn an_old_token_is_reported_once_only_the_newer_one_is_used() {
        let (june, july) = ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
        let at = |minute: &str| format!("2026-11-22T{minute}:00Z");
        for (old_used, new_used, is_reported) in [
            (Some(at("10:00")), Some(at("10:02")), true),
            (None, Some(at("10:02")), true),
            // The old one may have been used until 10:01.
            (Some(at("10:00")), Some(at("10:01")), false),
            (Some(at("10:05")), Some(at("10:02")), false),
            (Some(at("10:00")), None, false),
            (None, None, false),
        ] {
            let old = token("a", june, old_used.as_deref());
            let new = token("b", july, new_used.as_deref());
            for tokens in [[old.clone(), new.clone()], [new, old.clone()]] {
                let found = warnings(&tokens);
                assert_eq!(found.len(), usize::from(is_reported), "{tokens:?}");
                for finding in found {
                    assert!(finding.message.contains("ends in aa"), "{}", finding.message);
                    let next = "Run gatehouse tokens revoke t1 a.";
                    assert_eq!(finding.next.as_deref(), Some(next));
                }
            }
            assert!(warnings(&[old]).is_empty());
        }
    }

    #[test]
    fn a_finding_says_when_both_tokens_were_used() {
        let june = token("a", "2026-06-01T00:00:00Z", Some("2026-11-21T09:00:00Z"));
        let july = token("b", "2026-07-01T00:00:00Z", Some("2026-11-22T10:02:00Z"));
        assert_eq!(
            warnings(&[june, july.clone()])[0].message,
            "the SCIM token that ends in aa has not been used since 2026-11-21T09:00:00Z, and the \
             newer one was used by Okta at 2026-11-22T10:02:00Z"
        );
        let unused = token("a", "2026-06-01T00:00:00Z", None);
        let message = &warnings(&[unused, july])[0].message;
        assert!(message.contains("ends in aa has never been used, and"), "{message}");
    }

    #[test]
    fn tokens_of_a_deployment_that_does_not_note_uses_are_not_reported() {
        let token = |created: &str| json!({"id": "a", "created_at": created});
        let tokens = [token("2026-06-01T00:00:00Z"), token("2026-07-01T00:00:00Z")];
        assert!(warnings(&tokens).is_empty());
    }
}
