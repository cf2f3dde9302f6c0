//! The pages at which a person starts or continues a sign-in: the connection's own URL, the choice
//! of a member of a federation, and the button after an unsolicited response.

use axum::extract::{Path, Query, RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::acs;
use super::form::{Form, message_in_query};
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use crate::sign_in::connection::read_ready_connection;
use crate::sign_in::refusal::Refused;
use crate::sign_in::retry::{resume_url, sso_url};
use crate::sign_in::start::{send_request, start_sign_in};
use crate::sign_in::{Destination, SignInError, SignedIn, browser, complete, is_page_of_an_app};
use crate::store::{FoundSignIns, PendingSignIn, Stage};
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
    let found = browser::sign_ins(app, base_url, headers, app.clock.now()).await?;
    let pending = find_pending(found, &connection, &query.sign_in).ok_or(SignInError::Link)?;
    if pending.stage != Stage::Choosing {
        return Err(SignInError::Link);
    }
    let purpose = pending.purpose.clone();
    let sent = async {
        let trust = connection.active_trust().map_err(SamlError::Connection)?;
        let provider = trust.provider(&query.idp).ok_or(SignInError::Link)?;
        send_request(app, base_url, headers, &connection, provider, pending.purpose).await
    };
    match sent.await {
        Ok(response) => Ok(response),
        Err(error) => {
            Ok(Refused::unrecorded(app, base_url, &connection, &purpose).answer(error).await)
        }
    }
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
    let found = browser::sign_ins(app, base_url, &headers, app.clock.now()).await?;
    let is_ended = found.ended.iter().any(|ended| ended.id == id && ended.is_at(&connection));
    let again = || Ok(see_other(&resume_url(base_url, &connection.domain, id))?);
    if is_ended {
        return again();
    }
    let pending = find_pending(found, &connection, id).ok_or(SignInError::Link)?;
    let Stage::Arrived {
        user,
        authn_instant,
        session_not_on_or_after,
        user_generation,
        authority,
        authn_context,
        assertion,
    } = pending.stage.clone()
    else {
        return Err(SignInError::Link);
    };
    if !app.store.consume_pending_sign_in(&pending, assertion.as_deref()).await? {
        return again();
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
    let default_app = connection.settings.default_app.as_deref();
    let destination = Destination::find(app, pending.purpose, default_app).await?;
    let mut response = complete(app, base_url, signed_in, destination, Some(&pending.id)).await;
    browser::end_sign_in(base_url, &headers, &pending.id, &mut response)?;
    Ok(response)
}

/// Finds the pending sign-in with this id among those of a browser, if it is one at this
/// connection.
fn find_pending(found: FoundSignIns, connection: &Connection, id: &str) -> Option<PendingSignIn> {
    found.open.into_iter().find(|pending| pending.id == id && pending.is_at(connection))
}
