//! The record of a sign-in, for the administrator, and its reference, for the person.
//!
//! A record holds no claims and no identifier of the person unless the connection keeps claims.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::random_bytes;
use crate::error_chain::ErrorChain;
use crate::runtime::state::AppState;
use crate::store::{SignInRecord, record_id};
use oidc::purpose::Purpose;
use saml::checks::Checks;
use saml::connection::Connection;
use saml::error::SamlError;
use saml::response::Assertion;
use types::ids::ResourceId;

/// The contents of a record besides the checks.
pub(crate) struct Facts<'a> {
    /// The purpose of the sign-in; `None` if the identity provider started it.
    pub(crate) purpose: Option<&'a Purpose>,
    /// The user that signed in.
    pub(crate) user: Option<ResourceId>,
    /// The reason of a refusal.
    pub(crate) error: Option<&'a SamlError>,
    /// The assertion, once it is verified.
    pub(crate) assertion: Option<&'a Assertion>,
}

/// Writes the record and returns its reference.
///
/// A failed write is logged and does not end the sign-in.
pub(crate) async fn write(
    app: &AppState,
    connection: &Connection,
    checks: &Checks,
    facts: Facts<'_>,
    now: Timestamp,
) -> String {
    let reference = reference();
    // Anybody can send a response that does not verify. Their records are rationed: they must not
    // fill the table at our cost.
    if facts.error.is_some()
        && facts.assertion.is_none()
        && app.refused_records.take(connection.tenant, now).is_err()
    {
        return reference;
    }
    let keep = connection.settings.keep_claims;
    let Ok(random) = random_bytes() else { return reference };
    let record = SignInRecord {
        id: record_id(now, random),
        at: now,
        reference: reference.clone(),
        domain: connection.domain.clone(),
        began: began(facts.purpose).to_owned(),
        succeeded: facts.error.is_none(),
        code: facts.error.map(|error| error.code().to_owned()),
        message: facts.error.map(ToString::to_string),
        actor: facts.error.map(|error| error.actor().as_str().to_owned()),
        user: facts.user,
        checks: render_checks(checks, keep),
        claims: facts.assertion.filter(|_| keep).map(render_claims),
    };
    if let Err(error) = app.store.record_sign_in(connection.tenant, record).await {
        tracing::error!("could not record a sign-in: {}", ErrorChain(&error));
    }
    reference
}

/// The starter of the sign-in, as the record says it.
const fn began(purpose: Option<&Purpose>) -> &'static str {
    match purpose {
        None => "provider",
        Some(Purpose::App(_)) => "app",
        Some(Purpose::Start { .. }) => "start",
        Some(Purpose::Test) => "test",
    }
}

/// Returns eight characters that people can read out: 40 random bits.
fn reference() -> String {
    let bytes: [u8; 8] = random_bytes().unwrap_or_default();
    let letter = |byte: u8| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0');
    let letters: String = bytes.into_iter().map(|byte| char::from(letter(byte))).collect();
    let (first, last) = letters.split_at_checked(4).unwrap_or((&letters, ""));
    format!("{first}-{last}")
}

/// Writes the checks as JSON. Values that identify the person are redacted unless `keep_claims`.
pub(crate) fn render_checks(checks: &Checks, keep_claims: bool) -> Value {
    let lines = checks.iter().map(|check| {
        let received = if check.id.info().is_personal && !keep_claims && !check.received.is_empty()
        {
            REDACTED
        } else {
            &check.received
        };
        json!({
            "id": check.id,
            "title": check.id.title(),
            "outcome": check.outcome,
            "expected": check.expected,
            "received": received,
        })
    });
    lines.collect()
}

/// Writes the claims of an assertion as JSON, up to what a row can hold.
pub(crate) fn render_claims(assertion: &Assertion) -> Value {
    let attributes = assertion.attributes.iter().take(MAX_ATTRIBUTES).map(|attribute| {
        let values = attribute.values.iter().take(MAX_VALUES);
        let values: Vec<String> =
            values.map(|value| saml::xml::truncate(value, MAX_VALUE_CHARS)).collect();
        json!({"name": attribute.name, "values": values})
    });
    let subject = assertion.identity.best();
    json!({
        "issuer": assertion.issuer,
        "subject": {"source": subject.source.as_str(), "value": subject.value},
        "authn_instant": assertion.authn_instant,
        "authn_context": assertion.authn_context,
        "session_index": assertion.session_index,
        "session_not_on_or_after": assertion.session_not_on_or_after,
        "attributes": attributes.collect::<Vec<Value>>(),
    })
}

/// Crockford's base 32, which has no two letters that look alike.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const REDACTED: &str = "(not kept)";

// Enough of large claims to see what is wrong, within what a row can hold.
const MAX_ATTRIBUTES: usize = 40;
const MAX_VALUES: usize = 20;
const MAX_VALUE_CHARS: usize = 200;
