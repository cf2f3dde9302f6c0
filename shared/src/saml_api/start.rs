//! The pages at which a person starts or continues a sign-in: the connection's own URL, the choice
//! of a member of a federation, a link that tests the connection, and the button after an
//! unsolicited response.

use axum::extract::{Path, Query, RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::acs;
use super::form::{Form, message_in_query};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::sign_in::connection::read_ready_connection;
use crate::sign_in::retry::sso_url;
use crate::sign_in::start::{send_request, start_sign_in};
use crate::sign_in::{Destination, SignInError, SignedIn, browser, complete, is_page_of_an_app};
use crate::store::{PendingSignIn, Stage};
use oidc::grant::Authentication;
use oidc::purpose::Purpose;
use saml::connection::Connection;
use saml::error::SamlError;

#[derive(Debug, Deserialize)]
pub(super) struct StartQuery {
    /// The page of an app at which the sign-in is to end.
    target: Option<String>,
}

/// `GET /saml/sso/{domain}`: starts a sign-in. May be bookmarked. Also at the other ACS, whose URL
/// people open too.
pub(super) async fn start(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<StartQuery>,
    RawQuery(raw_query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(error) = raw_query.as_deref().and_then(message_in_query) {
        return acs::refuse_message(&app, &name, headers, error).await;
    }
    let base_url = BaseUrl::of(&app.config, &headers);
    let started = try_start(&app, &base_url, &name, query, &headers).await;
    started.unwrap_or_else(|error| error.into_response(sso_url(&base_url, &name).as_deref()))
}

async fn try_start(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    query: StartQuery,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let connection = read_ready_connection(app, name).await?;
    let target = query.target.filter(|target| !target.is_empty());
    if let Some(target) = &target
        && !is_page_of_an_app(app, target).await?
    {
        return Err(SignInError::Link);
    }
    Ok(start_sign_in(app, base_url, headers, &connection, Purpose::Start { target }).await)
}

#[derive(Debug, Deserialize)]
pub(super) struct ChoiceQuery {
    /// The id of a pending sign-in of this browser.
    sign_in: String,
    /// The entity id of the chosen member.
    idp: String,
}

/// `GET /saml/sso/{domain}/with`: sends the browser to the chosen member of a federation.
pub(super) async fn choose(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<ChoiceQuery>,
    headers: HeaderMap,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let chosen = try_choose(&app, &base_url, &name, &query, &headers).await;
    chosen.unwrap_or_else(|error| error.into_response(sso_url(&base_url, &name).as_deref()))
}

async fn try_choose(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    query: &ChoiceQuery,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let connection = read_ready_connection(app, name).await?;
    let pending = pending_sign_in(app, base_url, headers, &connection, &query.sign_in).await?;
    if pending.stage != Stage::Choosing {
        return Err(SignInError::Link);
    }
    let trust = connection.active_trust().map_err(SamlError::Connection)?;
    let provider = trust.provider(&query.idp).ok_or(SignInError::Link)?;
    send_request(app, base_url, headers, &connection, provider, pending.purpose).await
}

/// `GET /saml/sso/{domain}/test/{id}`: tests the connection. The administrator's link works once.
pub(super) async fn test(
    State(app): State<AppState>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let tested = try_test(&app, &base_url, &name, &id, &headers).await;
    tested.unwrap_or_else(|error| error.into_response(None))
}

async fn try_test(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let connection = read_ready_connection(app, name).await?;
    let pending = app.store.pending_sign_ins(&[id], app.clock.now()).await?;
    let invited = pending.iter().find(|pending| {
        pending.stage == Stage::Invited
            && pending.tenant == connection.tenant
            && pending.domain == connection.domain
    });
    if !app.store.consume_pending_sign_in(invited.ok_or(SignInError::Link)?).await? {
        return Err(SignInError::Link);
    }
    Ok(start_sign_in(app, base_url, headers, &connection, Purpose::Test).await)
}

/// `POST /saml/sso/{domain}/continue`: completes an unsolicited sign-in that the person agrees to.
pub(super) async fn agree(
    State(app): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let base_url = BaseUrl::of(&app.config, request.headers());
    let agreed = try_agree(&app, &base_url, &name, request).await;
    agreed.unwrap_or_else(|error| error.into_response(sso_url(&base_url, &name).as_deref()))
}

async fn try_agree(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    request: Request,
) -> Result<Response, SignInError> {
    let headers = request.headers().clone();
    let form = Form::read(request).await?;
    let id = form.one("sign_in").ok_or(SignInError::Link)?;
    let connection = read_ready_connection(app, name).await?;
    let pending = pending_sign_in(app, base_url, &headers, &connection, id).await?;
    let Stage::Arrived {
        user,
        authn_instant,
        session_not_on_or_after,
        user_generation,
        authority,
        authn_context,
    } = pending.stage.clone()
    else {
        return Err(SignInError::Link);
    };
    if !app.store.consume_pending_sign_in(&pending).await? {
        return Err(SignInError::Link);
    }
    let authentication = Authentication {
        user,
        user_generation,
        connection: connection.domain.to_string(),
        authority,
        auth_time: authn_instant,
        not_on_or_after: session_not_on_or_after,
        authn_context,
    };
    let signed_in = SignedIn { tenant: connection.tenant, authentication };
    let destination = Destination::find(app, pending.purpose).await?;
    let mut response = complete(app, base_url, signed_in, destination).await;
    browser::remove_cookie(base_url, &pending.id, &mut response);
    Ok(response)
}

/// Finds the pending sign-in with this id, if this browser started it at this connection.
async fn pending_sign_in(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    id: &str,
) -> Result<PendingSignIn, SignInError> {
    let pending = browser::pending_sign_ins(app, base_url, headers, app.clock.now()).await?;
    let is_wanted = |pending: &PendingSignIn| {
        pending.id == id
            && pending.tenant == connection.tenant
            && pending.domain == connection.domain
    };
    pending.into_iter().find(is_wanted).ok_or(SignInError::Link)
}
