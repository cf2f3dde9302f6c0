//! `/v1/tenants/{tenant}/scim-tokens`: create, list and revoke SCIM tokens.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::body::{Created, Json};
use super::caller::Operator;
use super::page::{Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::secrets;
use crate::secrets::scim_tokens::TOKEN_LIFE;
use crate::store::TokenUse;
use types::scim_token::StoredToken;

/// A SCIM token in an answer.
#[derive(Debug, Serialize)]
pub(super) struct TokenView {
    id: String,
    /// The token itself; only in the answer of its creation.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secrets::text::serialize_option"
    )]
    token: Option<SecretString>,
    last4: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// A SCIM token in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedTokenView {
    #[serde(flatten)]
    token: TokenView,
    /// Up to a minute before the last use; null if the token has not been used.
    last_used_at: Option<Timestamp>,
    /// Name of the product that used it.
    last_used_by: Option<&'static str>,
}

impl ListedTokenView {
    fn new(stored: &StoredToken, uses: &[TokenUse]) -> Self {
        let last = uses.iter().find(|last| last.token == stored.id);
        Self {
            token: TokenView::new(stored, None),
            last_used_at: last.map(|last| last.at),
            last_used_by: last.map(|last| last.product.name()),
        }
    }
}

impl TokenView {
    fn new(stored: &StoredToken, token: Option<SecretString>) -> Self {
        Self {
            id: stored.id.clone(),
            token,
            last4: stored.last4.clone(),
            created_at: stored.created_at,
            expires_at: stored.expires_at,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// In a year by default.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// Creates a token. A tenant has at most two.
pub(super) async fn create(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    body: Option<Json<NewToken>>,
) -> Result<Created<TokenView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let now = app.clock.now();
    let NewToken { expires_at } = body.map(|Json(body)| body).unwrap_or_default();
    let expires_at = expires_at.unwrap_or_else(|| now.saturating_add(TOKEN_LIFE).unwrap_or(now));
    if expires_at <= now {
        return Err(OperatorApiError::Invalid("expires_at must be in the future".to_owned()));
    }
    let (token, stored) = app.scim_tokens.create(tenant.id, now, expires_at).await?;
    Ok(Created(TokenView::new(&stored, Some(token.into_text()))))
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ListedTokenView>>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?.id;
    let tokens = app.scim_tokens.list(tenant, app.clock.now()).await?;
    let uses = app.store.token_uses(tenant).await?;
    let view = |stored| ListedTokenView::new(stored, &uses);
    let mut items: Vec<_> = tokens.iter().map(view).collect();
    items.sort_unstable_by(|one, other| one.token.id.cmp(&other.token.id));
    Ok(Json(page.cut(items, |listed| listed.token.id.as_str())))
}

/// Revokes a token. Other processes refuse it within 60 s, when their cache expires.
pub(super) async fn revoke(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, id)): Path<(String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    if app.scim_tokens.revoke(tenant.id, &id, app.clock.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(OperatorApiError::NotFound("token"))
    }
}
