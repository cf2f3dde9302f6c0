//! `/saml/*`: the service provider of SAML 2.0 over HTTP.
//!
//! The protocol rules are in [`saml`], which is pure; what happens around an answer of the identity
//! provider is in [`crate::sign_in`]. Here requests are read and the steps are put in order. All
//! routes are public: a browser has no credentials yet.

mod acs;
mod connection_verifier;
mod explain;
mod form;
mod metadata;
mod resume;
mod start;
mod test_link;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::runtime::layers::with_layers;
use crate::runtime::speculation::only_on_demand;
use crate::runtime::state::AppState;

pub use explain::{Explanation, explain};

/// The routes of the function `saml-acs`.
pub const ROUTES: [&str; 7] = [
    "/saml/sso/{domain}",
    "/saml/sso/{domain}/federated",
    "/saml/sso/{domain}/with",
    "/saml/sso/{domain}/continue",
    "/saml/sso/{domain}/resume",
    "/saml/sso/{domain}/test/{id}",
    "/saml/sso/{domain}/test/{id}/begin",
];

/// Makes the router of the function `saml-acs`.
pub fn acs_router(app: AppState) -> Router {
    let routes = Router::new()
        .route(
            "/saml/sso/{domain}",
            get(start::start).layer(from_fn(only_on_demand)).post(acs::consume),
        )
        .route(
            "/saml/sso/{domain}/federated",
            get(start::start).layer(from_fn(only_on_demand)).post(acs::consume_federated),
        )
        .route("/saml/sso/{domain}/with", get(start::choose).layer(from_fn(only_on_demand)))
        .route("/saml/sso/{domain}/continue", post(start::agree))
        .route("/saml/sso/{domain}/resume", get(resume::resume).layer(from_fn(only_on_demand)))
        .route("/saml/sso/{domain}/test/{id}", get(test_link::open))
        .route("/saml/sso/{domain}/test/{id}/begin", get(test_link::show).post(test_link::begin));
    with_layers(routes, app)
}

/// The routes of the function `saml-metadata`.
pub const METADATA_ROUTES: [&str; 1] = ["/saml/metadata/{domain}"];

/// Makes the router of the function `saml-metadata`.
pub fn metadata_router(app: AppState) -> Router {
    let routes = Router::new().route("/saml/metadata/{domain}", get(metadata::show));
    with_layers(routes, app)
}
