//! `/oauth2/*` and `/.well-known/*`: the OpenID provider over HTTP (RFC 6749, OpenID Connect Core).
//!
//! The protocol rules are in [`oidc`], which is pure; sessions, codes and the way to the identity
//! provider are in [`crate::sign_in`]. All routes are public to the network. A handler that needs
//! a caller checks the credentials of an app, a bearer token or the session of a browser.

mod authorize;
mod bearer;
mod client_auth;
mod client_credentials;
mod cross_origin;
mod error;
mod form;
mod hint;
mod introspect;
mod logout;
mod lookup;
mod published;
mod reply;
mod revoke;
mod token;
mod token_response;
mod userinfo;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use self::cross_origin::{preflight_get_and_post, preflight_post, preflight_public};
use self::error::OidcApiError;
use crate::runtime::layers::with_layers;
use crate::runtime::speculation::only_on_demand;
use crate::runtime::state::AppState;

/// The routes of the function `oidc`.
pub const ROUTES: [&str; 10] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/lookup",
    "/oauth2/logout",
    "/oauth2/jwks",
];

/// Makes the router of the function `oidc`.
pub fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(published::configuration).options(preflight_public),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(published::configuration).options(preflight_public),
        )
        .route(
            "/oauth2/authorize",
            get(authorize::by_query).layer(from_fn(only_on_demand)).post(authorize::by_form),
        )
        .route("/oauth2/token", post(token::token).options(preflight_post))
        .route(
            "/oauth2/userinfo",
            get(userinfo::userinfo).post(userinfo::userinfo).options(preflight_get_and_post),
        )
        .route("/oauth2/introspect", post(introspect::introspect))
        .route("/oauth2/revoke", post(revoke::revoke).options(preflight_post))
        .route("/oauth2/lookup", post(lookup::lookup))
        .route(
            "/oauth2/logout",
            get(logout::by_query).layer(from_fn(only_on_demand)).post(logout::by_form),
        )
        .route("/oauth2/jwks", get(published::jwks).options(preflight_public))
        .method_not_allowed_fallback(async || OidcApiError::MethodNotAllowed);
    with_layers(routes, app)
}
