//! `/saml/*`: sign-in by SAML 2.0, the service provider's side over HTTP.
//!
//! The rules of the protocol are in [`saml`], which is pure. Here a request is read, the
//! core is called, and what must happen once is written: a request and an assertion are used up
//! by conditional writes before anybody is signed in.

mod acs;
mod begin;
mod bench;
mod browser;
mod explain;
mod failure;
mod form;
mod metadata;
mod pages;
mod record;
mod start;
mod urls;
mod user;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::runtime::request_log::log_request;
use crate::runtime::state::AppState;

pub use begin::begin;
pub use explain::{Explanation, explain};
pub use pages::{Choice, choose};
pub use urls::SpUrls;

/// What the function `saml-acs` serves. All of it is public: a browser has no credentials yet.
pub const ROUTES: [&str; 5] = [
    "/saml/sso/{domain}",
    "/saml/sso/{domain}/federated",
    "/saml/sso/{domain}/with",
    "/saml/sso/{domain}/continue",
    "/saml/sso/{domain}/test/{id}",
];

/// The router of the function `saml-acs`.
pub fn acs_router(app: AppState) -> Router {
    Router::new()
        .route("/saml/sso/{domain}", get(start::start).post(acs::consume))
        .route("/saml/sso/{domain}/federated", post(acs::consume_federated))
        .route("/saml/sso/{domain}/with", get(start::choose))
        .route("/saml/sso/{domain}/continue", post(start::agree))
        .route("/saml/sso/{domain}/test/{id}", get(start::test))
        .layer(from_fn(log_request))
        .with_state(app)
}

/// What the function `saml-metadata` serves.
pub const METADATA_ROUTES: [&str; 1] = ["/saml/metadata/{domain}"];

/// The router of the function `saml-metadata`.
pub fn metadata_router(app: AppState) -> Router {
    Router::new()
        .route("/saml/metadata/{domain}", get(metadata::show))
        .layer(from_fn(log_request))
        .with_state(app)
}
