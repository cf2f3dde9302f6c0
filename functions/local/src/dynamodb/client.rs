//! An SDK client whose transport is a call of an [`Endpoint`] in this process.

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::config::{Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::without_token::WithoutToken;
use crate::aws_response::AwsResponse;

/// A DynamoDB: the embedded database, or a layer over it that records calls or injects faults.
pub trait Endpoint: fmt::Debug + Send + Sync + 'static {
    /// Runs one operation, named as in `x-amz-target` after the dot.
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError>;

    /// The time after which a call is answered; none by default.
    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether a call may have its effect and no response, as over a network. The client then sends
    /// an idempotency token with each transaction, so that it may send the transaction again.
    fn may_lose_responses(&self) -> bool {
        true
    }
}

/// No response arrived in time. The operation may or may not have been applied.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no response from DynamoDB in time")]
pub struct NoResponseError;

/// Creates an SDK client that calls `endpoint`, with the retries of production.
///
/// It differs from a client on AWS in three points. It does not sign, because no signature is
/// checked here, and it has no protection against stalled streams, because a body here is complete:
/// together that saves two fifths of its time. And it sends no idempotency tokens to an endpoint
/// that loses no responses.
pub fn client_over(endpoint: impl Endpoint + Clone) -> aws_sdk_dynamodb::Client {
    let needs_tokens = endpoint.may_lose_responses();
    let config = Config::builder()
        .behavior_version_latest()
        .http_client(Connector(endpoint))
        .retry_config(shared::aws::clients::retry_config())
        .endpoint_url("http://dynamodb.localhost")
        .region(Region::from_static("us-east-1"))
        .allow_no_auth()
        .auth_scheme_preference([AuthSchemeId::from("noAuth")])
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let config = if needs_tokens { config } else { config.interceptor(WithoutToken) };
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

#[derive(Clone, Debug)]
struct Connector<E>(E);

impl<E: Endpoint + Clone> HttpClient for Connector<E> {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl<E: Endpoint + Clone> HttpConnector for Connector<E> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let latency = self.0.latency();
        if latency.is_zero() {
            return HttpConnectorFuture::ready(send(&self.0, &request));
        }
        let endpoint = self.0.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(latency).await;
            send(&endpoint, &request)
        })
    }
}

fn send(endpoint: &impl Endpoint, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
    let body = request.body().bytes().unwrap_or_default();
    let response =
        endpoint.call(operation, body).map_err(|error| ConnectorError::timeout(error.into()))?;
    let status =
        response.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(response.body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}
