//! The operator API, `/v1/*`: the `SaaS` team manages tenants, tokens, connections, apps,
//! webhooks and keys.
//!
//! Bodies are JSON; errors are RFC 9457 problem details. The handlers read the request, call the
//! store, the secrets or the protocol cores, and build the answer. `openapi.json` describes the
//! API, and tests compare both.
//!
//! Invariant: every handler takes an `Operator`, so that no route is public. On AWS, API Gateway
//! checks an IAM signature before it invokes the function; elsewhere the caller sends the operator
//! key.

mod body;
mod caller;
mod clients;
mod connections;
mod directory;
mod domains;
mod error;
mod fields;
mod layout;
mod oidc_keys;
mod openapi;
mod page;
mod params;
mod saml_keys;
mod scim_tokens;
mod seats;
mod sign_ins;
mod tenants;
mod users;
mod webhooks;

use axum::Router;
use axum::routing::{delete, get, post};

use self::caller::Operator;
pub use self::openapi::OPENAPI;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::layers::with_layers;
use crate::runtime::state::AppState;

/// The paths of the function `admin`.
pub const ROUTES: [&str; 38] = [
    "/v1/tenants",
    "/v1/tenants/{tenant}",
    "/v1/tenants/{tenant}/scim-tokens",
    "/v1/tenants/{tenant}/scim-tokens/{id}",
    "/v1/tenants/{tenant}/seats",
    "/v1/tenants/{tenant}/users",
    "/v1/tenants/{tenant}/end-sessions",
    "/v1/tenants/{tenant}/domains",
    "/v1/tenants/{tenant}/domains/{domain}",
    "/v1/tenants/{tenant}/domains/{domain}/check",
    "/v1/tenants/{tenant}/users/{user}",
    "/v1/tenants/{tenant}/users/{user}/end-sessions",
    "/v1/tenants/{tenant}/users/{user}/links/{connection}",
    "/v1/tenants/{tenant}/groups",
    "/v1/tenants/{tenant}/groups/{group}/members",
    "/v1/tenants/{tenant}/activity",
    "/v1/tenants/{tenant}/connections",
    "/v1/tenants/{tenant}/connections/{domain}",
    "/v1/tenants/{tenant}/connections/{domain}/end-sessions",
    "/v1/tenants/{tenant}/connections/{domain}/explain",
    "/v1/tenants/{tenant}/connections/{domain}/refresh",
    "/v1/tenants/{tenant}/connections/{domain}/test",
    "/v1/tenants/{tenant}/sign-ins",
    "/v1/connections/refresh",
    "/v1/saml-keys",
    "/v1/saml-keys/rotate",
    "/v1/layout",
    "/v1/clients",
    "/v1/clients/{client}",
    "/v1/webhooks",
    "/v1/webhooks/{webhook}",
    "/v1/webhooks/{webhook}/rotate",
    "/v1/webhooks/{webhook}/deliveries",
    "/v1/webhooks/{webhook}/replay",
    "/v1/webhooks/{webhook}/test",
    "/v1/oidc-keys/rotate",
    "/v1/openapi.json",
    "/v1/{*rest}",
];

/// The router of the function `admin`.
pub fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/v1/tenants", get(tenants::list).post(tenants::create))
        .route(
            "/v1/tenants/{tenant}",
            get(tenants::read).patch(tenants::patch).delete(tenants::delete),
        )
        .route("/v1/tenants/{tenant}/scim-tokens", get(scim_tokens::list).post(scim_tokens::create))
        .route("/v1/tenants/{tenant}/scim-tokens/{id}", delete(scim_tokens::revoke))
        .route("/v1/tenants/{tenant}/seats", get(seats::read).put(seats::replace))
        .route("/v1/tenants/{tenant}/users", get(directory::list_users))
        .route("/v1/tenants/{tenant}/end-sessions", post(tenants::end_sessions))
        .route("/v1/tenants/{tenant}/domains", get(domains::list))
        .route(
            "/v1/tenants/{tenant}/domains/{domain}",
            get(domains::read).put(domains::put).delete(domains::delete),
        )
        .route("/v1/tenants/{tenant}/domains/{domain}/check", post(domains::check))
        .route("/v1/tenants/{tenant}/users/{user}", get(users::read))
        .route("/v1/tenants/{tenant}/users/{user}/end-sessions", post(users::end_sessions))
        .route("/v1/tenants/{tenant}/users/{user}/links/{connection}", delete(users::unlink))
        .route("/v1/tenants/{tenant}/groups", get(directory::list_groups))
        .route("/v1/tenants/{tenant}/groups/{group}/members", get(directory::list_members))
        .route("/v1/tenants/{tenant}/activity", get(directory::list_activity))
        .route("/v1/tenants/{tenant}/connections", get(connections::list))
        .route(
            "/v1/tenants/{tenant}/connections/{domain}",
            get(connections::read).put(connections::put).delete(connections::delete),
        )
        .route(
            "/v1/tenants/{tenant}/connections/{domain}/end-sessions",
            post(connections::end_sessions),
        )
        .route("/v1/tenants/{tenant}/connections/{domain}/explain", post(connections::explain))
        .route("/v1/tenants/{tenant}/connections/{domain}/refresh", post(connections::refresh))
        .route("/v1/tenants/{tenant}/connections/{domain}/test", post(connections::test))
        .route("/v1/tenants/{tenant}/sign-ins", get(sign_ins::list))
        .route("/v1/connections/refresh", post(connections::refresh_all))
        .route("/v1/saml-keys", get(saml_keys::read))
        .route("/v1/saml-keys/rotate", post(saml_keys::rotate))
        .route("/v1/layout", post(layout::claim))
        .route("/v1/clients", get(clients::list).post(clients::create))
        .route(
            "/v1/clients/{client}",
            get(clients::read).patch(clients::patch).delete(clients::delete),
        )
        .route("/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/v1/webhooks/{webhook}",
            get(webhooks::read).patch(webhooks::patch).delete(webhooks::delete),
        )
        .route("/v1/webhooks/{webhook}/rotate", post(webhooks::rotate))
        .route("/v1/webhooks/{webhook}/deliveries", get(webhooks::deliveries))
        .route("/v1/webhooks/{webhook}/replay", post(webhooks::replay))
        .route("/v1/webhooks/{webhook}/test", post(webhooks::test))
        .route("/v1/oidc-keys/rotate", post(oidc_keys::rotate))
        .route("/v1/openapi.json", get(openapi::document))
        .route("/v1/{*rest}", axum::routing::any(not_found))
        .method_not_allowed_fallback(method_not_allowed);
    with_layers(routes, app)
}

async fn method_not_allowed(_: Operator) -> OperatorApiError {
    OperatorApiError::MethodNotAllowed
}

async fn not_found(_: Operator) -> OperatorApiError {
    OperatorApiError::NotFound("path")
}
