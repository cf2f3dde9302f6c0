//! The record of a sign-in, for the administrator; and the reference, for the person.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::random_bytes;
use crate::runtime::state::AppState;
use crate::store::{SignInRecord, record_id};
use saml::checks::{Actor, CheckId, Checks};
use saml::connection::Connection;
use saml::error::SamlError;
use saml::response::Assertion;
use types::ids::ResourceId;

/// What a record says beside the checks.
pub(super) struct Facts<'a> {
    /// `app`, `start`, `test` or `provider`.
    pub(super) began: &'static str,
    /// Who signed in.
    pub(super) user: Option<ResourceId>,
    /// Why nobody did.
    pub(super) error: Option<&'a SamlError>,
    /// What the provider said, once that is known to be the provider.
    pub(super) assertion: Option<&'a Assertion>,
}

/// Writes the record and gives the reference. A record that cannot be written stops nobody.
pub(super) async fn write(
    app: &AppState,
    connection: &Connection,
    checks: &Checks,
    facts: Facts<'_>,
    now: Timestamp,
) -> String {
    let reference = reference();
    // Before a signature is verified anybody may have sent it: records of that are rationed, so
    // that nobody fills the table at our cost.
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
        began: facts.began.to_owned(),
        succeeded: facts.error.is_none(),
        code: facts.error.map(|error| error.code().to_owned()),
        message: facts.error.map(ToString::to_string),
        actor: facts.error.map(|error| actor(error.actor()).to_owned()),
        user: facts.user,
        checks: shown(checks, keep),
        claims: facts.assertion.filter(|_| keep).map(claims),
    };
    if let Err(error) = app.store.record_sign_in(connection.tenant, record).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the record of a sign-in cannot be written"
        );
    }
    reference
}

/// Eight characters that people can read out; 40 random bits.
pub(super) fn reference() -> String {
    let bytes: [u8; 8] = random_bytes().unwrap_or_default();
    let letter = |byte: u8| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0');
    let letters: String = bytes.into_iter().map(|byte| char::from(letter(byte))).collect();
    let (first, last) = letters.split_at_checked(4).unwrap_or((&letters, ""));
    format!("{first}-{last}")
}

/// The checks without what names the person, unless the tenant wants it kept.
pub(super) fn shown(checks: &Checks, keep: bool) -> Value {
    let lines = checks.iter().map(|check| {
        let personal = matches!(check.id, CheckId::Subject | CheckId::Attributes);
        let received = if personal && !keep && !check.received.is_empty() {
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

pub(super) fn claims(assertion: &Assertion) -> Value {
    let attributes = assertion.attributes.iter().take(MOST_ATTRIBUTES).map(|attribute| {
        let values = attribute.values.iter().take(MOST_VALUES);
        let values: Vec<String> =
            values.map(|value| saml::xml::clipped(value, LONGEST_VALUE)).collect();
        json!({"name": attribute.name, "values": values})
    });
    json!({
        "issuer": assertion.issuer,
        "subject": {"source": assertion.subject.source.as_str(), "value": assertion.subject.value},
        "authn_instant": assertion.authn_instant,
        "authn_context": assertion.authn_context,
        "session_index": assertion.session_index,
        "session_not_on_or_after": assertion.session_not_on_or_after,
        "attributes": attributes.collect::<Vec<Value>>(),
    })
}

pub(super) const fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::IdpAdmin => "idp_admin",
        Actor::TenantAdmin => "tenant_admin",
        Actor::Person => "person",
        Actor::Operator => "operator",
    }
}

/// Crockford's base 32: no letter that looks like another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const REDACTED: &str = "(not kept)";

/// What of large claims is kept: enough to see what is wrong, within what a row can hold.
const MOST_ATTRIBUTES: usize = 40;
const MOST_VALUES: usize = 20;
const LONGEST_VALUE: usize = 200;
