//! The end of a sign-in whose user is known: a session, and the way to the app.

use axum::http::header;
use axum::response::Response;

use super::SignedIn;
use super::active_grant::{Live, live};
use super::authorization_response::{respond_with_code, respond_with_error};
use super::destination::Destination;
use super::error::SignInError;
use super::{organisation, pages, session};
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use oidc::authorize::AuthorizeRequest;
use oidc::claims::domain_of_connection;
use oidc::error::{ErrorCode, OauthError};
use oidc::redirect_uri::AppUrl;
use saml::error::{SamlError, UserError};

/// Creates the session and sends the browser to the destination. A test gets no session.
pub async fn complete(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    destination: Destination,
) -> Response {
    let login = match &destination {
        Destination::App(request) => return end_at_app(app, base_url, signed_in, request).await,
        Destination::Login { url, target } => Some((url, target.as_ref())),
        Destination::Page => None,
        Destination::Test => return pages::test_ended(),
    };
    let ended = end_at_login(app, base_url, signed_in, login).await;
    ended.unwrap_or_else(|error| error.into_response(None))
}

/// Sends the browser to the app that asked, with a code or an error.
async fn end_at_app(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    request: &AuthorizeRequest,
) -> Response {
    give_code(app, base_url, signed_in, request).await.unwrap_or_else(|error| {
        let AuthorizeRequest { redirect_uri, state, .. } = request;
        respond_with_error(base_url, redirect_uri, state.as_deref(), error.into_oauth_error())
    })
}

async fn give_code(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    request: &AuthorizeRequest,
) -> Result<Response, SignInError> {
    let Live { standing, .. } = check_live(app, &signed_in).await?;
    let organisation = request.organisation.as_ref();
    if !organisation::matches(app, organisation, &signed_in, &standing.authority).await? {
        return Err(OTHER_ORGANISATION.into());
    }
    let SignedIn { tenant, authentication } = signed_in;
    if !request.is_met_by_sign_in(authentication.auth_time, app.clock.now()) {
        return Err(NOT_RECENT.into());
    }
    let cookie = session::create(app, base_url, tenant, authentication.clone()).await?;
    let request = request.clone();
    let mut response = respond_with_code(app, base_url, tenant, authentication, request).await?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Opens an app at its `initiate_login_uri`, or our page without one.
async fn end_at_login(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    login: Option<(&AppUrl, Option<&AppUrl>)>,
) -> Result<Response, SignInError> {
    let Live { standing, .. } = check_live(app, &signed_in).await?;
    let SignedIn { tenant, authentication } = signed_in;
    // The app sends the hint back, and only a domain of the connection leads to this session.
    let hint = domain_of_connection(&authentication.connection, &standing.authority.domains);
    let hint = hint.map(ToString::to_string).unwrap_or_default();
    let cookie = session::create(app, base_url, tenant, authentication).await?;
    let mut response = match login {
        Some((url, target)) => {
            let issuer = base_url.join("");
            let parameters = [("iss", issuer.as_str()), ("login_hint", hint.as_str())];
            let target = target.map(|target| ("target_link_uri", target.as_str()));
            see_other(&url.with(parameters.into_iter().chain(target)))?
        }
        None => pages::signed_in(),
    };
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Checks that the sign-in counts: user or connection may have changed since the response arrived.
async fn check_live(app: &AppState, signed_in: &SignedIn) -> Result<Live, SignInError> {
    let live = live(app, signed_in.tenant, &signed_in.authentication, None).await?;
    live.ok_or_else(|| SamlError::UserState(UserError::Deactivated).into())
}

const OTHER_ORGANISATION: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the person belongs to another organisation");
const NOT_RECENT: OauthError = OauthError::new(
    ErrorCode::LoginRequired,
    "the identity provider did not authenticate the person anew",
);
