//! Errors of the operator API (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::runtime::request_log::FailureCode;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::secrets::scim_tokens::ScimTokensError;
use crate::store::StoreError;

/// What a call of the operator API can fail with. One variant per answer.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// 400: the body, a parameter or an id is not what the operation takes.
    #[error("{0}")]
    Invalid(String),
    /// 401: not an operator.
    #[error("the operator key is missing or wrong")]
    Unauthorized,
    /// 404: no such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// 405: the path exists and does not take this method.
    #[error("method not allowed here")]
    MethodNotAllowed,
    /// 409: it exists already, or a limit on how many is reached.
    #[error("{0}")]
    Conflict(String),
    /// 413: the body is over the limit.
    #[error("the body is over {0} bytes")]
    TooLarge(usize),
    /// 503: others kept changing the same thing; nothing was written.
    #[error("it is being changed by others; send the request again")]
    Contention,
    /// 503: DynamoDB or Secrets Manager did not answer; the log has the reason.
    #[error("a service we depend on is unavailable; send the request again")]
    Unavailable,
}

impl Problem {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Contention | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A stable code that programs can compare.
    const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict(_) => "conflict",
            Self::TooLarge(_) => "too_large",
            Self::Contention => "contention",
            Self::Unavailable => "unavailable",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.to_string(),
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        response.extensions_mut().insert(FailureCode(self.code()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ScimTokensError> for Problem {
    fn from(error: ScimTokensError) -> Self {
        match error {
            ScimTokensError::TwoLive => Self::Conflict(error.to_string()),
            ScimTokensError::NoTenant => Self::NotFound("tenant"),
            ScimTokensError::Contention => Self::Contention,
            ScimTokensError::Store(_)
            | ScimTokensError::Secrets(_)
            | ScimTokensError::Random(_)
            | ScimTokensError::Corrupt(_)
            | ScimTokensError::Serialize(_) => {
                tracing::error!(error = %error, "operator request failed");
                Self::Unavailable
            }
        }
    }
}

impl From<OidcKeysError> for Problem {
    fn from(error: OidcKeysError) -> Self {
        match error {
            OidcKeysError::TooSoon => Self::Conflict(error.to_string()),
            OidcKeysError::Secrets(_) | OidcKeysError::Corrupt(_) | OidcKeysError::Unusable => {
                tracing::error!(error = %error, "the signing keys cannot be used");
                Self::Unavailable
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(attribute) => Self::Conflict(format!("{attribute} is taken")),
            StoreError::VersionMismatch | StoreError::MemberGone | StoreError::Contention => {
                Self::Conflict("it is being changed by others; send the request again".to_owned())
            }
            StoreError::NotFound => Self::NotFound("row"),
            StoreError::TooLarge => Self::Invalid("too large to store".to_owned()),
            StoreError::NoSeat { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Random(_) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the table cannot be used"
                );
                Self::Unavailable
            }
        }
    }
}
