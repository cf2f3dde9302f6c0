//! The directory API, `/directory/v1/*`: an app reads the tenants, users and groups that it serves, and
//! the feed of their changes.
//!
//! Read-only. Answers are JSON; errors are RFC 9457 problem details. The form of users and groups is
//! in the core [`directory`]. `openapi.json` describes the API, and tests compare both.
//!
//! Invariants:
//! - Every handler but that of the document takes a `Caller`: the app of a bearer token for the
//!   directory. The app may read every tenant, as it serves all of them.
//! - Every handler takes a `Query` or `NoQuery`: a parameter that it does not know is an error, so that
//!   a filter with a typing error does not list everything.
//! - An unknown tenant, an unknown id and an id of another tenant get the same 404.

mod caller;
mod error;
mod events;
mod groups;
mod list;
mod openapi;
mod page;
mod params;
mod tenants;
mod users;

use axum::Router;
use axum::routing::{any, get};

use self::caller::Caller;
use self::error::DirectoryApiError;
pub use self::openapi::OPENAPI;
use crate::runtime::layers::with_layers;
use crate::runtime::state::AppState;

/// The paths of the function `directory`.
pub const ROUTES: [&str; 11] = [
    "/directory/v1/events",
    "/directory/v1/tenants",
    "/directory/v1/tenants/{tenant}",
    "/directory/v1/tenants/{tenant}/users",
    "/directory/v1/tenants/{tenant}/users/{user}",
    "/directory/v1/tenants/{tenant}/users/{user}/groups",
    "/directory/v1/tenants/{tenant}/groups",
    "/directory/v1/tenants/{tenant}/groups/{group}",
    "/directory/v1/tenants/{tenant}/groups/{group}/members",
    "/directory/v1/openapi.json",
    "/directory/v1/{*rest}",
];

/// Makes the router of the function `directory`.
pub fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/directory/v1/events", get(events::list))
        .route("/directory/v1/tenants", get(tenants::list))
        .route("/directory/v1/tenants/{tenant}", get(tenants::read))
        .route("/directory/v1/tenants/{tenant}/users", get(users::list))
        .route("/directory/v1/tenants/{tenant}/users/{user}", get(users::read))
        .route("/directory/v1/tenants/{tenant}/users/{user}/groups", get(users::list_groups))
        .route("/directory/v1/tenants/{tenant}/groups", get(groups::list))
        .route("/directory/v1/tenants/{tenant}/groups/{group}", get(groups::read))
        .route("/directory/v1/tenants/{tenant}/groups/{group}/members", get(groups::list_members))
        .route("/directory/v1/openapi.json", get(openapi::document))
        .route("/directory/v1/{*rest}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed);
    with_layers(routes, app)
}

async fn method_not_allowed(_: Caller) -> DirectoryApiError {
    DirectoryApiError::MethodNotAllowed
}

async fn not_found(_: Caller) -> DirectoryApiError {
    DirectoryApiError::NotFound
}
