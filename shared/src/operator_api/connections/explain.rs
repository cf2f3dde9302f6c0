//! `POST …/connections/{domain}/explain`: checks a SAML response without signing anyone in.

use axum::extract::State;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::body::Json;
use super::super::caller::Operator;
use super::super::params::{NoQuery, Path};
use super::find_connection;
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::saml_api::{self, Explanation};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::operator_api) struct ExplainRequest {
    /// The form field `SAMLResponse`: base64.
    saml_response: String,
    /// The time of its arrival; now by default.
    at: Option<Timestamp>,
}

pub(in crate::operator_api) async fn explain(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<ExplainRequest>,
) -> Result<Json<Explanation>, OperatorApiError> {
    let connection = find_connection(&app, &tenant, &domain).await?.connection;
    let base_url = BaseUrl::of(&app.config, &headers);
    let at = body.at.unwrap_or_else(|| app.clock.now());
    let field = &body.saml_response;
    Ok(Json(saml_api::explain(&app, &base_url, &connection, field, at).await?))
}
