//! Form bodies, up to a limit.

use axum::extract::Request;
use http_body_util::{BodyExt as _, Limited};

use crate::body::is_form;
use crate::oidc::error::OauthError;
use crate::oidc::parameters::{MAX_BYTES, Parameters};

/// The parameters of a form body. Those of a query do not count: credentials in a URL end up in
/// logs (RFC 6749 §2.3.1).
pub(super) async fn read(request: Request) -> Result<Parameters, OauthError> {
    if !is_form(request.headers()) {
        let expected = "the body must be application/x-www-form-urlencoded";
        return Err(OauthError::invalid_request(expected));
    }
    let body = Limited::new(request.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(|_| OauthError::invalid_request("the body is too long"))?.to_bytes();
    let text = std::str::from_utf8(&body);
    Parameters::parse(text.map_err(|_| OauthError::invalid_request("the body is not UTF-8"))?)
}
