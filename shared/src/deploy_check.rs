//! The check of a new version before it gets traffic.
//!
//! `CodeDeploy` runs it after a version was published and before the first request is routed to it.
//! The check acts as an identity provider and a browser, against the new versions and in a tenant
//! of its own: it creates, changes and deletes a user by SCIM, signs in by SAML with a new key, reads
//! the directory as an app, and sends requests that must be refused. The first step with another result than expected fails the
//! deployment, and the old version keeps all traffic.
//!
//! Invariants:
//! - It invokes the functions with the events of API Gateway, so that only API Gateway itself is
//!   left out, which still routes to the old version.
//! - It deletes what it created, also after a failed step. The next run deletes what a crashed run
//!   left.
//! - An error names its step, the expected and the received result, and contains no secret.
//!
//! The steps know nothing of AWS: they call an [`Invoke`], which is `aws` in the function of
//! `hook`.

mod aws;
mod canary;
mod directory;
mod event;
mod hook;
mod response;
mod saml;
mod scim;

use std::time::Duration;

use serde_json::{Value, json};

use self::event::Request;
pub use self::hook::serve;
use self::response::FunctionResponse;
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
    /// The publisher of events, which has no route.
    Events,
    /// `/directory`.
    Directory,
}

/// Invokes functions.
pub trait Invoke {
    /// Invokes the new version of `function` and returns its response.
    fn invoke(
        &self,
        function: Function,
        event: &Value,
    ) -> impl Future<Output = Result<Value, InvokeError>> + Send;
}

/// Error of an invocation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvokeError {
    /// The function was not invoked.
    #[error("the function cannot be invoked: {0}")]
    Refused(String),
    /// The function ended without a response.
    #[error("the function crashed: {0}")]
    Crashed(String),
}

/// The failed step of the check.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{step}: expected {expected}, received {received}")]
pub struct CheckError {
    /// Name of the step, such as `scim.create`.
    pub step: &'static str,
    /// Result of a version that works.
    pub expected: String,
    /// Result of this version.
    pub received: String,
}

impl CheckError {
    fn new(step: &'static str, expected: impl Into<String>, received: impl Into<String>) -> Self {
        Self { step, expected: expected.into(), received: received.into() }
    }
}

/// One run of the check.
#[derive(Debug)]
pub struct Check<'a, I> {
    /// Invokes the functions.
    pub invoke: &'a I,
    /// The clock. The functions' own clocks are close to it.
    pub clock: &'a Clock,
    /// Host in the events.
    pub host: &'a str,
    /// Caller of the operator API: the ARN of the function that runs the check.
    pub caller: &'a str,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Runs all steps, and deletes what they created.
    ///
    /// # Errors
    ///
    /// The first step that failed.
    pub async fn run(&self) -> Result<(), CheckError> {
        self.check_layout().await?;
        let canary = self.create_canary().await?;
        let checked = async {
            self.scim_round_trip(&canary).await?;
            self.saml_round_trip(&canary).await?;
            self.check_discovery().await?;
            self.directory_round_trip(&canary).await?;
            self.check_publisher().await
        };
        let checked = checked.await;
        let deleted = self.delete_tenant(&canary.tenant).await;
        if let (Err(_), Err(left)) = (&checked, &deleted) {
            tracing::warn!("the check could not delete its tenant; the next run does: {left}");
        }
        checked.and(deleted)
    }

    /// Checks that the new version can read the rows of the table.
    async fn check_layout(&self) -> Result<(), CheckError> {
        let step = "table.layout";
        let claim = Request::operator("POST", "/v1/layout");
        self.send(step, Function::Admin, claim).await?.expect(step, 200).map(drop)
    }

    /// Checks that the new version publishes events, those of the changes so far among them.
    async fn check_publisher(&self) -> Result<(), CheckError> {
        let step = "events.publish";
        // The input of the schedule.
        let output = self.invoke(step, Function::Events, &json!({})).await?;
        let published = output.get("published").and_then(Value::as_u64);
        let expected = || CheckError::new(step, "the number of published events", "something else");
        published.ok_or_else(expected).map(drop)
    }

    /// Sends an event and returns the response, within the time limit of API Gateway.
    async fn send(
        &self,
        step: &'static str,
        function: Function,
        request: Request<'_>,
    ) -> Result<FunctionResponse, CheckError> {
        let event = request.event(self.host, self.caller, self.clock.now());
        let value = self.invoke(step, function, &event).await?;
        FunctionResponse::read(&value)
            .ok_or_else(|| CheckError::new(step, "a response for API Gateway", "something else"))
    }

    /// Invokes a function and returns its output, within the time limit of API Gateway.
    async fn invoke(
        &self,
        step: &'static str,
        function: Function,
        event: &Value,
    ) -> Result<Value, CheckError> {
        let output = tokio::time::timeout(MAX_WAIT, self.invoke.invoke(function, event)).await;
        let Ok(output) = output else {
            let expected = format!("a response within {} s", MAX_WAIT.as_secs());
            return Err(CheckError::new(step, expected, "none"));
        };
        output.map_err(|error| CheckError::new(step, "a response", error.to_string()))
    }
}

/// API Gateway waits 30 s. A first request may have to generate the keys of the service provider on
/// a small share of a processor, so that the limit cannot be much shorter.
const MAX_WAIT: Duration = Duration::from_secs(25);
