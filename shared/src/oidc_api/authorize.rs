//! `/oauth2/authorize`, by GET and by POST (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! Until the app and its redirect URI are known to belong together an error is shown on a page;
//! after that it is sent to the app (RFC 6749 §4.1.2.1).

use axum::extract::{RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::error::OidcApiError;
use super::form;
use super::hint::hint_claims;
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::sign_in::authorization_response::{respond_with_code, respond_with_error};
use crate::sign_in::pages::{self, Choice};
use crate::sign_in::start::start_sign_in;
use crate::sign_in::{SignedIn, organisation, session};
use oidc::authorize::{self, AuthorizeRequest, Prompt};
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::id_token_hint::IdTokenHint;
use oidc::parameters::Parameters;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use oidc::response_target::ResponseTarget;
use saml::connection::Connection;

pub(super) async fn by_query(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::parse(&query.unwrap_or_default());
    authorize(&app, &headers, parameters.map_err(OidcApiError::from)).await
}

pub(super) async fn by_form(State(app): State<AppState>, request: Request) -> Response {
    let headers = request.headers().clone();
    let parameters = form::read(request).await;
    authorize(&app, &headers, parameters.map_err(OidcApiError::from)).await
}

async fn authorize(
    app: &AppState,
    headers: &HeaderMap,
    parameters: Result<Parameters, OidcApiError>,
) -> Response {
    let identified = match parameters {
        Ok(parameters) => identify(app, &parameters).await.map(|client| (parameters, client)),
        Err(error) => Err(error),
    };
    let (parameters, client) = match identified {
        Ok(found) => found,
        Err(error) => return error.into_page(None),
    };
    let redirect_uri = match authorize::redirect_uri(&parameters, &client) {
        Ok(redirect_uri) => redirect_uri,
        // Nothing may be sent to the app, but the person may begin again there.
        Err(error) => {
            let login_url = client.initiate_login_uri.as_ref().map(AppUrl::as_str);
            return OidcApiError::from(error).into_page(login_url);
        }
    };
    let base_url = BaseUrl::of(&app.config, headers);
    let target = ResponseTarget::read(&parameters, redirect_uri);
    let responded = match read(app, &base_url, &parameters, &client, &target).await {
        Ok(request) => respond(app, &base_url, headers, request).await,
        Err(error) => Err(error),
    };
    responded
        .unwrap_or_else(|error| respond_with_error(&base_url, &target, error.into_oauth_error()))
}

/// Reads the request of an app that is known.
async fn read(
    app: &AppState,
    base_url: &BaseUrl,
    parameters: &Parameters,
    client: &Client,
    target: &ResponseTarget,
) -> Result<AuthorizeRequest, OidcApiError> {
    let (id, redirect_uri) = (client.id.clone(), target.redirect_uri.clone());
    let now = app.clock.now();
    let request = AuthorizeRequest::read(parameters, id, redirect_uri, client.pkce(), now)?;
    let hint = match parameters.one("id_token_hint")? {
        Some(token) => {
            let claims = hint_claims(app, token).await?;
            Some(IdTokenHint::new(token, claims, &base_url.join(""), &client.id)?)
        }
        None => None,
    };
    Ok(request.with_hint(hint))
}

/// Finds the app that sends the request.
async fn identify(app: &AppState, parameters: &Parameters) -> Result<Client, OidcApiError> {
    let id = authorize::client_id(parameters)?;
    Ok(app.store.client(&id).await?.ok_or(UNKNOWN_CLIENT)?)
}

/// Responds from the browser's session if it is good enough, and else starts a sign-in.
async fn respond(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    request: AuthorizeRequest,
) -> Result<Response, OidcApiError> {
    if let Some((signed_in, live)) = session::current(app, base_url, headers).await?
        && request.expects(signed_in.tenant, signed_in.authentication.user)
        && request.is_met_by_session(signed_in.authentication.auth_time, app.clock.now())
        && organisation::matches(
            app,
            request.organisation.as_ref(),
            &signed_in,
            &live.standing.authority,
        )
        .await?
    {
        let SignedIn { tenant, authentication } = signed_in;
        return Ok(respond_with_code(app, base_url, tenant, authentication, request).await?);
    }
    if request.prompt == Prompt::None {
        return Err(LOGIN_REQUIRED.into());
    }
    let organisation = request.organisation.as_ref().ok_or(NO_ORGANISATION)?;
    let connections = organisation::ready_connections(app, organisation).await?;
    match connections.as_slice() {
        [] => Err(NO_CONNECTION.into()),
        [connection] => {
            let purpose = Purpose::App(Box::new(request));
            Ok(start_sign_in(app, base_url, headers, connection, purpose).await)
        }
        several => Ok(offer_connections(base_url, &request, several)),
    }
}

/// Offers the connections of a tenant. The chosen link repeats the app's request.
fn offer_connections(
    base_url: &BaseUrl,
    request: &AuthorizeRequest,
    connections: &[Connection],
) -> Response {
    let choices: Vec<Choice> = connections
        .iter()
        .map(|connection| Choice {
            name: connection.domain.to_string(),
            url: base_url.join(&format!("/oauth2/authorize?{}", request.query(&connection.domain))),
        })
        .collect();
    pages::choose(&choices)
}

const UNKNOWN_CLIENT: OauthError = OauthError::invalid_request("client_id names no app");
const LOGIN_REQUIRED: OauthError =
    OauthError::new(ErrorCode::LoginRequired, "the person has to sign in");
const NO_ORGANISATION: OauthError =
    OauthError::invalid_request("domain, tenant or login_hint must name the organisation");
const NO_CONNECTION: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the organisation has no identity provider");
