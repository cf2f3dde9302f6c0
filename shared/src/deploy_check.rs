//! The check that a new version has to pass before it gets traffic.
//!
//! `CodeDeploy` calls it between publishing a version and moving the first request to it. It does
//! what an identity provider and a browser do, against the new versions themselves and in a
//! tenant of its own: users come, change and go by SCIM; somebody signs in by SAML with a response
//! signed by a key made a moment ago; and what must be refused is refused. The first step that
//! does not go as it should fails the deployment, and the old version keeps all traffic.
//!
//! Invariants:
//! - It reaches the functions by the events that API Gateway sends, so nothing is bypassed but API
//!   Gateway itself, which still leads to the old version.
//! - What it makes it removes, also when a step failed. What a run that died has left, the next
//!   one removes.
//! - A failure names its step, what was expected and what came instead, and holds no secret.
//!
//! The steps are pure of AWS: they talk to whatever implements [`Invoke`].

mod answer;
mod aws;
mod canary;
mod event;
mod hook;
mod saml;
mod scim;

use std::time::Duration;

use serde_json::Value;

use self::answer::Answer;
use self::event::Request;
pub use self::hook::serve;
use crate::clock::Clock;

/// The functions that are checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Function {
    /// `/scim/v2`.
    Scim,
    /// `/v1`.
    Admin,
    /// `/saml/sso`.
    SamlAcs,
    /// `/saml/metadata`.
    SamlMetadata,
    /// `/oauth2` and `/.well-known`.
    Oidc,
}

/// Gets an event to a function, and its answer back.
pub trait Invoke {
    /// Invokes the new version of `function` and waits for what it returns.
    fn invoke(
        &self,
        function: Function,
        event: &Value,
    ) -> impl Future<Output = Result<Value, InvokeFault>> + Send;
}

/// Why a function gave no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvokeFault {
    /// The invocation itself failed.
    #[error("the function cannot be invoked: {0}")]
    Refused(String),
    /// The function ended without an answer.
    #[error("the function crashed: {0}")]
    Crashed(String),
}

/// The step at which a version has failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{step}: expected {expected}, received {received}")]
pub struct Failure {
    /// Its name, such as `scim.create`.
    pub step: &'static str,
    /// What a good version does.
    pub expected: String,
    /// What this one did.
    pub received: String,
}

impl Failure {
    fn new(step: &'static str, expected: impl Into<String>, received: impl Into<String>) -> Self {
        Self { step, expected: expected.into(), received: received.into() }
    }
}

/// One run of the check.
#[derive(Debug)]
pub struct Check<'a, I> {
    /// How functions are reached.
    pub invoke: &'a I,
    /// The time; the functions' clocks are close to it.
    pub clock: &'a Clock,
    /// The host that the events name.
    pub host: &'a str,
    /// Who calls the operator API: the ARN of whoever runs the check.
    pub caller: &'a str,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Does every step, and removes what it made.
    ///
    /// # Errors
    ///
    /// The first step that went wrong.
    pub async fn run(&self) -> Result<(), Failure> {
        self.layout().await?;
        let canary = self.take_tenant().await?;
        let checked = async {
            self.scim_round_trip(&canary).await?;
            self.saml_round_trip(&canary).await?;
            self.discovery().await
        };
        let checked = checked.await;
        let removed = self.remove_tenant(&canary.tenant).await;
        if let (Err(_), Err(left)) = (&checked, &removed) {
            tracing::warn!(failure = %left, "the check has left its tenant; the next run removes it");
        }
        checked.and(removed)
    }

    /// The new version can read what the table holds.
    async fn layout(&self) -> Result<(), Failure> {
        let step = "table.layout";
        let claim = Request::operator("POST", "/v1/layout");
        self.send(step, Function::Admin, claim).await?.expect(step, 200).map(drop)
    }

    /// One event and its answer, within the time that API Gateway would wait.
    async fn send(
        &self,
        step: &'static str,
        function: Function,
        request: Request<'_>,
    ) -> Result<Answer, Failure> {
        let event = request.event(self.host, self.caller, self.clock.now());
        let answer = tokio::time::timeout(LONGEST, self.invoke.invoke(function, &event)).await;
        let Ok(answer) = answer else {
            let expected = format!("an answer within {} s", LONGEST.as_secs());
            return Err(Failure::new(step, expected, "none"));
        };
        let value = answer.map_err(|fault| Failure::new(step, "an answer", fault.to_string()))?;
        Answer::read(&value)
            .ok_or_else(|| Failure::new(step, "an answer for API Gateway", "something else"))
    }
}

/// API Gateway gives up after 30 s. A first request may have to make the service provider's keys
/// on a small share of a processor, so nothing much shorter would do.
const LONGEST: Duration = Duration::from_secs(25);
