//! The Lambda function of the publisher.

use std::error::Error;

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::stream::Invocation;
use super::{publish, publish_leftovers};
use crate::aws::clients::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::runtime::telemetry::{self, Format};
use crate::store::Store;

/// Serves invocations of the stream and of the schedule until Lambda shuts the process down.
///
/// # Errors
///
/// When a variable is missing or invalid, or the runtime API cannot be reached.
pub async fn serve() -> Result<(), Box<dyn Error + Send + Sync>> {
    telemetry::start(Format::Json);
    let config = Config::from_env()?;
    let AwsClients { dynamodb, .. } = AwsClients::new(&AwsConfig::from_env()?)?;
    let (store, clock) = (Store::new(dynamodb, &config.table), Clock::system());
    let (store, clock) = (&store, &clock);
    lambda_runtime::run(service_fn(
        async move |event: LambdaEvent<Invocation>| -> Result<Value, lambda_http::Error> {
            let published = match event.payload.lanes() {
                Some(lanes) => publish(store, clock, lanes).await,
                None => publish_leftovers(store, clock).await,
            };
            // An error makes the stream deliver the records again.
            let published = published.inspect_err(|error| {
                tracing::error!(error = error as &dyn Error, "could not publish events");
            })?;
            if published > 0 {
                tracing::info!(events = published, "events published");
            }
            Ok(json!({ "published": published }))
        },
    ))
    .await
}
