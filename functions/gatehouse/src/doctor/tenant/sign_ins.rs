//! The sign-ins of the last week.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::finding::Findings;
use crate::commands::sign_ins::has_failed;
use crate::render::at;
use crate::tenant::Tenant;

/// Looks at the latest, the newest first.
pub(super) fn look(name: &str, tenant: &Tenant, recent: &[Value], findings: &mut Findings) {
    if recent.is_empty() {
        let next = "Is the app rolled out? gatehouse connections test tries the connection.";
        findings.warn(name, "nobody has signed in within the last week", next);
        return;
    }
    let failed: Vec<&Value> = recent.iter().filter(|record| has_failed(record)).collect();
    // One person who fails twice is no outage.
    if failed.len() < FEWEST || failed.len() * 2 < recent.len() {
        return;
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for record in &failed {
        *codes.entry(at(record, "/code")).or_default() += 1;
    }
    let most = codes.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code);
    let message = format!(
        "{} of the last {} sign-ins failed, most by {}",
        failed.len(),
        recent.len(),
        most.unwrap_or_default()
    );
    findings.warn(name, message, format!("gatehouse sign-ins list {} --failed", tenant.id));
}

const FEWEST: usize = 3;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(codes: &[Option<&str>]) -> Vec<String> {
        let record = |code: Option<&str>| json!({"succeeded": code.is_none(), "code": code});
        let recent: Vec<Value> = codes.iter().copied().map(record).collect();
        let mut findings = Findings::default();
        let tenant = Tenant::of(json!({"id": "t1", "name": "Globex"}));
        look("Globex", &tenant, &recent, &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn failures_are_named_when_they_are_many() {
        let (time, audience) = (Some("saml.time"), Some("saml.audience"));
        assert_eq!(messages(&[]), ["nobody has signed in within the last week"]);
        assert_eq!(messages(&[None, time, None, time, None]), [""; 0]);
        assert_eq!(messages(&[time, time]), [""; 0]);
        let expected = "3 of the last 4 sign-ins failed, most by saml.audience";
        assert_eq!(messages(&[audience, time, None, audience]), [expected]);
    }
}
