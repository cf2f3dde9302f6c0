//! Where a person begins: the connection's own address, a link to try it, the choice of a member
//! of a federation, and the button after a response that nobody asked for.

use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::begin::{ask, begin};
use super::browser;
use super::failure::Failure;
use super::form::Form;
use crate::http::base_url::BaseUrl;
use crate::oidc_api;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::sign_in::SignedIn;
use crate::store::{PendingSignIn, Stage};
use oidc::purpose::Purpose;
use saml::connection::Connection;
use saml::error::{ConnectionError, SamlError};
use types::domain::Domain;

#[derive(Debug, Deserialize)]
pub(super) struct StartQuery {
    /// The page of an app to end at.
    target: Option<String>,
}

/// `GET /saml/sso/{domain}`: may be bookmarked.
pub(super) async fn start(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    Query(query): Query<StartQuery>,
    headers: HeaderMap,
) -> Response {
    started(&app, &domain, query, &headers).await.unwrap_or_else(Failure::into_response)
}

async fn started(
    app: &AppState,
    domain: &str,
    query: StartQuery,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let connection = connection(app, domain).await?;
    let target = query.target.filter(|target| !target.is_empty());
    if let Some(target) = &target
        && !oidc_api::is_page_of_an_app(app, target).await?
    {
        return Err(Failure::Link);
    }
    let base_url = BaseUrl::of(&app.config, headers);
    Ok(begin(app, &base_url, &connection, Purpose::Start { target }).await)
}

#[derive(Debug, Deserialize)]
pub(super) struct ChoiceQuery {
    /// Which sign-in of this browser.
    sign_in: String,
    /// The entity id of the chosen member.
    idp: String,
}

/// `GET /saml/sso/{domain}/with`: a member of a federation was chosen.
pub(super) async fn choose(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    Query(query): Query<ChoiceQuery>,
    headers: HeaderMap,
) -> Response {
    chosen(&app, &domain, &query, &headers).await.unwrap_or_else(Failure::into_response)
}

async fn chosen(
    app: &AppState,
    domain: &str,
    query: &ChoiceQuery,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let base_url = BaseUrl::of(&app.config, headers);
    let connection = connection(app, domain).await?;
    let pending = of_browser(app, &base_url, headers, &connection, &query.sign_in).await?;
    if pending.stage != Stage::Choosing {
        return Err(Failure::Link);
    }
    let trust = connection.ready().map_err(SamlError::Connection)?;
    let provider = trust.provider(&query.idp).ok_or(Failure::Link)?;
    ask(app, &base_url, &connection, provider, pending.purpose).await
}

/// `GET /saml/sso/{domain}/test/{id}`: a link of the administrator, good once.
pub(super) async fn test(
    State(app): State<AppState>,
    Path((domain, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    tested(&app, &domain, &id, &headers).await.unwrap_or_else(Failure::into_response)
}

async fn tested(
    app: &AppState,
    domain: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let connection = connection(app, domain).await?;
    let pending = app.store.pending_sign_ins(&[id], app.clock.now()).await?;
    let invited = pending.iter().find(|pending| {
        pending.stage == Stage::Invited
            && pending.tenant == connection.tenant
            && pending.domain == connection.domain
    });
    if !app.store.consume_pending_sign_in(invited.ok_or(Failure::Link)?).await? {
        return Err(Failure::Link);
    }
    let base_url = BaseUrl::of(&app.config, headers);
    Ok(begin(app, &base_url, &connection, Purpose::Test).await)
}

/// `POST /saml/sso/{domain}/continue`: the person agrees to a sign-in that the provider began.
pub(super) async fn agree(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    request: Request,
) -> Response {
    agreed(&app, &domain, request).await.unwrap_or_else(Failure::into_response)
}

async fn agreed(app: &AppState, domain: &str, request: Request) -> Result<Response, Failure> {
    let headers = request.headers().clone();
    let base_url = BaseUrl::of(&app.config, &headers);
    let form = Form::read(request).await?;
    let id = form.one("sign_in").ok_or(Failure::Link)?;
    let connection = connection(app, domain).await?;
    let pending = of_browser(app, &base_url, &headers, &connection, id).await?;
    let Stage::Arrived { user, authn_instant, session_not_on_or_after } = pending.stage else {
        return Err(Failure::Link);
    };
    connection.ready().map_err(SamlError::Connection)?;
    if !app.store.consume_pending_sign_in(&pending).await? {
        return Err(Failure::Link);
    }
    let signed_in = SignedIn {
        tenant: connection.tenant,
        user,
        domain: connection.domain.to_string(),
        authn_instant,
        session_not_on_or_after,
    };
    let mut response = oidc_api::complete(app, &base_url, signed_in, pending.purpose).await;
    browser::take_back(&base_url, &pending.id, &mut response);
    Ok(response)
}

async fn connection(app: &AppState, domain: &str) -> Result<Connection, Failure> {
    let unknown = || Failure::Refused(SamlError::Connection(ConnectionError::Unknown));
    let domain: Domain = domain.parse().map_err(|_| unknown())?;
    let stored = app.store.connection_of_domain(&domain).await?;
    let connection = stored.ok_or_else(unknown)?.connection;
    note_tenant(connection.tenant);
    Ok(connection)
}

/// The sign-in with this id, if this browser began it at this connection.
async fn of_browser(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    id: &str,
) -> Result<PendingSignIn, Failure> {
    let begun = browser::pending_sign_ins(app, base_url, headers, app.clock.now()).await?;
    let of_connection = |begun: &PendingSignIn| {
        begun.id == id && begun.tenant == connection.tenant && begun.domain == connection.domain
    };
    begun.into_iter().find(of_connection).ok_or(Failure::Link)
}
