//! x
use axum::Router;
use shared::oidc_api;
use shared::state::AppState;

use crate::demo::Demo;
use crate::demo_app::DemoApp;

pub(super) fn router(app: &AppState, base_url: &str, demo: &Demo) -> Router {
    let oidc = oidc_api::router(app.clone());
    let application = DemoApp::new(base_url, demo.client.clone(), oidc.clone());
    oidc.merge(demo.idp.clone().router()).merge(application.router())
}
