//! `/v1/*`: what the operator, the `SaaS` team, does to tenants. JSON, errors by RFC 9457.
//!
//! On AWS API Gateway checks an IAM signature before a request comes here; elsewhere the caller
//! holds the operator key. Every route takes an `Operator`, so that none is public.

mod body;
mod caller;
mod directory;
mod params;
mod scim_tokens;
mod seats;
mod tenants;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{delete, get};

use self::caller::Operator;
use crate::problem::Problem;
use crate::request_log::log_request;
use crate::state::AppState;

/// What the function `admin` serves.
pub const ROUTES: [&str; 9] = [
    "/v1/tenants",
    "/v1/tenants/{tenant}",
    "/v1/tenants/{tenant}/scim-tokens",
    "/v1/tenants/{tenant}/scim-tokens/{id}",
    "/v1/tenants/{tenant}/seats",
    "/v1/tenants/{tenant}/users",
    "/v1/tenants/{tenant}/groups",
    "/v1/tenants/{tenant}/activity",
    "/v1/{*rest}",
];

/// The router of the function `admin`.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route("/v1/tenants", get(tenants::list).post(tenants::create))
        .route(
            "/v1/tenants/{tenant}",
            get(tenants::read).patch(tenants::change).delete(tenants::delete),
        )
        .route("/v1/tenants/{tenant}/scim-tokens", get(scim_tokens::list).post(scim_tokens::create))
        .route("/v1/tenants/{tenant}/scim-tokens/{id}", delete(scim_tokens::revoke))
        .route("/v1/tenants/{tenant}/seats", get(seats::read).put(seats::set))
        .route("/v1/tenants/{tenant}/users", get(directory::users))
        .route("/v1/tenants/{tenant}/groups", get(directory::groups))
        .route("/v1/tenants/{tenant}/activity", get(directory::activity))
        .route("/v1/{*rest}", axum::routing::any(not_found))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(log_request))
        .with_state(app)
}

async fn method_not_allowed(_: Operator) -> Problem {
    Problem::MethodNotAllowed
}

async fn not_found(_: Operator) -> Problem {
    Problem::NotFound("path")
}
