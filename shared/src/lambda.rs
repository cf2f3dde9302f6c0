//! How every function starts and serves its router in Lambda.

use std::error::Error;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::aws::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::secrets::SecretName;
use crate::state::AppState;
use crate::telemetry::{self, Format};
use crate::warm_up::{WarmUp, after_warm_up};

/// Reads the environment, connects and serves `router` until the environment is shut down.
///
/// `secret` is one that its requests will need: it is read ahead, while the process starts.
///
/// # Errors
///
/// When a variable is missing, or the runtime API cannot be reached.
pub async fn serve(
    router: impl FnOnce(AppState) -> Router,
    secret: SecretName,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    telemetry::start(Format::Json);
    let config = Config::from_env()?;
    let AwsClients { dynamodb, secrets_manager } = AwsClients::new(&AwsConfig::from_env()?)?;
    let app = AppState::new(config, Clock::system(), dynamodb, secrets_manager);
    let warm_up = WarmUp::begin(app.clone(), secret);
    lambda_http::run(router(app).layer(from_fn_with_state(warm_up, after_warm_up))).await
}
