//! Who may call the operator API.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::OperatorAuth;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::secrets::SecretName;

/// Proof that the request comes from the operator. A handler that takes none is a public route.
pub(super) struct Operator;

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let admitted = match app.config.operator_auth {
            OperatorAuth::Iam => is_signed(parts),
            OperatorAuth::Key => holds_key(parts, app).await?,
        };
        if admitted { Ok(Self) } else { Err(Problem::Unauthorized) }
    }
}

/// API Gateway puts the IAM identity into the event only after it has checked the signature, so a
/// route that lost its authoriser refuses everybody.
fn is_signed(parts: &Parts) -> bool {
    match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context
            .authorizer
            .as_ref()
            .and_then(|authorizer| authorizer.iam.as_ref())
            .is_some_and(|iam| iam.user_arn.is_some()),
        _ => false,
    }
}

async fn holds_key(parts: &Parts, app: &AppState) -> Result<bool, Problem> {
    let sent = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.strip_prefix("Bearer "));
    let Some(sent) = sent else { return Ok(false) };
    let key =
        app.secrets.cached(SecretName::OperatorKey, app.clock.now()).await.map_err(|error| {
            tracing::error!(error = %error, "the operator key cannot be read");
            Problem::Unavailable
        })?;
    let Some(key) = key else { return Ok(false) };
    let digests_equal = Sha256::digest(sent).ct_eq(&Sha256::digest(key.expose_secret()));
    Ok(bool::from(digests_equal))
}
