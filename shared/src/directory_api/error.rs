//! Errors of the directory API, and their responses: RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error_chain::ErrorChain;
use crate::http::problem::Problem;
use crate::runtime::request_log::CONTENTION;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::store::StoreError;

/// Error of a request to the directory API. A failure of the service is logged once, where it
/// becomes the response.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryApiError {
    /// The path, a parameter or a cursor is not valid.
    #[error("{0}")]
    Invalid(String),
    /// There is no bearer token at all, which is no error of the token (RFC 6750 §3.1).
    #[error("there is no bearer token; get one at /oauth2/token by client_credentials")]
    NoToken,
    /// The bearer token does not count here.
    #[error(
        "the token is expired, not for the directory, or its app is deleted; get a new one at \
         /oauth2/token by client_credentials"
    )]
    InvalidToken,
    /// The tenant or the resource does not exist. One error for all cases: that a resource of another
    /// tenant exists is not said.
    #[error("no such resource")]
    NotFound,
    /// The event after a cursor is not kept any more.
    #[error(
        "the event after the cursor is older than 90 days and deleted; read the directory anew, and \
         go on with after=now"
    )]
    Expired,
    /// The path exists, but not with this method.
    #[error("the method is not allowed")]
    MethodNotAllowed,
    /// A call of the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys that verify tokens cannot be read.
    #[error(transparent)]
    Keys(#[from] OidcKeysError),
    /// The stored attributes of a resource cannot be read.
    #[error("could not read the attributes of a stored resource")]
    Document(#[source] serde_json::Error),
    /// An item of a page cannot be serialised.
    #[error("could not serialise an item of a page")]
    Item(#[source] serde_json::Error),
}

impl DirectoryApiError {
    fn problem(&self) -> Problem {
        match self {
            Self::Invalid(detail) => Problem::invalid(detail.clone()),
            Self::NoToken | Self::InvalidToken => Problem::unauthorized(self.to_string()),
            Self::NotFound => Problem::not_found("resource"),
            Self::Expired => Problem::new(StatusCode::GONE, "cursor_expired", self.to_string()),
            Self::MethodNotAllowed => Problem::method_not_allowed(),
            Self::Store(StoreError::Contention) => {
                let detail = "the tenant is changing too fast; send the request again";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, CONTENTION, detail.to_owned())
            }
            Self::Store(_) | Self::Keys(_) | Self::Document(_) | Self::Item(_) => {
                Problem::unavailable()
            }
        }
    }
}

impl IntoResponse for DirectoryApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        if problem == Problem::unavailable() {
            tracing::error!("{}", ErrorChain(&self));
        }
        let mut response = problem.into_response();
        if matches!(self, Self::InvalidToken) {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
