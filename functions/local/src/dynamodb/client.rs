//! The SDK's transport, replaced by a call to an [`Endpoint`].

use std::fmt;

use aws_sdk_dynamodb::config::{Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::answer::Answer;

/// Something that answers DynamoDB's operations.
pub trait Endpoint: fmt::Debug + Send + Sync + 'static {
    /// Answers one operation, named as in `x-amz-target` after the dot.
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Answer, NoAnswer>;
}

/// The caller waited in vain; whether the operation was applied it cannot know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no answer from DynamoDB in time")]
pub struct NoAnswer;

/// An SDK client whose every call goes to `endpoint`, tried again as our store wants it.
///
/// It does all that it does on AWS but two things, which take two fifths of its time: it signs
/// nothing, since nobody here checks a signature, and it does not watch for a body that stalls,
/// since a body here is all there.
pub fn client_over(endpoint: impl Endpoint + Clone) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::from_conf(
        Config::builder()
            .behavior_version_latest()
            .http_client(Connector(endpoint))
            .retry_config(shared::aws::clients::retry_config())
            .endpoint_url("http://dynamodb.localhost")
            .region(Region::from_static("us-east-1"))
            .allow_no_auth()
            .auth_scheme_preference([AuthSchemeId::from("noAuth")])
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build(),
    )
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
        HttpConnectorFuture::ready(answer(&self.0, &request))
    }
}

fn answer(endpoint: &impl Endpoint, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
    let body = request.body().bytes().unwrap_or_default();
    let answer = endpoint
        .answer(operation, body)
        .map_err(|no_answer| ConnectorError::timeout(no_answer.into()))?;
    let status =
        answer.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}
