//! `/oauth2/*` and `/.well-known/*`: the OpenID provider over HTTP (RFC 6749, OpenID Connect Core).
//!
//! A handler extracts, loads, calls the pure core in [`oidc`], stores and replies. All
//! routes are public to the network: who calls is said by a client's credentials, a bearer token
//! or a browser's session, each checked by the handler that needs it.

mod authorize;
mod bearer;
mod client_auth;
mod complete;
mod form;
mod introspect;
mod issue;
mod live;
mod page;
mod published;
mod reply;
mod revoke;
mod session;
mod token;
mod userinfo;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

pub use self::complete::{complete, is_page_of_an_app};
use self::reply::Failure;
use crate::runtime::request_log::log_request;
use crate::runtime::state::AppState;

/// What the function `oidc` serves.
pub const ROUTES: [&str; 8] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/jwks",
];

/// The router of the function `oidc`.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(published::configuration))
        .route("/.well-known/oauth-authorization-server", get(published::configuration))
        .route("/oauth2/authorize", get(authorize::by_query).post(authorize::by_form))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/oauth2/introspect", post(introspect::introspect))
        .route("/oauth2/revoke", post(revoke::revoke))
        .route("/oauth2/jwks", get(published::jwks))
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(from_fn(log_request))
        .with_state(app)
}
