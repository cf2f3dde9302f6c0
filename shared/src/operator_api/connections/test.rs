//! `POST …/connections/{domain}/test`: a link with which an admin tests the connection.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

use super::super::body::Created;
use super::super::caller::Operator;
use super::super::params::{NoQuery, Path};
use super::find_connection;
use crate::clock::random_bytes;
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::SpUrls;
use crate::store::{PendingSignIn, Stage};
use oidc::purpose::Purpose;
use saml::authn_request::RequestId;

/// A link for one test in one browser.
#[derive(Debug, Serialize)]
pub(in crate::operator_api) struct TestView {
    url: String,
    expires_at: Timestamp,
}

pub(in crate::operator_api) async fn test(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Created<TestView>, OperatorApiError> {
    let connection = find_connection(&app, &tenant, &domain).await?.connection;
    connection
        .active_trust()
        .map_err(|error| OperatorApiError::Conflict(format!("the connection is {error}")))?;
    let id = RequestId::from_random(random_bytes().map_err(OperatorApiError::Random)?);
    let now = app.clock.now();
    let expires_at = now.saturating_add(LIFE).unwrap_or(now);
    let pending = PendingSignIn {
        id: id.to_string(),
        tenant: connection.tenant,
        domain: connection.domain,
        purpose: Purpose::Test,
        stage: Stage::Invited,
        browser: None,
        session: None,
        expires_at,
    };
    app.store.create_pending_sign_in(&pending).await?;
    let urls = SpUrls::new(&BaseUrl::of(&app.config, &headers), &pending.domain);
    Ok(Created(TestView { url: format!("{}/test/{id}", urls.sso_url), expires_at }))
}

/// Validity of the link.
const LIFE: Duration = Duration::from_hours(1);
