//! The routes of sign-in, and the demo's pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use shared::runtime::state::AppState;
use shared::secrets::saml_keys::SamlKeysError;
use shared::{oidc_api, saml_api};
use tokio::sync::OnceCell;

use crate::demo::Demo;
use crate::demo_app::DemoApp;

pub(super) fn router(app: &AppState, base_url: &str, demo: &Demo) -> Router {
    let oidc = oidc_api::router(app.clone());
    let application = DemoApp::new(base_url, demo.client.clone(), oidc.clone());
    let keys = Arc::new(SamlKeys { app: app.clone(), are_there: OnceCell::new() });
    let saml = saml_api::acs_router(app.clone()).merge(saml_api::metadata_router(app.clone()));
    saml.layer(from_fn_with_state(keys, with_keys))
        .merge(oidc)
        .merge(demo.idp.clone().router())
        .merge(application.router())
}

/// The service provider's keys. On AWS the operator API makes them with the first connection; here they wait for the
/// first sign-in, since making them takes longer than the whole start.
struct SamlKeys {
    app: AppState,
    are_there: OnceCell<()>,
}

impl SamlKeys {
    async fn ensure(&self) -> Result<(), SamlKeysError> {
        let make = async || self.app.saml_keys.ensure(self.app.clock.now()).await.map(drop);
        self.are_there.get_or_try_init(make).await.copied()
    }
}

async fn with_keys(State(keys): State<Arc<SamlKeys>>, request: Request, next: Next) -> Response {
    if let Err(error) = keys.ensure().await {
        tracing::error!(error = &error as &dyn std::error::Error, "no SAML keys");
    }
    next.run(request).await
}
