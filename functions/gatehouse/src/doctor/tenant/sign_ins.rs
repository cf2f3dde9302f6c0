//! Checks the recent sign-ins of a tenant.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::finding::Findings;
use crate::render::text_at;
use crate::sign_in_record::has_failed;
use crate::tenant::Tenant;

/// Checks the most recent sign-ins, newest first.
pub(super) fn check(name: &str, tenant: &Tenant, recent: &[Value], findings: &mut Findings) {
    if recent.is_empty() {
        let next = "Check that the app is rolled out, and test the connection with gatehouse \
                    connections test.";
        findings.warn(name, "no sign-ins within the last week", next);
        return;
    }
    let failed: Vec<&Value> = recent.iter().filter(|record| has_failed(record)).collect();
    // A user who fails twice is no outage.
    if failed.len() < MIN_FAILURES || failed.len() * 2 < recent.len() {
        return;
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for record in &failed {
        *codes.entry(text_at(record, "/code")).or_default() += 1;
    }
    let most = codes.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code);
    let message = format!(
        "{} of the last {} sign-ins failed, most often with {}",
        failed.len(),
        recent.len(),
        most.unwrap_or_default()
    );
    let next = format!("List them with gatehouse sign-ins list {} --failed.", tenant.id);
    findings.warn(name, message, next);
}

/// Fewer failures are not reported.
const MIN_FAILURES: usize = 3;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(codes: &[Option<&str>]) -> Vec<String> {
        let record = |code: Option<&str>| json!({"succeeded": code.is_none(), "code": code});
        let recent: Vec<Value> = codes.iter().copied().map(record).collect();
        let mut findings = Findings::default();
        let tenant = Tenant::new(json!({"id": "t1", "name": "Globex"}));
        check("Globex", &tenant, &recent, &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn failures_are_reported_if_most_sign_ins_fail() {
        let (time, audience) = (Some("saml.time"), Some("saml.audience"));
        assert_eq!(messages(&[]), ["no sign-ins within the last week"]);
        assert_eq!(messages(&[None, time, None, time, None]), [""; 0]);
        assert_eq!(messages(&[time, time]), [""; 0]);
        let expected = "3 of the last 4 sign-ins failed, most often with saml.audience";
        assert_eq!(messages(&[audience, time, None, audience]), [expected]);
    }
}
