//! Where a sign-in ends: with a code at the app that asked, or at an app that is asked to ask.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::page::Page;
use super::reply::{redirect, redirect_error};
use super::{authorize, issue, session};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::sign_in::SignedIn;
use crate::store::StoreError;
use oidc::authorize::AuthorizeRequest;
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::Authentication;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use types::ids::TenantId;

/// Goes on after an identity provider's answer was verified: begins the session and sends the
/// browser to where the sign-in was begun for.
pub async fn complete(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    purpose: Purpose,
) -> Response {
    let ended = match purpose {
        Purpose::App(request) => return to_app(app, base_url, signed_in, *request).await,
        Purpose::Start { target } => start(app, base_url, signed_in, target.as_deref()).await,
        Purpose::Test => Ok(TESTED.into_response()),
    };
    ended.unwrap_or_else(|error| {
        let page = if error == NOT_ACTIVE { DEACTIVATED } else { Page::UNAVAILABLE };
        page.into_response()
    })
}

/// Whether `page` is an absolute URL with the origin of a registered URL of an app. No other is a
/// target to which a sign-in may lead.
///
/// # Errors
///
/// When the table does not answer.
pub async fn is_page_of_an_app(app: &AppState, page: &str) -> Result<bool, StoreError> {
    let Ok(page) = AppUrl::parse(page) else { return Ok(false) };
    let clients = app.store.clients(None, MOST_CLIENTS).await?;
    Ok(clients.iter().any(|client| client.owns(&page)))
}

async fn to_app(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    request: AuthorizeRequest,
) -> Response {
    // The app may have been removed, or another URL registered, while the person was away.
    match app.store.client(&request.client_id).await {
        Ok(Some(client)) if client.redirect_uri(request.redirect_uri.as_str()).is_some() => {}
        Ok(_) => {
            return Page::refused("the app, or its redirect_uri, is not registered any more")
                .into_response();
        }
        Err(error) => {
            let _: OauthError = error.into();
            return Page::UNAVAILABLE.into_response();
        }
    }
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    code(app, base_url, signed_in, request)
        .await
        .unwrap_or_else(|error| redirect_error(base_url, &redirect_uri, state.as_deref(), error))
}

async fn code(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    request: AuthorizeRequest,
) -> Result<Response, OauthError> {
    let (tenant, authentication) = authentication(app, signed_in).await?;
    let organisation = request.organisation.as_ref();
    if !authorize::is_of(app, organisation, tenant, &authentication.domain).await? {
        let other = "the person belongs to another organisation";
        return Err(OauthError::new(ErrorCode::AccessDenied, other));
    }
    if !request.is_met_by_sign_in(authentication.auth_time, app.clock.now()) {
        let stale = "the identity provider did not authenticate the person anew";
        return Err(OauthError::new(ErrorCode::LoginRequired, stale));
    }
    let cookie = session::begin(app, base_url, tenant, authentication.clone()).await?;
    let mut response = issue::code(app, base_url, tenant, authentication, request).await?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Third-party initiated login (OpenID Connect Core §4): the app makes a request of its own, and
/// the session answers it. So an app never gets a code that it did not ask for.
async fn start(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    target: Option<&str>,
) -> Result<Response, OauthError> {
    let (tenant, authentication) = authentication(app, signed_in).await?;
    let domain = authentication.domain.clone();
    let cookie = session::begin(app, base_url, tenant, authentication).await?;
    let clients = app.store.clients(None, MOST_CLIENTS).await?;
    let target = target.and_then(|target| AppUrl::parse(target).ok());
    let mut response = match app_to_start(&clients, target.as_ref()) {
        Some((url, target)) => {
            let issuer = base_url.join("");
            let parameters = [("iss", issuer.as_str()), ("login_hint", domain.as_str())];
            let target = target.map(|target| ("target_link_uri", target.as_str()));
            redirect(&url.with(parameters.into_iter().chain(target)))
        }
        None => NO_APP.into_response(),
    };
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The app whose page is wanted, with the page; or else the one that was registered first.
fn app_to_start<'a>(
    clients: &'a [Client],
    target: Option<&'a AppUrl>,
) -> Option<(&'a AppUrl, Option<&'a AppUrl>)> {
    let wanted = clients.iter().find_map(|client| {
        let target = target.filter(|target| client.owns(target))?;
        Some((client.initiate_login_uri.as_ref()?, Some(target)))
    });
    let first = || {
        let startable = clients.iter().filter(|client| client.initiate_login_uri.is_some());
        startable.min_by_key(|client| client.created_at)?.initiate_login_uri.as_ref()
    };
    wanted.or_else(|| Some((first()?, None)))
}

/// The sign-in as it is kept, if the user is active.
async fn authentication(
    app: &AppState,
    signed_in: SignedIn,
) -> Result<(TenantId, Authentication), OauthError> {
    let SignedIn { tenant, user, domain, authn_instant, session_not_on_or_after } = signed_in;
    let user = app.store.user(tenant, user).await?.filter(|user| user.active);
    let user = user.ok_or(NOT_ACTIVE)?;
    let authentication = Authentication {
        user: user.resource.id,
        deactivations: user.deactivations,
        domain,
        // The identity provider's clock may be ahead of ours.
        auth_time: authn_instant.min(app.clock.now()),
        not_on_or_after: session_not_on_or_after,
    };
    Ok((tenant, authentication))
}

const NOT_ACTIVE: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the account of the person is not active");

const TESTED: Page = Page {
    status: StatusCode::OK,
    title: "The connection works",
    text: "You can close this page. Nobody was signed in to an app.",
    detail: "",
    code: "",
};

const NO_APP: Page = Page {
    status: StatusCode::OK,
    title: "You are signed in",
    text: "Open the app that you want to use.",
    detail: "",
    code: "",
};

const DEACTIVATED: Page = Page {
    status: StatusCode::FORBIDDEN,
    title: "Your account is not active",
    text: "Ask the administrators of your organisation to activate it.",
    detail: "",
    code: "access_denied",
};

/// Apps of one deployment.
const MOST_CLIENTS: usize = 1_000;
