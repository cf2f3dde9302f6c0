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
use crate::store::ConnectionAuthority;
use oidc::authorize::AuthorizeRequest;
use oidc::claims::domain_of_connection;
use oidc::error::{ErrorCode, OauthError};
use oidc::redirect_uri::AppUrl;
use saml::error::{SamlError, SessionError, UserError};

/// Creates the session and sends the browser to the destination, if the sign-in still counts: user
/// or connection may have changed since the response arrived. A test gets no session.
pub async fn complete(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    destination: Destination,
) -> Response {
    match check_live(app, &signed_in).await {
        Ok(live) => {
            complete_live(app, base_url, signed_in, &live.standing.authority, destination).await
        }
        Err(error) => match &destination {
            Destination::App(request) => refuse_at_app(base_url, request, error),
            Destination::Login { .. } | Destination::Page => error.into_response(None),
            Destination::Test => pages::test_ended(),
        },
    }
}

/// The same for a sign-in whose rows were read by this request, with the authority of the
/// connection. What it gives remembers the generations of these rows, so that a change in between
/// ends it at its first use.
pub(crate) async fn complete_live(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    authority: &ConnectionAuthority,
    destination: Destination,
) -> Response {
    let login = match &destination {
        Destination::App(request) => {
            return end_at_app(app, base_url, signed_in, authority, request).await;
        }
        Destination::Login { url, target } => Some((url, target.as_ref())),
        Destination::Page => None,
        Destination::Test => return pages::test_ended(),
    };
    let ended = end_at_login(app, base_url, signed_in, authority, login).await;
    ended.unwrap_or_else(|error| error.into_response(None))
}

/// Sends the browser to the app that asked, with a code or an error.
async fn end_at_app(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    authority: &ConnectionAuthority,
    request: &AuthorizeRequest,
) -> Response {
    let given = give_code(app, base_url, signed_in, authority, request).await;
    given.unwrap_or_else(|error| refuse_at_app(base_url, request, error))
}

fn refuse_at_app(base_url: &BaseUrl, request: &AuthorizeRequest, error: SignInError) -> Response {
    respond_with_error(base_url, &request.response_target(), error.into_oauth_error())
}

async fn give_code(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    authority: &ConnectionAuthority,
    request: &AuthorizeRequest,
) -> Result<Response, SignInError> {
    let organisation = request.organisation.as_ref();
    if !organisation::matches(app, organisation, &signed_in, authority).await? {
        return Err(OTHER_ORGANISATION.into());
    }
    let SignedIn { tenant, authentication } = signed_in;
    if !request.expects(tenant, authentication.user) {
        return Err(OTHER_PERSON.into());
    }
    if !request.is_met_by_sign_in(authentication.auth_time, app.clock.now()) {
        return Err(NOT_RECENT.into());
    }
    let session = session::create(app, base_url, tenant, authentication.clone());
    let code = respond_with_code(app, base_url, tenant, authentication, request.clone());
    let (cookie, mut response) = tokio::try_join!(session, code)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Opens an app at its `initiate_login_uri`, or our page without one.
async fn end_at_login(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    authority: &ConnectionAuthority,
    login: Option<(&AppUrl, Option<&AppUrl>)>,
) -> Result<Response, SignInError> {
    // The app sends the hint back, and only a domain of the connection leads to this session.
    let hint = domain_of_connection(&signed_in.authentication.connection, &authority.domains);
    let hint = hint.map(ToString::to_string).unwrap_or_default();
    let SignedIn { tenant, authentication } = signed_in;
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

/// Checks that the sign-in counts (rule 16), and that the identity provider's session is not over
/// by now (rule 18).
async fn check_live(app: &AppState, signed_in: &SignedIn) -> Result<Live, SignInError> {
    let SignedIn { tenant, authentication } = signed_in;
    if authentication.is_over(app.clock.now()) {
        return Err(SamlError::Session(SessionError::Over).into());
    }
    let live = live(app, *tenant, authentication, None).await?;
    live.ok_or_else(|| SamlError::UserState(UserError::Deactivated).into())
}

const OTHER_ORGANISATION: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the person belongs to another organisation");
const OTHER_PERSON: OauthError = OauthError::new(
    ErrorCode::LoginRequired,
    "another person signed in than the one of id_token_hint",
);
const NOT_RECENT: OauthError = OauthError::new(
    ErrorCode::LoginRequired,
    "the identity provider did not authenticate the person anew",
);
