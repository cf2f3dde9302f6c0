//! What concerns the deployment as a whole.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::finding::Findings;
use crate::api::Api;
use crate::clock;
use crate::error::Error;
use crate::http::Answer;
use crate::render::at;

/// Looks at the deployment. Gives its time, by which everything else is judged; none when it does
/// not let the caller in, and there is nothing else to look at.
pub(super) async fn look(api: &Api, findings: &mut Findings) -> Option<Timestamp> {
    let target = api.http.target.to_string();
    let asked = clock::now();
    let answer = match api.http.send("GET", PATH, None).await {
        Ok(answer) => answer,
        Err(error) => {
            findings.fail("API", error.to_string(), error.advice().unwrap_or_default());
            return None;
        }
    };
    let answered = clock::now();
    let took = answered.duration_since(asked);
    // Before anything else: a clock that is wrong is the usual reason for a refused signature.
    look_at_clock(&answer, asked + took / 2, findings);
    if let Err(error) = api.judged(PATH, &answer) {
        findings.fail("API", error.to_string(), error.advice().unwrap_or_default());
        return None;
    }
    findings.ok("API", format!("{target} answers within {} ms", took.as_millis()));
    findings.ok("access", format!("{} is accepted", api.http.auth.described()));
    look_at_issuer(api, findings).await;
    Some(answer.date.unwrap_or(answered))
}

/// Both clocks, within what Signature Version 4 and SAML put up with.
fn look_at_clock(answer: &Answer, now: Timestamp, findings: &mut Findings) {
    let Some(date) = answer.date else {
        findings.warn(
            "clock",
            "the deployment does not say what time it is",
            "Compare the clocks by hand.",
        );
        return;
    };
    let apart = now.duration_since(date);
    let message = format!("this machine is {} s off the deployment", apart.as_secs());
    let next = "Set this machine's clock (NTP): signatures are refused from 5 minutes on.";
    // `Date` has whole seconds.
    if apart.abs() <= SignedDuration::from_secs(30) {
        findings.ok("clock", message);
    } else if apart.abs() <= SignedDuration::from_mins(4) {
        findings.warn("clock", message, next);
    } else {
        findings.fail("clock", message, next);
    }
}

/// What apps read before anybody signs in: the discovery document and the keys.
async fn look_at_issuer(api: &Api, findings: &mut Findings) {
    let target = &api.http.target;
    let discovery = match read_json(api, &target.join("/.well-known/openid-configuration")).await {
        Ok(discovery) => discovery,
        Err(reason) => {
            let next = "Apps cannot sign anybody in: look at the function oidc and its alarms.";
            findings.fail("OpenID discovery", reason, next);
            return;
        }
    };
    let issuer = at(&discovery, "/issuer");
    if issuer == target.to_string() {
        findings.ok("OpenID discovery", format!("the issuer is {issuer}"));
    } else {
        let next = "Apps have to be told this issuer, and not the URL that you use here.";
        findings.warn("OpenID discovery", format!("the issuer is {issuer}, not {target}"), next);
    }
    let jwks = at(&discovery, "/jwks_uri");
    let keys = read_json(api, &jwks)
        .await
        .map(|jwks| jwks.get("keys").and_then(Value::as_array).map(Vec::len).unwrap_or_default());
    let next = "Apps cannot check a token: look at the function oidc and its alarms.";
    match keys {
        Ok(0) => findings.fail("signing keys", format!("{jwks} has none"), next),
        Ok(count) => findings.ok("signing keys", format!("{count} at {jwks}")),
        Err(reason) => findings.fail("signing keys", reason, next),
    }
}

async fn read_json(api: &Api, url: &str) -> Result<Value, String> {
    let text = read_document(api, url).await?;
    serde_json::from_slice(&text).map_err(|_| format!("{url} is not JSON"))
}

/// What everybody can read at a URL.
pub(super) async fn read_document(api: &Api, url: &str) -> Result<Vec<u8>, String> {
    match api.http.read_public(url).await {
        Ok(Answer { status: 200, body, date: _ }) => Ok(body),
        Ok(Answer { status, .. }) => Err(format!("{url} answers {status}")),
        Err(Error::Unreachable { url, reason }) => Err(format!("{url} does not answer: {reason}")),
        Err(other) => Err(other.to_string()),
    }
}

/// The least that one can ask for.
const PATH: &str = "/v1/tenants?limit=1";

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_signatures_put_up_with() {
        let date: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let answer = Answer { status: 200, date: Some(date), body: Vec::new() };
        for (seconds, level) in [
            (0, Level::Ok),
            (-30, Level::Ok),
            (31, Level::Warn),
            (-240, Level::Warn),
            (241, Level::Fail),
            (-86_400, Level::Fail),
        ] {
            let mut findings = Findings::default();
            look_at_clock(&answer, date + SignedDuration::from_secs(seconds), &mut findings);
            assert_eq!(findings.count(level), 1, "{seconds}");
        }
    }
}
