//! The error answers of SCIM: one enum and its one mapping to the wire (RFC 7644 §3.12).
//!
//! The core returns these errors; `scim_api` of the crate `shared` turns them into HTTP responses.

use serde_json::{Map, Value, json};

/// The schema URN of an error body.
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// An error answer to a SCIM request, one variant per answer that a provisioning client can get.
///
/// The texts say what is wrong and what to do about it. They never quote a secret or a stored value
/// of another client.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScimError {
    /// 400 `invalidFilter`: the filter does not follow the grammar, or a comparison is not defined
    /// for its attribute.
    #[error("filter: {0}")]
    InvalidFilter(String),
    /// 400 `invalidPath`: a PATCH path or attribute name does not follow the grammar or names no
    /// attribute.
    #[error("path: {0}")]
    InvalidPath(String),
    /// 400 `invalidSyntax`: the body is not JSON, or not a message of the expected schema.
    #[error("{0}")]
    InvalidSyntax(String),
    /// 400 `invalidValue`: a required value is missing, or a value does not fit its attribute.
    #[error("{0}")]
    InvalidValue(String),
    /// 400 `mutability`: the change touches a read-only or immutable attribute.
    #[error("{0}")]
    Mutability(String),
    /// 400 `noTarget`: the value filter of a PATCH path matches no value.
    #[error("{0}")]
    NoTarget(String),
    /// 400 `tooMany`: the answer would exceed the work or the size that one request may cost.
    #[error("{0}")]
    TooMany(String),
    /// 400 `invalidCursor` (RFC 9865 §2.1).
    #[error("the cursor is unknown or belongs to another query; start again without a cursor")]
    InvalidCursor,
    /// 400 `expiredCursor` (RFC 9865 §2.1).
    #[error("the cursor has expired; start again without a cursor")]
    ExpiredCursor,
    /// 401: the request has no bearer token (RFC 6750 §3.1: the challenge has no error code then).
    #[error("a bearer token is required")]
    Unauthorized,
    /// 401 `invalid_token` (RFC 6750 §3.1).
    #[error("the bearer token is malformed, unknown, revoked or expired")]
    InvalidToken,
    /// 403: the operation is not allowed, as a filter on a discovery endpoint (RFC 7644 §4).
    #[error("{0}")]
    Forbidden(String),
    /// 403: the request asks for a licence seat and none is free.
    #[error(
        "no licence seat is free: all {seats} are in use; deactivate a user, raise the number of seats, or send license \"view_only\""
    )]
    NoSeat {
        /// Number of seats in the pool.
        seats: u64,
    },
    /// 404: no such resource or endpoint, in this tenant.
    #[error("{0} not found")]
    NotFound(String),
    /// 405: the endpoint exists and does not support this method.
    #[error("this endpoint does not support the method")]
    MethodNotAllowed,
    /// 409 `uniqueness`: another resource has the unique value.
    #[error("{attribute} is already used by another resource")]
    Uniqueness {
        /// SCIM name of the attribute.
        attribute: &'static str,
    },
    /// 503: too many concurrent writes of one resource; the client may retry. Not 409, which tells
    /// a connector that the resource exists.
    #[error("other requests are changing the resource at the same time; send the request again")]
    Contention,
    /// 412: `If-Match` names another version (RFC 7644 §3.14).
    #[error("the resource has changed since the version in If-Match; fetch it again")]
    PreconditionFailed,
    /// 413: the size of the body, or the number of operations in it, exceeds the limit.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// 415: the media type of the body is not JSON.
    #[error("the request body must be application/scim+json or application/json")]
    UnsupportedMediaType,
    /// 415: the body is compressed (RFC 9110 §15.5.16).
    #[error("the request body must not have a Content-Encoding")]
    UnsupportedContentEncoding,
    /// 429: the tenant exceeds its request rate.
    #[error("too many requests for this tenant; wait {retry_after_seconds} s")]
    TooManyRequests {
        /// Value of `Retry-After`, in seconds.
        retry_after_seconds: u64,
    },
    /// 500: an error of the service; the log has the cause.
    #[error("internal error")]
    Internal,
    /// 501: an optional part of SCIM that the service does not implement, as `/Me` (RFC 7644
    /// §3.11).
    #[error("{0} is not implemented")]
    NotImplemented(&'static str),
    /// 503: DynamoDB or Secrets Manager did not answer; the client may retry.
    #[error("a service that this one depends on is unavailable; send the request again")]
    Unavailable,
}

impl ScimError {
    /// Returns the HTTP status code.
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidFilter(_)
            | Self::InvalidPath(_)
            | Self::InvalidSyntax(_)
            | Self::InvalidValue(_)
            | Self::Mutability(_)
            | Self::NoTarget(_)
            | Self::TooMany(_)
            | Self::InvalidCursor
            | Self::ExpiredCursor => 400,
            Self::Unauthorized | Self::InvalidToken => 401,
            Self::Forbidden(_) | Self::NoSeat { .. } => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed => 405,
            Self::Uniqueness { .. } => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge(_) => 413,
            Self::UnsupportedMediaType | Self::UnsupportedContentEncoding => 415,
            Self::TooManyRequests { .. } => 429,
            Self::Internal => 500,
            Self::NotImplemented(_) => 501,
            Self::Contention | Self::Unavailable => 503,
        }
    }

    /// Returns `scimType`, the detail keyword of RFC 7644 §3.12 table 9 and RFC 9865 §2.1, if one
    /// applies.
    pub const fn scim_type(&self) -> Option<&'static str> {
        match self {
            Self::InvalidFilter(_) => Some("invalidFilter"),
            Self::InvalidPath(_) => Some("invalidPath"),
            Self::InvalidSyntax(_) => Some("invalidSyntax"),
            Self::InvalidValue(_) => Some("invalidValue"),
            Self::Mutability(_) => Some("mutability"),
            Self::NoTarget(_) => Some("noTarget"),
            Self::TooMany(_) => Some("tooMany"),
            Self::InvalidCursor => Some("invalidCursor"),
            Self::ExpiredCursor => Some("expiredCursor"),
            Self::Uniqueness { .. } => Some("uniqueness"),
            Self::Unauthorized
            | Self::InvalidToken
            | Self::Forbidden(_)
            | Self::NoSeat { .. }
            | Self::NotFound(_)
            | Self::MethodNotAllowed
            | Self::Contention
            | Self::PreconditionFailed
            | Self::PayloadTooLarge(_)
            | Self::UnsupportedMediaType
            | Self::UnsupportedContentEncoding
            | Self::TooManyRequests { .. }
            | Self::Internal
            | Self::NotImplemented(_)
            | Self::Unavailable => None,
        }
    }

    /// Returns `Retry-After` in seconds, for an answer that invites a retry.
    pub const fn retry_after_seconds(&self) -> Option<u64> {
        if let Self::TooManyRequests { retry_after_seconds } = self {
            return Some(*retry_after_seconds);
        }
        if matches!(self, Self::Unavailable | Self::Contention) { Some(1) } else { None }
    }

    /// Returns `WWW-Authenticate` for an answer that asks for a token (RFC 6750 §3). It has an
    /// error code only if the request had credentials of this scheme.
    pub const fn challenge(&self) -> Option<&'static str> {
        if matches!(self, Self::Unauthorized) {
            return Some("Bearer realm=\"scim\"");
        }
        if matches!(self, Self::InvalidToken) {
            return Some("Bearer realm=\"scim\", error=\"invalid_token\"");
        }
        None
    }

    /// Returns `Accept-Encoding` for an answer that refuses a content coding (RFC 9110 §12.5.3).
    pub const fn accepted_encoding(&self) -> Option<&'static str> {
        if matches!(self, Self::UnsupportedContentEncoding) { Some("identity") } else { None }
    }

    /// Returns the body of RFC 7644 §3.12, in which `status` is a string.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([ERROR_SCHEMA]));
        body.insert("status".to_owned(), self.status().to_string().into());
        if let Some(scim_type) = self.scim_type() {
            body.insert("scimType".to_owned(), scim_type.into());
        }
        body.insert("detail".to_owned(), self.to_string().into());
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_has_the_shape_of_the_rfc() {
        insta::assert_snapshot!(
            ScimError::Uniqueness { attribute: "userName" }.body(),
            @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"userName is already used by another resource"}"#
        );
    }
}
