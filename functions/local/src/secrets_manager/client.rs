//! An SDK client whose transport is a call of the service in this process.

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{Config, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;

use super::{REGION, SecretsManager};

/// Creates an SDK client that calls `service`. Its credentials are placeholders.
pub(super) fn client_over(service: SecretsManager) -> Client {
    Client::from_conf(
        Config::builder()
            .behavior_version_latest()
            .http_client(Connector(service))
            .endpoint_url("http://secretsmanager.localhost")
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .build(),
    )
}

#[derive(Clone, Debug)]
struct Connector(SecretsManager);

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.0.clone();
        HttpConnectorFuture::new(async move { send(&service, &request).await })
    }
}

async fn send(
    service: &SecretsManager,
    request: &HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
    let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
    let response = service.call(operation, body).await;
    let status =
        response.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(response.body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
    Ok(response)
}
