//! Explains a response: runs all checks, for an administrator who looks for the reason of a
//! refusal.
//!
//! Invariants:
//! - Nothing is consumed, linked, created or recorded, and nobody is signed in. An explained
//!   response can still be used once, and a used one can still be explained.
//! - Values that identify the person are shown only if the records of sign-ins keep them too.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::connection_verifier::{ConnectionVerifier, request_named_by};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::sign_in::matching::Matching;
use crate::sign_in::record::{render_checks, render_claims};
use crate::sign_in::{Destination, SignInError};
use crate::store::ConnectionAuthority;
use oidc::purpose::Purpose;
use saml::checks::{CheckId, Checks, Outcome};
use saml::connection::Connection;
use saml::error::SamlError;
use saml::response::{Assertion, decode_form_field};
use saml::xml::truncate;

/// The outcome of a response, with the field names of a record of a sign-in.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Whether every check passed that can be made without the person's browser.
    accepted: bool,
    /// The time at which the response was judged.
    at: Timestamp,
    /// The first check that failed.
    code: Option<&'static str>,
    /// The failure, for the administrator.
    message: Option<String>,
    /// The party that must act.
    actor: Option<&'static str>,
    /// All 25 checks.
    checks: Value,
    /// The claims of the response, if the connection keeps them.
    claims: Option<Value>,
}

/// Explains a response to a connection, given as the form field `SAMLResponse`.
///
/// # Errors
///
/// [`SignInError::Store`] or [`SignInError::SamlKeys`] if the table or the keys cannot be read. A
/// response that would be refused is no error.
pub async fn explain(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    field: &str,
    at: Timestamp,
) -> Result<Explanation, SignInError> {
    let case = Case { app, base_url, connection, at };
    let mut checks = Checks::default();
    let mut assertion = None;
    let error = match case.run(field, &mut checks, &mut assertion).await {
        Ok(()) => None,
        Err(SignInError::Refused(error)) => {
            checks.fail(&error);
            Some(error)
        }
        Err(other) => return Err(other),
    };
    let keep_claims = connection.settings.keep_claims;
    Ok(Explanation {
        accepted: error.is_none(),
        at,
        code: error.as_ref().map(SamlError::code),
        message: error.as_ref().map(ToString::to_string),
        actor: error.as_ref().map(|error| error.actor().as_str()),
        checks: render_checks(&checks, keep_claims),
        claims: assertion.as_ref().filter(|_| keep_claims).map(render_claims),
    })
}

/// A response's connection and time.
struct Case<'a> {
    app: &'a AppState,
    base_url: &'a BaseUrl,
    connection: &'a Connection,
    at: Timestamp,
}

impl Case<'_> {
    /// Runs the checks. A verified assertion is left in `verified`, whatever comes after it.
    async fn run(
        &self,
        field: &str,
        checks: &mut Checks,
        verified: &mut Option<Assertion>,
    ) -> Result<(), SignInError> {
        let Self { app, connection, at, base_url: _ } = *self;
        let (tenant, name) = (connection.tenant, &connection.domain);
        let authority = app.store.authority(tenant, name).await?;
        let authority = authority.unwrap_or_else(|| ConnectionAuthority::implied(name.clone()));
        let assertion = verified.insert(self.verify(field, &authority, checks).await?);
        let matching = Matching::new(app, connection, &authority, assertion, at);
        matching.match_user(true, checks).await?;
        // The app that asked is known only to the person's browser: judge a sign-in without one.
        let default_app = connection.settings.default_app.as_deref();
        let purpose = Purpose::Start { target: None };
        let destination = Destination::find(app, purpose, default_app).await?;
        destination.record_check(checks);
        Ok(())
    }

    /// Checks 1 to 16 and 18 to 21.
    async fn verify(
        &self,
        field: &str,
        authority: &ConnectionAuthority,
        checks: &mut Checks,
    ) -> Result<Assertion, SignInError> {
        let trust = self.connection.active_trust().map_err(SamlError::Connection)?;
        let keys = self.app.saml_keys.load(self.app.clock.now()).await?;
        let response = decode_form_field(field)?;
        let verifier =
            ConnectionVerifier::new(self.connection, trust, authority, self.base_url, &keys);
        let provider = verifier.provider(&response)?;
        // The request is not known without the browser. The one that the response names counts as
        // open, so that the later checks run too.
        let request = request_named_by(&response);
        let open: Vec<&str> = request.as_deref().into_iter().collect();
        let acs = verifier.acs_named_by(&response);
        let verdict = verifier.verify(provider, acs, &response, &open, self.at)?;
        *checks = verdict.checks;
        if let Some(request) = request
            && checks.outcome(CheckId::InResponseTo) == Outcome::Passed
        {
            let expected = "a request that the person's browser has open";
            checks.warn(CheckId::InResponseTo, expected, truncate(&request, 128));
        }
        Ok(verdict.result?)
    }
}
