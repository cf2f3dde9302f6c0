//! What would become of a response: all checks, for somebody who looks for the reason of a refusal.
//!
//! Invariants:
//! - Nothing is used up, linked, created or recorded, and nobody is signed in. A response that is
//!   explained can still be used once, and one that was used can still be explained.
//! - What names the person is shown only where the records of sign-ins keep it too.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::bench::Bench;
use super::record;
use super::urls::SpUrls;
use super::user::{Arrival, NoUser};
use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::secrets::saml_keys::SamlKeysError;
use saml::checks::{CheckId, Checks, Outcome};
use saml::connection::Connection;
use saml::error::SamlError;
use saml::response::{Assertion, Verdict, decode_form_field};
use saml::xml::{MESSAGE, Strict, clipped};

/// What would become of a response. Named like a record of a sign-in.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Every check passed that can be made without the person's browser.
    accepted: bool,
    /// The time that it was judged by.
    at: Timestamp,
    /// The first check that failed.
    code: Option<&'static str>,
    /// What failed, in the administrator's words.
    message: Option<String>,
    /// Who has to act.
    actor: Option<&'static str>,
    /// All 25 checks.
    checks: Value,
    /// What the provider said, if the connection keeps it.
    claims: Option<Value>,
}

/// Explains what the form field `SAMLResponse` would lead to at a connection.
///
/// # Errors
///
/// When the table or the keys cannot be read. A response that would be refused is no error.
pub async fn explain(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    field: &str,
    at: Timestamp,
) -> Result<Explanation, Problem> {
    let case = Case { app, base_url, connection, at };
    let mut checks = Checks::default();
    let mut assertion = None;
    let error = match case.run(field, &mut checks, &mut assertion).await {
        Ok(()) => None,
        Err(Stop::Refused(error)) => {
            checks.fail(&error);
            Some(error)
        }
        Err(Stop::Unavailable(problem)) => return Err(problem),
    };
    let keep = connection.settings.keep_claims;
    Ok(Explanation {
        accepted: error.is_none(),
        at,
        code: error.as_ref().map(SamlError::code),
        message: error.as_ref().map(ToString::to_string),
        actor: error.as_ref().map(|error| record::actor(error.actor())),
        checks: record::shown(&checks, keep),
        claims: assertion.as_ref().filter(|_| keep).map(record::claims),
    })
}

struct Case<'a> {
    app: &'a AppState,
    base_url: &'a BaseUrl,
    connection: &'a Connection,
    at: Timestamp,
}

/// Why a response gets no further.
enum Stop {
    /// A check failed.
    Refused(SamlError),
    /// The table or the keys do not answer.
    Unavailable(Problem),
}

impl Case<'_> {
    /// All checks that can be made. What was verified stays in `verified`.
    async fn run(
        &self,
        field: &str,
        checks: &mut Checks,
        verified: &mut Option<Assertion>,
    ) -> Result<(), Stop> {
        let assertion = verified.insert(self.verified(field, checks).await?);
        let Self { app, connection, at, base_url: _ } = *self;
        // Checks 22 and 23, without a trace.
        Ok(Arrival { app, connection, assertion, now: at }.rehearse(checks).await?)
    }

    /// Checks 1 to 16 and 18 to 21.
    async fn verified(&self, field: &str, checks: &mut Checks) -> Result<Assertion, Stop> {
        let trust = self.connection.ready().map_err(SamlError::Connection)?;
        let keys = self.app.saml_keys.load(self.app.clock.now()).await?;
        let bench = Bench {
            connection: self.connection,
            trust,
            urls: SpUrls::new(self.base_url, &self.connection.domain),
            keys: &keys,
        };
        let response = decode_form_field(field)?;
        let provider = bench.provider(&response)?;
        // Whether the browser asked, nobody can tell here: what it says to answer is taken for
        // asked, so that the checks after this one are made too.
        let asked = answers(&response);
        let open: Vec<&str> = asked.as_deref().into_iter().collect();
        let Verdict { result, checks: found } =
            bench.verify(provider, &response, &open, self.at)?;
        *checks = found;
        checks.pass(CheckId::Connection, "on", "on");
        if let Some(asked) = asked
            && checks.outcome(CheckId::InResponseTo) == Outcome::Passed
        {
            let expected = "a request that the person's browser has open";
            checks.warn(CheckId::InResponseTo, expected, clipped(&asked, 128));
        }
        Ok(result?)
    }
}

impl From<SamlError> for Stop {
    fn from(error: SamlError) -> Self {
        Self::Refused(error)
    }
}

impl From<SamlKeysError> for Stop {
    fn from(error: SamlKeysError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<NoUser> for Stop {
    fn from(error: NoUser) -> Self {
        match error {
            NoUser::Refused(error) => Self::Refused(error),
            NoUser::Store(error) => Self::Unavailable(error.into()),
        }
    }
}

/// The request that a response says to answer, read only to be shown.
fn answers(response: &[u8]) -> Option<String> {
    let document = Strict::parse_within(response, MESSAGE).ok()?;
    document.root().attribute("InResponseTo").map(str::to_owned)
}
