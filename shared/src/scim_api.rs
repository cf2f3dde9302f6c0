//! `/scim/v2/*`: the SCIM protocol over HTTP (RFC 7644).
//!
//! A handler reads the request, loads what it needs, calls the pure core in [`scim`], stores and
//! replies. Every route takes a `Caller`, so none can be reached without a tenant's token. This
//! file has the routes; a request to `/Users` or `/Groups` continues in `handlers`.

mod answer_size;
mod bulk;
mod caller;
mod discovery;
mod error;
mod groups;
mod handlers;
mod join_bounded;
mod listed;
mod listing;
mod members;
mod memberships;
mod path;
mod reply;
mod request;
mod retry;
mod stored;
mod users;

use axum::Router;
use axum::routing::{get, post};
use tower::Layer as _;
use tower::util::MapRequestLayer;

use self::caller::Caller;
use self::error::ScimApiError;
use self::handlers::{create, delete, list, patch, read, replace, search};
use crate::runtime::layers::with_layers;
use crate::runtime::state::AppState;
use scim::error::ScimError;
use scim::schema::ResourceKind;

/// Write units of the table that one request of a tenant's rate limit is worth.
pub const WRITE_UNITS: f64 = caller::WRITE_UNITS;

/// Routes of the function `scim`, as in `template.yaml`.
pub const ROUTES: [&str; 17] = [
    "/scim/v2/Users",
    "/scim/v2/Users/.search",
    "/scim/v2/Users/{id}",
    "/scim/v2/Groups",
    "/scim/v2/Groups/.search",
    "/scim/v2/Groups/{id}",
    "/scim/v2/.search",
    "/scim/v2/Bulk",
    "/scim/v2/Me",
    "/scim/v2/ServiceProviderConfig",
    "/scim/v2/ResourceTypes",
    "/scim/v2/ResourceTypes/{id}",
    "/scim/v2/Schemas",
    "/scim/v2/Schemas/{id}",
    "/scim/v2",
    "/scim/v2/",
    "/scim/v2/{*rest}",
];

/// Returns the router of the function `scim`.
pub fn router(app: AppState) -> Router {
    let routes = Router::new()
        .merge(resources(ResourceKind::User))
        .merge(resources(ResourceKind::Group))
        .route("/scim/v2/.search", post(|caller, body| search(&ResourceKind::ALL, caller, body)))
        .route("/scim/v2/Bulk", post(bulk::bulk))
        .route("/scim/v2/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/scim/v2/ResourceTypes", get(discovery::resource_types))
        .route("/scim/v2/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/scim/v2/Schemas", get(discovery::schemas))
        .route("/scim/v2/Schemas/{id}", get(discovery::schema))
        .route("/scim/v2/Me", axum::routing::any(me))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found);
    let routes = with_layers(routes, app);
    // The path must be canonical before it is matched, so the rewrite wraps the router.
    let canonical = MapRequestLayer::new(path::rewrite).layer(routes.into_service());
    Router::new()
        .route_service("/scim/v2", canonical.clone())
        // A wildcard does not match an empty rest.
        .route_service("/scim/v2/", canonical.clone())
        .route_service("/scim/v2/{*rest}", canonical)
}

/// Returns the routes of `/Users` or `/Groups`.
fn resources(kind: ResourceKind) -> Router<AppState> {
    let collection = format!("/scim/v2{}", kind.resource_type().endpoint);
    let one = get(move |caller, id, query, headers| read(kind, caller, id, query, headers))
        .put(move |caller, id, query, headers, body| {
            replace(kind, caller, id, query, headers, body)
        })
        .patch(move |caller, id, query, headers, body| {
            patch(kind, caller, id, query, headers, body)
        })
        .delete(move |caller, id, headers| delete(kind, caller, id, headers));
    let all = get(move |caller, query| list(kind, caller, query))
        .post(move |caller, query, body| create(kind, caller, query, body));
    let searched = post(move |caller, body| async move { search(&[kind], caller, body).await });
    Router::new()
        .route(&collection, all)
        .route(&format!("{collection}/.search"), searched)
        .route(&format!("{collection}/{{id}}"), one)
}

/// `/Me` is an optional alias of the authenticated user (RFC 7644 §3.11). A provisioning client is
/// not a user.
async fn me(_: Caller) -> ScimApiError {
    ScimError::NotImplemented("/Me").into()
}

async fn method_not_allowed(_: Caller) -> ScimApiError {
    ScimError::MethodNotAllowed.into()
}

async fn not_found(_: Caller) -> ScimApiError {
    ScimError::NotFound("endpoint".to_owned()).into()
}
