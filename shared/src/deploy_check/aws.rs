//! The two calls of AWS that the check makes: Lambda's `Invoke`, and `CodeDeploy`'s
//! `PutLifecycleEventHookExecutionStatus`.
//!
//! Signed by hand, by the signer that the SDK brings: the SDK's crates for these two services take
//! 150 s to compile, twice what all of ours does, for one call of each.

mod sign;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use self::sign::sign;
use super::{Function, Invoke, InvokeFault};
use crate::aws::clients::https;
use crate::aws::https::Https;
use crate::clock::Clock;
use crate::config::{AwsConfig, CheckedFunctions, ConfigError};

/// Lambda and `CodeDeploy`.
pub(super) struct Aws {
    config: AwsConfig,
    functions: CheckedFunctions,
    https: Https,
    clock: Clock,
}

/// One of the two.
#[derive(Clone, Copy, Debug)]
enum Service {
    Lambda,
    CodeDeploy,
}

impl Service {
    /// In hosts and signatures.
    const fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::CodeDeploy => "codedeploy",
        }
    }
}

/// The deployment that waits for a report.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) execution_id: String,
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
}

/// Why AWS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum AwsFault {
    #[error("the request cannot be made: {0}")]
    Request(String),
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("status {0}: {1}")]
    Status(u16, String),
}

/// An answer of AWS.
struct Reply {
    /// Lambda's `X-Amz-Function-Error`.
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

    /// Tells `CodeDeploy` how it went.
    pub(super) async fn report(
        &self,
        deployment: &Deployment,
        outcome: Outcome,
    ) -> Result<(), AwsFault> {
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

    /// One call; again when the service says that it is busy.
    async fn call(
        &self,
        service: Service,
        path: &str,
        target: Option<&'static str>,
        body: String,
    ) -> Result<Reply, AwsFault> {
        for pause in PAUSES {
            match self.call_once(service, path, target, &body).await {
                Err(AwsFault::Status(429 | 500..=599, _) | AwsFault::Unreachable(_)) => {
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
    ) -> Result<Reply, AwsFault> {
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
        reply(response.map_err(|error| AwsFault::Unreachable(error.to_string()))?).await
    }

    /// `https://lambda.eu-west-1.amazonaws.com`, unless another is set; China has a suffix of its
    /// own.
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
    async fn invoke(&self, function: Function, event: &Value) -> Result<Value, InvokeFault> {
        let arn = match function {
            Function::Scim => &self.functions.scim,
            Function::Admin => &self.functions.admin,
            Function::SamlAcs => &self.functions.saml_acs,
            Function::SamlMetadata => &self.functions.saml_metadata,
            Function::Oidc => &self.functions.oidc,
        };
        let arn = utf8_percent_encode(arn, RESERVED);
        let path = format!("/2015-03-31/functions/{arn}/invocations");
        let reply = self.call(Service::Lambda, &path, None, event.to_string()).await;
        let Reply { function_error, body } =
            reply.map_err(|fault| InvokeFault::Refused(fault.to_string()))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        match function_error {
            None => Ok(value),
            // Its message could quote what it was sent; its type cannot.
            Some(kind) => {
                let name = value.get("errorType").and_then(Value::as_str).unwrap_or_default();
                Err(InvokeFault::Crashed(format!("{kind} {name}")))
            }
        }
    }
}

async fn reply(response: HttpResponse) -> Result<Reply, AwsFault> {
    let status = response.status().as_u16();
    let function_error = response.headers().get("x-amz-function-error").map(str::to_owned);
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| AwsFault::Unreachable(error.to_string()))?.to_bytes().to_vec();
    if (200..300).contains(&status) {
        return Ok(Reply { function_error, body });
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let texts = ["Message", "message", "__type"];
    let text = texts.iter().find_map(|name| said.get(name)?.as_str()).unwrap_or_default();
    Err(AwsFault::Status(status, text.to_owned()))
}

fn unusable(error: impl std::fmt::Display) -> AwsFault {
    AwsFault::Request(error.to_string())
}

/// All but what RFC 3986 §2.3 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const REPORT: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";

/// A new account may have ten function instances at a time, and a deployment takes most of them.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

#[cfg(test)]
mod tests;
