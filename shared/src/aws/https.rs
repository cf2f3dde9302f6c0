//! The client for every HTTPS request that a function makes: HTTP/1.1 over TLS.
//!
//! The SDKs accept a client of the caller. Their own is built on the same libraries and adds
//! HTTP/2, which neither DynamoDB nor Secrets Manager speaks, and proxies. These are a twentieth of
//! the size of a function, which is loaded at every cold start.

mod dns;
mod error;
mod tls;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::dns::ResolveDns;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpInfo, capture_connection};
use hyper_util::client::legacy::{Client, connect};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::Service;

use self::dns::Dns;
pub use self::dns::SystemDns;
pub use self::tls::{TlsError, Trust};

/// The client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Https {
    client: Client<Connect, SdkBody>,
}

impl Https {
    /// Creates a client that trusts `trust` and resolves names by `dns`.
    ///
    /// # Errors
    ///
    /// When the trust anchors cannot be read.
    pub fn new(trust: Trust<'_>, dns: impl ResolveDns + 'static) -> Result<Self, TlsError> {
        let mut tcp = connect::HttpConnector::new_with_resolver(Dns::new(dns));
        // The TLS connector uses it too. Plain HTTP is for the embedded services of `local`.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connect = Connect(HttpsConnector::from((tcp, tls::config(trust)?)));
        let mut client = Client::builder(TokioExecutor::new());
        // Without a timer no idle connection is ever closed.
        client.pool_timer(TokioTimer::new());
        Ok(Self { client: client.build(connect) })
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let response = self.client.request(request);
        HttpConnectorFuture::new(async move {
            let response = response.await.map_err(error::classify)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for Https {
    /// Ignores the settings of a service: the SDKs only set the time limit for connecting, and this
    /// client has the same limit.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

/// Describes the connection of a request to the SDK, which closes a connection on which something
/// failed.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let captured = connection.clone();
    let connected = connection.connection_metadata();
    let mut extras = axum::http::Extensions::new();
    connected.as_ref()?.get_extras(&mut extras);
    let info = extras.get::<HttpInfo>();
    let mut metadata = ConnectionMetadata::builder().proxied(false).poison_fn(move || {
        if let Some(connected) = captured.connection_metadata().as_ref() {
            connected.poison();
        }
    });
    metadata
        .set_local_addr(info.map(HttpInfo::local_addr))
        .set_remote_addr(info.map(HttpInfo::remote_addr));
    Some(metadata.build())
}

/// Connects, TCP and TLS, within [`LONGEST`].
#[derive(Clone, Debug)]
struct Connect(HttpsConnector<connect::HttpConnector<Dns>>);

impl Service<Uri> for Connect {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(LONGEST, self.0.call(uri));
        Box::pin(async move { connecting.await.unwrap_or_else(|late| Err(late.into())) })
    }
}

/// Time limit for connecting; the same as the SDKs' own.
const LONGEST: Duration = Duration::from_millis(3_100);

#[cfg(test)]
mod tests;
