//! How every function starts and serves its router in Lambda.

use std::error::Error;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::aws::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::state::AppState;
use crate::telemetry::{self, Format};
use crate::warm_up::{WarmUp, WarmUpError, after_warm_up};

/// Reads the environment, connects and serves `router` until the environment is shut down.
///
/// `secret` reads one that its requests will need, while the process starts.
///
/// # Errors
///
/// When a variable is missing, or the runtime API cannot be reached.
pub async fn serve<S>(
    router: impl FnOnce(AppState) -> Router,
    secret: impl FnOnce(AppState) -> S,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    S: Future<Output = Result<(), WarmUpError>> + Send + 'static,
{
    telemetry::start(Format::Json);
    let config = Config::from_env()?;
    let AwsClients { dynamodb, secrets_manager } = AwsClients::new(&AwsConfig::from_env()?)?;
    let app = AppState::new(config, Clock::system(), dynamodb, secrets_manager);
    let warm_up = WarmUp::begin(app.clone(), secret);
    lambda_http::run(router(app).layer(from_fn_with_state(warm_up, after_warm_up))).await
}
