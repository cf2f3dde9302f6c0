//! `POST …/connections/{domain}/explain`: what would become of a response, without it becoming so.

use axum::extract::State;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::body::Json;
use super::super::caller::Operator;
use super::super::params::Path;
use super::stored;
use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::saml_api::{self, Explanation};
use crate::sign_in::SignInError;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::operator_api) struct Question {
    /// The form field `SAMLResponse`: base64.
    saml_response: String,
    /// When it arrived; now, unless given.
    at: Option<Timestamp>,
}

pub(in crate::operator_api) async fn explain(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
    Json(question): Json<Question>,
) -> Result<Json<Explanation>, Problem> {
    let connection = stored(&app, &tenant, &domain).await?.connection;
    let base_url = BaseUrl::of(&app.config, &headers);
    let at = question.at.unwrap_or_else(|| app.clock.now());
    let field = &question.saml_response;
    Ok(Json(saml_api::explain(&app, &base_url, &connection, field, at).await?))
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Store(error) => error.into(),
            SignInError::SamlKeys(error) => error.into(),
            SignInError::Refused(_)
            | SignInError::Link
            | SignInError::Oauth(_)
            | SignInError::AuthnRequest(_)
            | SignInError::NoEndpoint
            | SignInError::Random(_)
            | SignInError::Header(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "{error}");
                Self::Unavailable
            }
        }
    }
}
