//! The Lambda function that runs the check: a lifecycle hook of `CodeDeploy`.
//!
//! `CodeDeploy` waits for a report, not for the result of the function. So a failed check is
//! reported as failed, and the function succeeds. Invoked by hand with `{}`, it runs the check and
//! reports nothing.

use lambda_http::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

use super::aws::{Aws, Deployment, Outcome};
use super::{Check, CheckError};
use crate::clock::Clock;
use crate::config::{AwsConfig, DeployCheckConfig};
use crate::runtime::telemetry::{self, Format};

/// The event of `CodeDeploy`; empty when a person invokes the function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HookEvent {
    deployment_id: Option<String>,
    lifecycle_event_hook_execution_id: Option<String>,
}

impl HookEvent {
    fn deployment(self) -> Option<Deployment> {
        let Self { deployment_id, lifecycle_event_hook_execution_id } = self;
        Some(Deployment { id: deployment_id?, execution_id: lifecycle_event_hook_execution_id? })
    }
}

/// Serves the hook until Lambda shuts the process down.
///
/// # Errors
///
/// When a variable is missing or invalid, or the runtime API cannot be reached.
pub async fn serve() -> Result<(), Error> {
    telemetry::start(Format::Json);
    let clock = Clock::system();
    let config = DeployCheckConfig::from_env()?;
    let host = config.host().to_owned();
    let aws = Aws::new(AwsConfig::from_env()?, config.functions, clock.clone())?;
    let (aws, clock, host) = (&aws, &clock, host.as_str());
    lambda_http::lambda_runtime::run(service_fn(
        async move |event: LambdaEvent<HookEvent>| -> Result<Value, Error> {
            let LambdaEvent { payload, context } = event;
            let caller = context.invoked_function_arn.as_str();
            let checked = Check { invoke: aws, clock, host, caller }.run().await;
            log(&checked);
            if let Some(deployment) = payload.deployment() {
                let outcome = if checked.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
                aws.report(&deployment, outcome).await?;
            }
            Ok(summary(&checked))
        },
    ))
    .await
}

fn log(checked: &Result<(), CheckError>) {
    match checked {
        Ok(()) => tracing::info!("the new version passed the deployment check"),
        Err(CheckError { step, expected, received }) => {
            tracing::error!(
                step,
                expected,
                received,
                "the new version failed the deployment check"
            );
        }
    }
}

/// Returns the result, for a person who invoked the function.
fn summary(checked: &Result<(), CheckError>) -> Value {
    match checked {
        Ok(()) => json!({"passed": true}),
        Err(CheckError { step, expected, received }) => {
            json!({"passed": false, "step": step, "expected": expected, "received": received})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_a_deployment_is_from_a_person() {
        let of = |event: Value| serde_json::from_value::<HookEvent>(event).unwrap().deployment();
        assert!(of(json!({})).is_none());
        let event =
            json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e", "Combined": "x"});
        let deployment = of(event).unwrap();
        assert_eq!((deployment.id.as_str(), deployment.execution_id.as_str()), ("d-1", "e"));
    }
}
