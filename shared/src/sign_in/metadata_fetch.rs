//! Reads metadata from a URL that somebody typed in, without becoming their way into our network.
//!
//! Invariants:
//! - https on port 443 only, to a host of the public Internet. On a laptop also this machine.
//! - The address is judged after the name was resolved and by the very lookup that the connection
//!   uses, so a name that changes its address in between gains nothing.
//! - Every redirect is judged like the first URL, and there are at most three.
//! - Five seconds and one megabyte, whatever comes.

mod address;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use axum::http::Uri;
use http_body_util::{BodyExt as _, Limited};

use self::address::is_public;
use crate::aws::https::{Https, Trust};

/// Which hosts may be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Those of the public Internet, over TLS.
    Internet,
    /// Also this machine, without TLS too: on a laptop.
    Loopback,
}

/// Why nothing was read. The texts are for the operator; none tells what an address answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchFault {
    /// Not a URL that we fetch.
    #[error("the URL must be https, without user name and port")]
    Url,
    /// The host is not one of the public Internet.
    #[error("the host has an address that is not public")]
    NotPublic,
    /// Too many redirects, or one that leads nowhere.
    #[error("the URL redirects too often or to something that is not an https URL")]
    Redirect,
    /// No answer, a broken one, or no trusted certificate.
    #[error("the host could not be reached over TLS")]
    Unreachable,
    /// An answer that is not the document.
    #[error("the host answered {0}")]
    Status(u16),
    /// More than a megabyte.
    #[error("the document is over {MAX_BYTES} bytes")]
    TooLarge,
    /// Slower than five seconds.
    #[error("the host took over five seconds")]
    TooSlow,
}

/// The document at `url`.
///
/// # Errors
///
/// [`FetchFault`].
pub async fn fetch(url: &str, reach: Reach) -> Result<Vec<u8>, FetchFault> {
    let read = read(url, reach);
    tokio::time::timeout(LONGEST, read).await.unwrap_or(Err(FetchFault::TooSlow))
}

async fn read(url: &str, reach: Reach) -> Result<Vec<u8>, FetchFault> {
    // What the operating system trusts: a provider's certificate can come from any public CA.
    let https = Https::new(Trust::System, Guard(reach)).map_err(|_| FetchFault::Unreachable)?;
    let mut uri = checked(url, reach)?;
    for _ in 0..=MOST_REDIRECTS {
        let mut request = HttpRequest::get(uri.to_string()).map_err(|_| FetchFault::Url)?;
        request.headers_mut().insert("user-agent", "Gatehouse metadata");
        request
            .headers_mut()
            .insert("accept", "application/samlmetadata+xml, application/xml, */*;q=0.1");
        let response = https.call(request).await.map_err(|error| reason(&error))?;
        match response.status().as_u16() {
            200 => return body(response).await,
            301 | 302 | 303 | 307 | 308 => uri = redirected(&uri, &response, reach)?,
            other => return Err(FetchFault::Status(other)),
        }
    }
    Err(FetchFault::Redirect)
}

async fn body(response: HttpResponse) -> Result<Vec<u8>, FetchFault> {
    let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| {
        let too_large = error.is::<http_body_util::LengthLimitError>();
        if too_large { FetchFault::TooLarge } else { FetchFault::Unreachable }
    })
}

fn redirected(from: &Uri, response: &HttpResponse, reach: Reach) -> Result<Uri, FetchFault> {
    let location = response.headers().get("location").ok_or(FetchFault::Redirect)?;
    let absolute = if location.starts_with('/') && !location.starts_with("//") {
        let authority = from.authority().ok_or(FetchFault::Redirect)?;
        format!("{}://{authority}{location}", from.scheme_str().unwrap_or("https"))
    } else {
        location.to_owned()
    };
    checked(&absolute, reach).map_err(|fault| match fault {
        FetchFault::NotPublic => FetchFault::NotPublic,
        FetchFault::Url
        | FetchFault::Redirect
        | FetchFault::Unreachable
        | FetchFault::Status(_)
        | FetchFault::TooLarge
        | FetchFault::TooSlow => FetchFault::Redirect,
    })
}

/// A URL that may be fetched, as far as its text tells; what its name resolves to, [`Guard`]
/// judges. An address in the text never gets to a resolver, so it is judged here.
fn checked(url: &str, reach: Reach) -> Result<Uri, FetchFault> {
    let uri: Uri = url.parse().map_err(|_| FetchFault::Url)?;
    let authority = uri.authority().ok_or(FetchFault::Url)?;
    if url.len() > MAX_URL || authority.as_str().contains('@') {
        return Err(FetchFault::Url);
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = host.parse::<IpAddr>().ok();
    let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    if local && reach == Reach::Loopback && matches!(uri.scheme_str(), Some("http" | "https")) {
        return Ok(uri);
    }
    let port = authority.as_str().len() != authority.host().len();
    if uri.scheme_str() != Some("https") || (port && authority.port_u16() != Some(443)) {
        return Err(FetchFault::Url);
    }
    match address {
        Some(address) if !is_public(address) => Err(FetchFault::NotPublic),
        Some(_) | None => Ok(uri),
    }
}

/// Resolves names and refuses those with an address that is not public.
#[derive(Clone, Copy, Debug)]
struct Guard(Reach);

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("an address is not public")]
struct NotPublic;

impl Guard {
    fn admits(self, address: IpAddr) -> bool {
        is_public(address) || (self.0 == Reach::Loopback && address.is_loopback())
    }

    async fn resolve(self, name: String) -> Result<Vec<IpAddr>, ResolveDnsError> {
        let found = tokio::net::lookup_host((name, 443)).await.map_err(ResolveDnsError::new)?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        // One is enough: a name that is half public is a trap.
        if addresses.iter().all(|address| self.admits(*address)) {
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

fn reason(error: &(dyn Error + 'static)) -> FetchFault {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return FetchFault::NotPublic;
        }
        cause = error.source();
    }
    FetchFault::Unreachable
}

const MAX_BYTES: usize = 1_048_576;
const MAX_URL: usize = 2_048;
const MOST_REDIRECTS: u32 = 3;
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
