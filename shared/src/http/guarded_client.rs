//! The client for URLs that an administrator entered, which gives no access to our network
//! (server-side request forgery).
//!
//! Invariants:
//! - Only https to a host of the public Internet, on any port: PingFederate and Keycloak have their
//!   own. On a laptop also this machine.
//! - The address is checked by the lookup that the connection uses: a name that changes its address
//!   between check and connection gains nothing.
//! - A redirect is an answer: whoever follows it sends another request, which is checked as the first.

mod address;

use std::error::Error;
use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use axum::http::Uri;

use self::address::is_public;
use crate::aws::https::{Https, TlsError, Trust};

/// The hosts that may be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Hosts of the public Internet, over TLS.
    Internet,
    /// Also this machine, with or without TLS. For a laptop.
    Loopback,
}

/// Why a request was not sent, or had no answer. None of the texts reveals what an address answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GuardedError {
    /// The URL has another scheme, a user name or no usable port.
    #[error("the URL must be https, without user name")]
    Url,
    /// The host is not on the public Internet.
    #[error("the host has an address that is not public")]
    NotPublic,
    /// No response, a broken one, or no trusted certificate.
    #[error("the host could not be reached over TLS")]
    Unreachable,
}

/// The client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    https: Https,
    reach: Reach,
}

impl GuardedClient {
    /// Creates a client that trusts the certificates of the operating system: that of a host can come
    /// from any public CA.
    ///
    /// # Errors
    ///
    /// When the certificates cannot be read.
    pub fn new(reach: Reach) -> Result<Self, TlsError> {
        Ok(Self { https: Https::new(Trust::System, Guard(reach))?, reach })
    }

    /// Sends a request and returns the answer, whose body is not read yet. Has no time limit but that
    /// of connecting.
    ///
    /// # Errors
    ///
    /// [`GuardedError`] if the URL may not be called, or the host does not answer.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, GuardedError> {
        check_url(request.uri(), self.reach)?;
        self.https.call(request).await.map_err(|error| guarded_error(&error))
    }
}

/// Checks the text of a URL. `Guard` checks the addresses that a name resolves to; an address in
/// the text is not resolved, so it is checked here.
///
/// # Errors
///
/// [`GuardedError::Url`] or [`GuardedError::NotPublic`].
pub fn check_url(url: &str, reach: Reach) -> Result<Uri, GuardedError> {
    let uri: Uri = url.parse().map_err(|_| GuardedError::Url)?;
    let authority = uri.authority().ok_or(GuardedError::Url)?;
    if url.len() > MAX_URL || authority.as_str().contains('@') {
        return Err(GuardedError::Url);
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = host.parse::<IpAddr>().ok();
    let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    if local && reach == Reach::Loopback && matches!(uri.scheme_str(), Some("http" | "https")) {
        return Ok(uri);
    }
    let port = authority.as_str().len() != authority.host().len();
    let has_port = authority.port_u16().is_some_and(|port| port != 0);
    if uri.scheme_str() != Some("https") || (port && !has_port) {
        return Err(GuardedError::Url);
    }
    match address {
        Some(address) if !is_public(address) => Err(GuardedError::NotPublic),
        Some(_) | None => Ok(uri),
    }
}

/// A resolver that refuses names with an address that is not public.
#[derive(Clone, Copy, Debug)]
struct Guard(Reach);

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("an address is not public")]
struct NotPublic;

impl Guard {
    fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self.0 == Reach::Loopback && address.is_loopback())
    }

    async fn resolve(self, name: String) -> Result<Vec<IpAddr>, ResolveDnsError> {
        let found = tokio::net::lookup_host((name, 443)).await.map_err(ResolveDnsError::new)?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        // One private address is enough for a refusal: a mixed name is an attack.
        if addresses.iter().all(|address| self.allows(*address)) {
            Ok(addresses)
        } else {
            Err(ResolveDnsError::new(NotPublic))
        }
    }
}

impl ResolveDns for Guard {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(self.resolve(name.to_owned()))
    }
}

fn guarded_error(error: &(dyn Error + 'static)) -> GuardedError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return GuardedError::NotPublic;
        }
        cause = error.source();
    }
    GuardedError::Unreachable
}

/// Bytes of a URL.
const MAX_URL: usize = 2_048;

#[cfg(test)]
mod tests;
