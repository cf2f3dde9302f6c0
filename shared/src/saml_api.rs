//! `/saml/*`: sign-in by SAML 2.0, the service provider's side over HTTP.
//!
//! The rules of the protocol are in [`crate::saml`], which is pure. Here a request is read, the
//! core is called, and what must happen once is written: a request and an assertion are used up
//! by conditional writes before anybody is signed in.

mod metadata;
mod urls;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;

use crate::request_log::log_request;
use crate::state::AppState;

pub use urls::SpUrls;

/// What the function `saml-metadata` serves.
pub const METADATA_ROUTES: [&str; 1] = ["/saml/metadata/{domain}"];

/// The router of the function `saml-metadata`.
pub fn metadata_router(app: AppState) -> Router {
    Router::new()
        .route("/saml/metadata/{domain}", get(metadata::show))
        .layer(from_fn(log_request))
        .with_state(app)
}
