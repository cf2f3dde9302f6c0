//! Checks the deployment as a whole: access, clocks, OpenID discovery and signing keys.
//!
//! Reads the clock of this machine, sends only GET requests, and adds each result to the
//! findings. Their form is in `finding`, the checks of one tenant are in `tenant`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::finding::Findings;
use crate::api::Api;
use crate::clock;
use crate::http::Response;
use crate::render::text_at;

/// Checks the deployment. Returns the time of its clock, which the other checks use; `None` if the
/// deployment refuses the caller, so that nothing else can be checked.
pub(super) async fn check(api: &Api, findings: &mut Findings) -> Option<Timestamp> {
    let target = api.http.target.to_string();
    let sent_at = clock::now();
    let response = match api.http.send("GET", PATH, None).await {
        Ok(response) => response,
        Err(error) => {
            findings.fail("API", error.to_string(), error.advice().unwrap_or_default());
            return None;
        }
    };
    let received_at = clock::now();
    let elapsed = received_at.duration_since(sent_at);
    // First, because a wrong clock is the usual reason for a refused signature.
    check_clock(&response, sent_at + elapsed / 2, findings);
    if let Err(error) = api.parse_response(PATH, &response) {
        findings.fail("API", error.to_string(), error.advice().unwrap_or_default());
        return None;
    }
    findings.ok("API", format!("{target} responds within {} ms", elapsed.as_millis()));
    findings.ok("access", format!("{} is accepted", api.http.auth.description()));
    check_issuer(api, findings).await;
    Some(response.date.unwrap_or(received_at))
}

/// Compares the two clocks. Signature Version 4 and SAML accept a difference of a few minutes.
fn check_clock(response: &Response, now: Timestamp, findings: &mut Findings) {
    let Some(date) = response.date else {
        findings.warn(
            "clock",
            "the response has no Date header",
            "Compare the clocks of this machine and of the deployment by hand.",
        );
        return;
    };
    let difference = now.duration_since(date);
    let direction = if difference.is_negative() { "behind" } else { "ahead of" };
    let seconds = difference.abs().as_secs();
    let message = format!("this machine is {seconds} s {direction} the deployment");
    let next = "Correct the clock of this machine (NTP): signatures are refused if it is off by 5 \
                minutes or more.";
    // `Date` has whole seconds.
    if difference.abs() <= SignedDuration::from_secs(30) {
        findings.ok("clock", message);
    } else if difference.abs() <= SignedDuration::from_mins(4) {
        findings.warn("clock", message, next);
    } else {
        findings.fail("clock", message, next);
    }
}

/// Checks the public documents that apps read: OpenID discovery and the signing keys.
async fn check_issuer(api: &Api, findings: &mut Findings) {
    let target = &api.http.target;
    let discovery = match read_json(api, &target.join("/.well-known/openid-configuration")).await {
        Ok(discovery) => discovery,
        Err(reason) => {
            let next = "Apps cannot start a sign-in: look at the function oidc and its alarms.";
            findings.fail("OpenID discovery", reason, next);
            return;
        }
    };
    let issuer = text_at(&discovery, "/issuer");
    if issuer == target.to_string() {
        findings.ok("OpenID discovery", format!("the issuer is {issuer}"));
    } else {
        let next = "Configure apps with this issuer, not with the URL that you use here.";
        findings.warn("OpenID discovery", format!("the issuer is {issuer}, not {target}"), next);
    }
    let jwks = text_at(&discovery, "/jwks_uri");
    let keys = read_json(api, &jwks)
        .await
        .map(|jwks| jwks.get("keys").and_then(Value::as_array).map(Vec::len).unwrap_or_default());
    let next = "Apps cannot verify tokens: look at the function oidc and its alarms.";
    match keys {
        Ok(0) => findings.fail("signing keys", format!("{jwks} contains no key"), next),
        Ok(count) => findings.ok("signing keys", format!("{count} at {jwks}")),
        Err(reason) => findings.fail("signing keys", reason, next),
    }
}

async fn read_json(api: &Api, url: &str) -> Result<Value, String> {
    let text = read_document(api, url).await?;
    serde_json::from_slice(&text).map_err(|_| format!("{url} is not JSON"))
}

/// Reads a public document. The error is a sentence for people.
pub(super) async fn read_document(api: &Api, url: &str) -> Result<Vec<u8>, String> {
    match api.http.read_public(url).await {
        Ok(Response { status: 200, body, date: _ }) => Ok(body),
        Ok(Response { status, .. }) => Err(format!("{url} responds with status {status}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The smallest request that needs access.
const PATH: &str = "/v1/tenants?limit=1";

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_clock_fails_before_its_signatures_are_refused() {
        let date: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let response = Response { status: 200, date: Some(date), body: Vec::new() };
        for (seconds, level) in [
            (0, Level::Ok),
            (-30, Level::Ok),
            (31, Level::Warn),
            (-240, Level::Warn),
            (241, Level::Fail),
            (-86_400, Level::Fail),
        ] {
            let mut findings = Findings::default();
            check_clock(&response, date + SignedDuration::from_secs(seconds), &mut findings);
            assert_eq!(findings.count(level), 1, "{seconds}");
        }
    }
}
