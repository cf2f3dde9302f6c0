//! Authentication of the operator: by an IAM signature that API Gateway has checked, or by the
//! operator key.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::OperatorAuth;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::secrets::SecretName;

/// Proof that the request comes from the operator. Every handler takes one.
pub(super) struct Operator;

impl FromRequestParts<AppState> for Operator {
    type Rejection = OperatorApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, OperatorApiError> {
        let is_operator = match app.config.operator_auth {
            OperatorAuth::Iam => has_iam_identity(parts),
            OperatorAuth::Key => has_operator_key(parts, app).await?,
        };
        if is_operator { Ok(Self) } else { Err(OperatorApiError::Unauthorized) }
    }
}

/// API Gateway adds the IAM identity to the event after it has checked the signature. A route
/// without an authorizer in the template therefore refuses every request.
fn has_iam_identity(parts: &Parts) -> bool {
    match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context
            .authorizer
            .as_ref()
            .and_then(|authorizer| authorizer.iam.as_ref())
            .is_some_and(|iam| iam.user_arn.is_some()),
        _ => false,
    }
}

async fn has_operator_key(parts: &Parts, app: &AppState) -> Result<bool, OperatorApiError> {
    let sent = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.strip_prefix("Bearer "));
    let Some(sent) = sent else { return Ok(false) };
    let key = app.secrets.cached(SecretName::OperatorKey, app.clock.now()).await;
    let Some(key) = key.map_err(OperatorApiError::OperatorKey)? else { return Ok(false) };
    let digests_equal = Sha256::digest(sent).ct_eq(&Sha256::digest(key.expose_secret()));
    Ok(bool::from(digests_equal))
}
