//! How every function starts and serves its router in Lambda.

use std::error::Error;

use axum::Router;

use crate::aws::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::state::AppState;
use crate::telemetry::{self, Format};

/// Reads the environment, connects and serves `router` until the environment is shut down.
///
/// # Errors
///
/// When a variable is missing, or the runtime API cannot be reached.
pub async fn serve(
    router: impl FnOnce(AppState) -> Router,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    telemetry::start(Format::Json);
    let config = Config::from_env()?;
    let AwsClients { dynamodb, secrets_manager } = AwsClients::new(&AwsConfig::from_env()?)?;
    lambda_http::run(router(AppState::new(config, Clock::system(), dynamodb, secrets_manager)))
        .await
}
