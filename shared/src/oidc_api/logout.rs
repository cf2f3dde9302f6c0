//! `/oauth2/logout`, by GET and by POST (OpenID Connect RP-Initiated Logout 1.0): ends the session of
//! the browser with us.
//!
//! The tokens of apps stay: each app ends its own at `/oauth2/revoke`. The identity provider is not
//! asked to end its session (SAML single logout), which the page says.
//!
//! The session cookie is `SameSite=Lax`: it does not come with a form that another site posts. Such a
//! request is sent again as a GET, with which it comes. The form by which a person confirms needs
//! the cookie and a value that only our page for this browser has.

use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::error::OidcApiError;
use super::form;
use super::hint::hint_claims;
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use crate::sign_in::{SignInError, pages, session};
use oidc::client::Client;
use oidc::handle::Handle;
use oidc::logout::{LogoutRequest, Step, step};
use oidc::parameters::Parameters;
use oidc::redirect_uri::RedirectUri;
use types::digest::digest_of_parts;

pub(super) async fn by_query(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::parse(&query.unwrap_or_default());
    let ended = match parameters {
        Ok(parameters) => logout(&app, &headers, &parameters, false).await,
        Err(error) => Err(error.into()),
    };
    ended.unwrap_or_else(OidcApiError::into_logout_page)
}

pub(super) async fn by_form(State(app): State<AppState>, request: Request) -> Response {
    let headers = request.headers().clone();
    let ended = match form::read(request).await {
        Ok(parameters) => logout_by_form(&app, &headers, &parameters).await,
        Err(error) => Err(error.into()),
    };
    ended.unwrap_or_else(OidcApiError::into_logout_page)
}

async fn logout_by_form(
    app: &AppState,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    let base_url = BaseUrl::of(&app.config, headers);
    let Some(handle) = session::handle(&base_url, headers) else {
        let request = LogoutRequest::read(parameters)?;
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(request.parameters())
            .finish();
        let url = base_url.join(&format!("/oauth2/logout?{query}"));
        return Ok(see_other(&url).map_err(SignInError::from)?);
    };
    let is_confirmed = parameters.one("confirmation")? == Some(&confirmation(&handle));
    logout(app, headers, parameters, is_confirmed).await
}

async fn logout(
    app: &AppState,
    headers: &HeaderMap,
    parameters: &Parameters,
    is_confirmed: bool,
) -> Result<Response, OidcApiError> {
    let base_url = BaseUrl::of(&app.config, headers);
    let request = LogoutRequest::read(parameters)?;
    let hint = match request.id_token_hint {
        Some(token) => hint_claims(app, token).await?,
        None => None,
    };
    let issuer = base_url.join("");
    let hint = hint.filter(|hint| hint.iss == issuer);
    let client = match request.asking(hint.as_ref())? {
        Some(id) => app.store.client(&id).await?,
        None => None,
    };
    let current = session::current(app, &base_url, headers).await?;
    let person = current.map(|(found, _)| (found.tenant, found.authentication.user));
    // After an error of the request nobody may be sent to the app (§4).
    let is_sound = hint.is_some() || request.id_token_hint.is_none();
    let target = request.target(client.as_ref()).filter(|_| is_sound);
    let handle = session::handle(&base_url, headers);
    match (step(person, hint.as_ref(), is_confirmed), handle) {
        (Step::Ask, Some(handle)) => {
            Ok(ask(&request, client.as_ref(), target, &confirmation(&handle)))
        }
        (Step::End, Some(handle)) => {
            let cookie = session::end(app, &base_url, &handle).await?;
            let mut response = leave(&base_url, &request, client.as_ref(), target)?;
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        (Step::NoSession, _) | (Step::Ask | Step::End, None) => {
            leave(&base_url, &request, client.as_ref(), target)
        }
    }
}

/// Sends the browser to the page that the app named, or shows ours.
fn leave(
    base_url: &BaseUrl,
    request: &LogoutRequest<'_>,
    client: Option<&Client>,
    target: Option<&RedirectUri>,
) -> Result<Response, OidcApiError> {
    if let Some(target) = target {
        return Ok(see_other(&request.url(target)).map_err(SignInError::from)?);
    }
    // The app begins the sign-in that the link asks for (OpenID Connect Core §4).
    let issuer = base_url.join("");
    let login = client.and_then(|client| client.initiate_login_uri.as_ref());
    let login = login.map(|url| url.with([("iss", issuer.as_str())]));
    Ok(pages::signed_out(login.as_deref()))
}

/// The page with one button, by which a person confirms the sign-out.
#[derive(Debug, Template)]
#[template(path = "sign_out.html")]
struct SignOut<'a> {
    app: Option<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
}

fn ask(
    request: &LogoutRequest<'_>,
    client: Option<&Client>,
    target: Option<&RedirectUri>,
    confirmation: &str,
) -> Response {
    // The answer to the form redirects to the app.
    let target = target.map(|target| format!(" {}", target.form_action()));
    let policy = format!("form-action 'self'{}", target.unwrap_or_default());
    let fields = request.parameters().chain([("confirmation", confirmation)]).collect();
    let page = SignOut { app: client.map(|client| client.name.as_str()), fields };
    pages::page(StatusCode::OK, &page, &policy)
}

/// Returns a value that another site cannot know: it follows from the session cookie.
fn confirmation(handle: &Handle) -> String {
    digest_of_parts(&["confirms the end of a session", handle.reveal()])
}
