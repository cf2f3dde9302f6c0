//! The routes of sign-in, and the pages of the demo.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::OnceCell;

use crate::demo::{self, Demo};
use crate::demo_app::DemoApp;
use shared::runtime::state::AppState;
use shared::secrets::saml_keys::SamlKeysError;
use shared::{directory_api, oidc_api, saml_api};

pub(super) fn router(app: &AppState, base_url: &str, demo: &Demo) -> Router {
    let oidc = oidc_api::router(app.clone());
    let gatehouse = oidc.clone().merge(directory_api::router(app.clone()));
    let demo_app = DemoApp::new(base_url, demo::DOMAIN, demo.credentials.clone(), gatehouse);
    let keys = Arc::new(SamlKeys { app: app.clone(), exist: OnceCell::new() });
    let saml = saml_api::acs_router(app.clone()).merge(saml_api::metadata_router(app.clone()));
    saml.layer(from_fn_with_state(keys, ensure_keys))
        .merge(oidc)
        .merge(demo.idp.clone().router())
        .merge(demo_app.router())
}

/// The keys of the service provider. On AWS the operator API creates them with the first
/// connection. Here they are created at the first sign-in, because that takes longer than the whole
/// start.
struct SamlKeys {
    app: AppState,
    exist: OnceCell<()>,
}

impl SamlKeys {
    async fn ensure(&self) -> Result<(), SamlKeysError> {
        let create = async || self.app.saml_keys.ensure(self.app.clock.now()).await.map(drop);
        self.exist.get_or_try_init(create).await.copied()
    }
}

async fn ensure_keys(State(keys): State<Arc<SamlKeys>>, request: Request, next: Next) -> Response {
    if let Err(error) = keys.ensure().await {
        tracing::error!(error = &error as &dyn std::error::Error, "could not create the SAML keys");
    }
    next.run(request).await
}
