//! One request and its answer.
//!
//! Invariants: no redirect is followed, so that neither a key nor a signature goes where nobody
//! meant it to; every request ends within the time that was set; an answer is read up to a limit.

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

/// A deployment, and who asks.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) target: Target,
    pub(crate) auth: Auth,
    connector: Connector,
    timeout: Duration,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The other side's clock.
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(target: Target, auth: Auth, timeout: Duration) -> Result<Self, Error> {
        let url = target.to_string();
        let connector = connector(&target).map_err(|reason| Error::Unreachable { url, reason })?;
        Ok(Self { target, auth, connector, timeout })
    }

    /// A request in the caller's name. `path` begins with `/` and is encoded.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, Error> {
        let url = self.target.join(path);
        let body = body.unwrap_or_default();
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let own = match &self.auth {
            Auth::Key { key, source: _ } => {
                vec![("authorization".to_owned(), format!("Bearer {}", key.expose_secret()))]
            }
            Auth::Signature(signer) => {
                signer.headers(method, &url, &headers, body.as_bytes(), clock::now())?
            }
        };
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain(own).collect();
        self.exchange(method, &url, &headers, body).await
    }

    /// Reads what is public, in nobody's name.
    pub(crate) async fn read_public(&self, url: &str) -> Result<Answer, Error> {
        self.exchange("GET", url, &[], String::new()).await
    }

    async fn exchange(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Error> {
        let unreachable = |reason: String| Error::Unreachable { url: shown(url), reason };
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
        let exchange = tokio::time::timeout(self.timeout, self.answer(request)).await;
        let late = || unreachable(format!("no answer within {} s", self.timeout.as_secs()));
        exchange.map_err(|_| late())?.map_err(unreachable)
    }

    async fn answer(&self, request: HttpRequest) -> Result<Answer, String> {
        let response = self.connector.call(request).await.map_err(|error| innermost(&error))?;
        let status = response.status().as_u16();
        let date = response.headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes().to_vec();
        Ok(Answer { status, date: date.map(|date| date.timestamp()), body })
    }
}

fn connector(target: &Target) -> Result<Connector, String> {
    // What the operating system trusts, since a deployment may have a domain of its own.
    let trust = TrustStore::empty().with_native_roots(true);
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| error.to_string())?;
    let proxy =
        if target.is_this_machine() { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
    Ok(Connector::builder()
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build())
}

/// The last cause, which is the one that a person can act on: "Connection refused".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A URL without its query.
fn shown(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// API Gateway answers with at most 6 MB.
const MAX_BODY: usize = 16 * 1_048_576;
