//! The two AWS calls of the check: Lambda's `Invoke`, and `CodeDeploy`'s
//! `PutLifecycleEventHookExecutionStatus`.
//!
//! They are made without an SDK: its crates for these two services take 150 s to compile, twice as
//! long as this workspace.

mod sign;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use self::sign::sign;
use super::{Function, Invoke, InvokeError};
use crate::aws::clients::https;
use crate::aws::https::Https;
use crate::clock::Clock;
use crate::config::{AwsConfig, CheckedFunctions, ConfigError};

/// Client of Lambda and `CodeDeploy`.
pub(super) struct Aws {
    config: AwsConfig,
    functions: CheckedFunctions,
    https: Https,
    clock: Clock,
}

/// A service of AWS.
#[derive(Clone, Copy, Debug)]
enum Service {
    Lambda,
    CodeDeploy,
}

impl Service {
    /// Returns the name of the service in hosts and signatures.
    const fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::CodeDeploy => "codedeploy",
        }
    }
}

/// The deployment to report to.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) execution_id: String,
}

/// The result to report.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
}

/// Error of a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum AwsError {
    #[error("could not create the request: {0}")]
    Request(String),
    #[error("no response: {0}")]
    Unreachable(String),
    #[error("status {0}: {1}")]
    Status(u16, String),
}

/// The response of a service.
struct Reply {
    /// `X-Amz-Function-Error` of Lambda.
    function_error: Option<String>,
    body: Vec<u8>,
}

impl Aws {
    pub(super) fn new(
        config: AwsConfig,
        functions: CheckedFunctions,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        Ok(Self { https: https(&config)?, config, functions, clock })
    }

    /// Reports the result to `CodeDeploy`.
    pub(super) async fn report(
        &self,
        deployment: &Deployment,
        outcome: Outcome,
    ) -> Result<(), AwsError> {
        let status = match outcome {
            Outcome::Succeeded => "Succeeded",
            Outcome::Failed => "Failed",
        };
        let body = json!({
            "deploymentId": deployment.id,
            "lifecycleEventHookExecutionId": deployment.execution_id,
            "status": status,
        });
        self.call(Service::CodeDeploy, "/", Some(REPORT), body.to_string()).await.map(drop)
    }

    /// Makes a call; repeats it while the service is throttled or unreachable.
    async fn call(
        &self,
        service: Service,
        path: &str,
        target: Option<&'static str>,
        body: String,
    ) -> Result<Reply, AwsError> {
        for pause in PAUSES {
            match self.call_once(service, path, target, &body).await {
                Err(AwsError::Status(429 | 500..=599, _) | AwsError::Unreachable(_)) => {
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
        self.call_once(service, path, target, &body).await
    }

    async fn call_once(
        &self,
        service: Service,
        path: &str,
        target: Option<&'static str>,
        body: &str,
    ) -> Result<Reply, AwsError> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(unusable)?;
        request.set_uri(format!("{}{path}", self.endpoint(service))).map_err(unusable)?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.1");
        if let Some(target) = target {
            headers.insert("x-amz-target", target);
        }
        sign(&mut request, &self.config, service.name(), body, self.clock.now())?;
        let response = self.https.call(request).await;
        reply(response.map_err(|error| AwsError::Unreachable(error.to_string()))?).await
    }

    /// Returns the configured endpoint, or that of the Region:
    /// `https://lambda.eu-west-1.amazonaws.com`. Regions in China have another suffix.
    fn endpoint(&self, service: Service) -> String {
        let set = match service {
            Service::Lambda => &self.config.lambda_endpoint,
            Service::CodeDeploy => &self.config.codedeploy_endpoint,
        };
        if let Some(endpoint) = set {
            return endpoint.trim_end_matches('/').to_owned();
        }
        let (name, region) = (service.name(), &self.config.region);
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://{name}.{region}.amazonaws.com{suffix}")
    }
}

impl Invoke for Aws {
    async fn invoke(&self, function: Function, event: &Value) -> Result<Value, InvokeError> {
        let arn = match function {
            Function::Scim => &self.functions.scim,
            Function::Admin => &self.functions.admin,
            Function::SamlAcs => &self.functions.saml_acs,
            Function::SamlMetadata => &self.functions.saml_metadata,
            Function::Oidc => &self.functions.oidc,
            Function::Events => &self.functions.events,
            Function::Directory => &self.functions.directory,
        };
        let arn = utf8_percent_encode(arn, RESERVED);
        let path = format!("/2015-03-31/functions/{arn}/invocations");
        let reply = self.call(Service::Lambda, &path, None, event.to_string()).await;
        let Reply { function_error, body } =
            reply.map_err(|error| InvokeError::Refused(error.to_string()))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        match function_error {
            None => Ok(value),
            // Only the type of the error: its message could quote the event.
            Some(kind) => {
                let name = value.get("errorType").and_then(Value::as_str).unwrap_or_default();
                Err(InvokeError::Crashed(format!("{kind} {name}")))
            }
        }
    }
}

async fn reply(response: HttpResponse) -> Result<Reply, AwsError> {
    let status = response.status().as_u16();
    let function_error = response.headers().get("x-amz-function-error").map(str::to_owned);
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| AwsError::Unreachable(error.to_string()))?.to_bytes().to_vec();
    if (200..300).contains(&status) {
        return Ok(Reply { function_error, body });
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let texts = ["Message", "message", "__type"];
    let text = texts.iter().find_map(|name| said.get(name)?.as_str()).unwrap_or_default();
    Err(AwsError::Status(status, text.to_owned()))
}

fn unusable(error: impl std::fmt::Display) -> AwsError {
    AwsError::Request(error.to_string())
}

/// All characters except the unreserved ones of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const REPORT: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";

/// Pauses between attempts. A new account may run ten function instances at a time, and a
/// deployment uses most of them.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

#[cfg(test)]
mod tests;
