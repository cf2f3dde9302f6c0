//! Fetches metadata from a URL that an administrator entered, without giving access to our network
//! (server-side request forgery).
//!
//! Invariants, beside those of [`crate::http::guarded_client`]:
//! - Every redirect is checked like the first URL, and there are at most three.
//! - At most five seconds and one megabyte.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use axum::http::Uri;
use http_body_util::{BodyExt as _, Limited};

pub use crate::http::guarded_client::Reach;
use crate::http::guarded_client::{GuardedClient, GuardedError, check_url};

/// Why the document could not be fetched. The texts are for the operator, and none reveals what an
/// address answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// The URL has another scheme, a user name or no usable port.
    #[error("the URL must be https, without user name")]
    Url,
    /// The host is not on the public Internet.
    #[error("the host has an address that is not public")]
    NotPublic,
    /// Too many redirects, or one to a URL that may not be fetched.
    #[error("the URL redirects too often or to something that is not an https URL")]
    Redirect,
    /// No response, a broken one, or no trusted certificate.
    #[error("the host could not be reached over TLS")]
    Unreachable,
    /// A status other than 200 or a redirect.
    #[error("the host answered {0}")]
    Status(u16),
    /// The document is over one megabyte.
    #[error("the document is over {MAX_BYTES} bytes")]
    TooLarge,
    /// The host took over five seconds.
    #[error("the host took over five seconds")]
    TooSlow,
}

impl From<GuardedError> for FetchError {
    fn from(error: GuardedError) -> Self {
        match error {
            GuardedError::Url => Self::Url,
            GuardedError::NotPublic => Self::NotPublic,
            GuardedError::Unreachable => Self::Unreachable,
        }
    }
}

/// Fetches the document at `url`.
///
/// # Errors
///
/// [`FetchError`] if the URL may not be fetched, or the host does not send the document.
pub async fn fetch(url: &str, reach: Reach) -> Result<Vec<u8>, FetchError> {
    let read = read(url, reach);
    tokio::time::timeout(TIMEOUT, read).await.unwrap_or(Err(FetchError::TooSlow))
}

async fn read(url: &str, reach: Reach) -> Result<Vec<u8>, FetchError> {
    let client = GuardedClient::new(reach).map_err(|_| FetchError::Unreachable)?;
    let mut uri = check_url(url, reach)?;
    for _ in 0..=MAX_REDIRECTS {
        let mut request = HttpRequest::get(uri.to_string()).map_err(|_| FetchError::Url)?;
        request.headers_mut().insert("user-agent", "Gatehouse metadata");
        request
            .headers_mut()
            .insert("accept", "application/samlmetadata+xml, application/xml, */*;q=0.1");
        let response = client.send(request).await?;
        match response.status().as_u16() {
            200 => return read_body(response).await,
            301 | 302 | 303 | 307 | 308 => uri = redirect_target(&uri, &response, reach)?,
            other => return Err(FetchError::Status(other)),
        }
    }
    Err(FetchError::Redirect)
}

async fn read_body(response: HttpResponse) -> Result<Vec<u8>, FetchError> {
    let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| {
        let too_large = error.is::<http_body_util::LengthLimitError>();
        if too_large { FetchError::TooLarge } else { FetchError::Unreachable }
    })
}

fn redirect_target(from: &Uri, response: &HttpResponse, reach: Reach) -> Result<Uri, FetchError> {
    let location = response.headers().get("location").ok_or(FetchError::Redirect)?;
    let absolute = resolve(from, location).ok_or(FetchError::Redirect)?;
    check_url(&absolute, reach).map_err(|error| match error {
        GuardedError::NotPublic => FetchError::NotPublic,
        GuardedError::Url | GuardedError::Unreachable => FetchError::Redirect,
    })
}

/// Resolves the reference of a redirect (RFC 3986 §5.2).
fn resolve(from: &Uri, reference: &str) -> Option<String> {
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let has_scheme = reference.split(['/', '?', '#']).next().is_some_and(|head| head.contains(':'));
    if has_scheme {
        return Some(reference.to_owned());
    }
    if reference.starts_with("//") {
        return Some(format!("{scheme}:{reference}"));
    }
    let end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (path, rest) = reference.split_at_checked(end)?;
    let path = if path.is_empty() {
        from.path().to_owned()
    } else if path.starts_with('/') {
        without_dots(path)
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        without_dots(&format!("{folder}/{path}"))
    };
    Some(format!("{scheme}://{authority}{path}{rest}"))
}

/// Removes the dot segments of an absolute path (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let is_folder = path.ends_with("/.") || path.ends_with("/..");
    format!("/{}{}", segments.join("/"), if is_folder && !segments.is_empty() { "/" } else { "" })
}

const MAX_BYTES: usize = 1_048_576;
const MAX_REDIRECTS: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
