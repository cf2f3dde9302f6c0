//! The response to an app's authorization request: a redirect to the app, with a code or an error.

use axum::response::Response;

use super::error::SignInError;
use crate::clock::{random_secret, random_uuid};
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::request_log::FailureCode;
use crate::runtime::state::AppState;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::{Authentication, CODE_LIFE, Code, Grant, after};
use oidc::handle::{Handle, HandleKind};
use oidc::redirect_uri::AppUrl;
use types::ids::{GrantId, TenantId};

/// Stores a code for the app and sends the browser to the app with it (RFC 6749 §4.1.2, RFC 9207
/// §2).
pub(crate) async fn respond_with_code(
    app: &AppState,
    base_url: &BaseUrl,
    tenant: TenantId,
    authentication: Authentication,
    request: AuthorizeRequest,
) -> Result<Response, SignInError> {
    let now = app.clock.now();
    let secret = random_secret().map_err(SignInError::Random)?;
    let handle = Handle::new(HandleKind::Code, tenant, &secret);
    let AuthorizeRequest { client_id, redirect_uri, state, nonce, scopes, code_challenge, .. } =
        request;
    let code = Code {
        grant_id: GrantId::new(random_uuid()),
        grant: Grant::new(client_id, scopes, authentication, now),
        redirect_uri,
        code_challenge,
        nonce,
        expires_at: after(now, CODE_LIFE),
    };
    app.store.create_code(tenant, &handle.digest(), &code).await?;
    let issuer = base_url.join("");
    let parameters = [("code", handle.reveal()), ("iss", issuer.as_str())];
    let parameters = parameters.into_iter().chain(state.as_deref().map(|state| ("state", state)));
    Ok(see_other(&code.redirect_uri.with(parameters))?)
}

/// Sends the browser to the app with an error (RFC 6749 §4.1.2.1, RFC 9207 §2).
pub(crate) fn respond_with_error(
    base_url: &BaseUrl,
    redirect_uri: &AppUrl,
    state: Option<&str>,
    error: OauthError,
) -> Response {
    send_error(base_url, redirect_uri, state, error.code, error.description)
}

/// Answers the request of an app with an error; the description names the record of the sign-in, if
/// there is one.
pub(crate) fn respond_with_refusal(
    base_url: &BaseUrl,
    request: &AuthorizeRequest,
    error: OauthError,
    reference: Option<&str>,
) -> Response {
    let AuthorizeRequest { redirect_uri, state, .. } = request;
    let description = error.description.trim_end_matches('.');
    let description = reference.map_or_else(
        || error.description.to_owned(),
        |reference| format!("{description}. Reference: {reference}"),
    );
    send_error(base_url, redirect_uri, state.as_deref(), error.code, &description)
}

fn send_error(
    base_url: &BaseUrl,
    redirect_uri: &AppUrl,
    state: Option<&str>,
    code: ErrorCode,
    description: &str,
) -> Response {
    let issuer = base_url.join("");
    let parameters =
        [("error", code.as_str()), ("error_description", description), ("iss", issuer.as_str())];
    let url = redirect_uri.with(parameters.into_iter().chain(state.map(|state| ("state", state))));
    match see_other(&url) {
        Ok(mut response) => {
            response.extensions_mut().insert(FailureCode(code.as_str()));
            response
        }
        Err(error) => SignInError::from(error).into_response(None),
    }
}
