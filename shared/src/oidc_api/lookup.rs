//! `POST /oauth2/lookup`: tells an app whether the address that a person typed signs in here
//! (rule 21).
//!
//! Only an app with a secret may ask: the answer says which companies are customers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::client_auth::ClientRequest;
use super::error::OidcApiError;
use super::reply;
use crate::runtime::state::AppState;
use crate::sign_in::organisation::speakers;
use oidc::authorize::domain_of_hint;
use oidc::error::{ErrorCode, OauthError};

pub(super) async fn lookup(
    State(app): State<AppState>,
    ClientRequest { client, parameters, .. }: ClientRequest,
) -> Result<Response, OidcApiError> {
    if !client.is_confidential() {
        return Err(
            OauthError::new(ErrorCode::InvalidClient, "a public client may not look up").into()
        );
    }
    let hint = parameters.required("login_hint", "login_hint is missing")?;
    let found = match domain_of_hint(hint) {
        Some(domain) => speakers(&app, &domain).await?,
        None => None,
    };
    let found = found.filter(|(_, connections)| !connections.is_empty());
    let tenant = match &found {
        Some((tenant, _)) => app.store.tenant(*tenant).await?,
        None => None,
    };
    let (Some((_, connections)), Some(tenant)) = (found, tenant) else {
        return Ok(reply::json(StatusCode::OK, &json!({"sso": false})));
    };
    let connections: Vec<_> = connections.iter().map(|name| json!({"name": name})).collect();
    let answer = json!({
        "sso": true,
        "tenant": tenant.id,
        "external_id": tenant.external_id,
        "connections": connections,
    });
    Ok(reply::json(StatusCode::OK, &answer))
}
