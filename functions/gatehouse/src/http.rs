//! Sends one HTTP request and reads its response.
//!
//! Invariants:
//! - No redirect is followed: a key or a signature goes to the chosen deployment only.
//! - A request ends within its time limit, and a response is read up to [`MAX_BODY`].

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::ExposeSecret as _;

use crate::auth::Auth;
use crate::clock;
use crate::error::Error;
use crate::target::Target;

/// A client of one deployment, with the caller's credentials.
#[derive(Debug)]
pub(crate) struct HttpClient {
    pub(crate) target: Target,
    pub(crate) auth: Auth,
    connector: Connector,
    timeout: Duration,
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The header `Date`: the clock of the deployment.
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Vec<u8>,
}

impl HttpClient {
    /// Creates a client whose requests take at most `timeout` each.
    pub(crate) fn new(target: Target, auth: Auth, timeout: Duration) -> Result<Self, Error> {
        let url = target.to_string();
        let connector = connector(&target).map_err(|reason| Error::Unreachable { url, reason })?;
        Ok(Self { target, auth, connector, timeout })
    }

    /// Sends a request with the caller's credentials. `path` begins with `/` and is encoded.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Response, Error> {
        let url = self.target.join(path);
        let body = body.unwrap_or_default();
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let auth_headers = match &self.auth {
            Auth::Key { key, source: _ } => {
                vec![("authorization".to_owned(), format!("Bearer {}", key.expose_secret()))]
            }
            Auth::Signature(signer) => {
                signer.headers(method, &url, &headers, body.as_bytes(), clock::now())?
            }
        };
        let auth_headers = auth_headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain(auth_headers).collect();
        self.exchange(method, &url, &headers, body).await
    }

    /// Reads a public URL, without credentials.
    pub(crate) async fn read_public(&self, url: &str) -> Result<Response, Error> {
        self.exchange("GET", url, &[], String::new()).await
    }

    async fn exchange(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Response, Error> {
        let unreachable = |reason: String| Error::Unreachable { url: without_query(url), reason };
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_uri(url.to_owned()).map_err(|error| unreachable(error.to_string()))?;
        request.set_method(method).map_err(|error| unreachable(error.to_string()))?;
        let agent = ("user-agent", concat!("gatehouse/", env!("CARGO_PKG_VERSION")));
        for (name, value) in
            headers.iter().copied().chain([agent, ("accept", "application/json, */*")])
        {
            let header = request.headers_mut().try_insert(name.to_owned(), value.to_owned());
            header.map_err(|_| unreachable(format!("the header {name} cannot be sent")))?;
        }
        let exchange = tokio::time::timeout(self.timeout, self.call(request)).await;
        let late = || unreachable(format!("no response within {} s", self.timeout.as_secs()));
        exchange.map_err(|_| late())?.map_err(unreachable)
    }

    async fn call(&self, request: HttpRequest) -> Result<Response, String> {
        let response = self.connector.call(request).await.map_err(|error| root_cause(&error))?;
        let status = response.status().as_u16();
        let date = response.headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes().to_vec();
        Ok(Response { status, date: date.map(|date| date.timestamp()), body })
    }
}

fn connector(target: &Target) -> Result<Connector, String> {
    // A deployment may have a certificate of the company's own authority, which the operating
    // system trusts.
    let trust = TrustStore::empty().with_native_roots(true);
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| error.to_string())?;
    let proxy =
        if target.is_loopback() { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
    Ok(Connector::builder()
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build())
}

/// Returns the innermost source of an error: the one that a person can act on, such as "Connection
/// refused".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// Bytes of a response. API Gateway sends at most 6 MB.
const MAX_BODY: usize = 16 * 1_048_576;
