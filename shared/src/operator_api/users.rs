//! `/v1/tenants/{tenant}/users/{user}`: one user with its links and sessions, and their end.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::body::Json;
use super::caller::Operator;
use super::directory::UserView;
use super::params::{NoQuery, Path};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::{GrantOfUser, Link, LinkKind, StoredUser};
use oidc::client::ClientId;
use types::domain::Domain;
use types::ids::TenantId;

/// A user with what signs it in and what that gave.
#[derive(Debug, Serialize)]
pub(super) struct UserDetailView {
    #[serde(flatten)]
    user: UserView,
    /// The identities that the user signed in with, without their values.
    links: Vec<LinkView>,
    /// The apps that the user is signed in to.
    sessions: Vec<SessionView>,
}

#[derive(Debug, Serialize)]
struct LinkView {
    connection: Domain,
    /// Entity id of the issuer; null for a link that version 0.1.0 made.
    issuer: Option<String>,
    /// `stable` or `address`; null for a link that version 0.1.0 made.
    kind: Option<&'static str>,
    first_used_at: Option<Timestamp>,
    /// To the hour.
    last_used_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct SessionView {
    client_id: ClientId,
    connection: String,
    signed_in_at: Timestamp,
    /// Time of the last refresh.
    last_used_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        Self {
            kind: link.kind.map(LinkKind::as_str),
            connection: link.connection,
            issuer: link.issuer,
            first_used_at: link.first_used_at,
            last_used_at: link.last_used_at,
        }
    }
}

impl From<GrantOfUser> for SessionView {
    fn from(found: GrantOfUser) -> Self {
        let GrantOfUser { grant, last_used_at } = found;
        Self {
            client_id: grant.client_id,
            connection: grant.authentication.connection,
            signed_in_at: grant.authentication.auth_time,
            last_used_at,
            expires_at: grant.expires_at,
        }
    }
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, user)): Path<(String, String)>,
) -> Result<Json<UserDetailView>, OperatorApiError> {
    let (tenant, user) = find_user(&app, &tenant, &user).await?;
    let id = user.resource.id;
    let (links, grants) = tokio::try_join!(
        app.store.links(tenant, id),
        app.store.grants_of_user(tenant, id, app.clock.now()),
    )?;
    Ok(Json(UserDetailView {
        user: UserView::new(&user, false),
        links: links.into_iter().map(LinkView::from).collect(),
        sessions: grants.into_iter().map(SessionView::from).collect(),
    }))
}

/// `DELETE …/users/{user}/links/{connection}`.
pub(super) async fn unlink(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, user, connection)): Path<(String, String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let (tenant, user) = find_user(&app, &tenant, &user).await?;
    let unknown = || OperatorApiError::NotFound("connection");
    let connection: Domain = connection.parse().map_err(|_| unknown())?;
    let id = user.resource.id;
    if !app.store.unlink_user(tenant, id, Some(&connection)).await? {
        // A user without a link is in the wanted state. An unknown connection is a mistake.
        app.store.connection(tenant, &connection).await?.ok_or_else(unknown)?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = json!({"user": id, "connection": connection});
    app.store.record_activity(tenant, app.clock.now(), "operator", "link.deleted", detail).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/users/{user}/end-sessions`.
pub(super) async fn end_sessions(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, user)): Path<(String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let (tenant, user) = find_user(&app, &tenant, &user).await?;
    let id = user.resource.id;
    if !app.store.end_sessions_of_user(tenant, id).await? {
        return Err(OperatorApiError::NotFound("user"));
    }
    let detail = json!({"user": id});
    app.store
        .record_activity(tenant, app.clock.now(), "operator", "sessions.ended", detail)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find_user(
    app: &AppState,
    tenant: &str,
    user: &str,
) -> Result<(TenantId, StoredUser), OperatorApiError> {
    let gone = || OperatorApiError::NotFound("user");
    let tenant = find_tenant(app, tenant).await?.id;
    let id = user.parse().map_err(|_| gone())?;
    Ok((tenant, app.store.user(tenant, id).await?.ok_or_else(gone)?))
}
