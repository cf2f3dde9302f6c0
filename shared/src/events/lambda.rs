//! The Lambda function of the publisher.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::stream::Invocation;
use super::{Deliverer, Run, publish, publish_leftovers};
use crate::aws::clients::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::http::guarded_client::Reach;
use crate::runtime::telemetry::{self, Format};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::webhooks::Sender;

/// Serves invocations of the stream and of the schedule until Lambda shuts the process down.
///
/// # Errors
///
/// When a variable is missing or invalid, or the runtime API cannot be reached.
pub async fn serve() -> Result<(), Box<dyn Error + Send + Sync>> {
    telemetry::start(Format::Json);
    let config = Config::from_env()?;
    let clients = AwsClients::new(&AwsConfig::from_env()?)?;
    let (store, clock) = (Store::new(clients.dynamodb, &config.table), Clock::system());
    let secrets = Arc::new(Secrets::new(clients.secrets_manager, &config.stage));
    let sender = Sender::new(Reach::Internet)?;
    let deliverer = Deliverer::new(store.clone(), secrets, clock.clone(), sender);
    let (store, clock, deliverer) = (&store, &clock, &deliverer);
    lambda_runtime::run(service_fn(
        async move |event: LambdaEvent<Invocation>| -> Result<Value, lambda_http::Error> {
            let lanes = event.payload.lanes();
            let is_of_stream = lanes.is_some();
            let published = match lanes {
                Some(lanes) => publish(store, clock, lanes).await,
                None => publish_leftovers(store, clock).await,
            };
            // Also after an error: one lane that cannot be published must not hold up the webhooks.
            let left = time_left(event.context.deadline, clock);
            deliverer.deliver_due(run(is_of_stream, left)).await;
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

/// Returns what a call may deliver that has this much time left. The next records of the stream wait
/// for its call, so that sends for a short time, and leaves endpoints that fail to the schedule.
fn run(is_of_stream: bool, left: Duration) -> Run {
    let time = left.saturating_sub(RESERVE);
    let run = Run::within(if is_of_stream { time.min(BESIDE_THE_STREAM) } else { time });
    Run { retries: !is_of_stream, ..run }
}

/// Returns the time until a deadline of Lambda, which is in milliseconds since 1970. An emulator that
/// knows no timeout sets a deadline that has passed; then it is that of the template.
fn time_left(deadline: u64, clock: &Clock) -> Duration {
    let now = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    deadline.checked_sub(now).map_or(TIMEOUT, Duration::from_millis)
}

/// Timeout of the function in the template.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Before the end of a call: the time limit of a message, and a few calls of the table.
const RESERVE: Duration = Duration::from_secs(20);

/// Time in which a call of the stream begins to send messages.
const BESIDE_THE_STREAM: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sending_ends_twenty_seconds_before_the_call_and_soon_in_one_of_the_stream() {
        let left = Duration::from_mins(1);
        let now = tokio::time::Instant::now();
        let of_schedule = run(false, left);
        assert!(of_schedule.retries && of_schedule.until <= now + Duration::from_secs(41));
        let of_stream = run(true, left);
        assert!(!of_stream.retries && of_stream.until <= now + Duration::from_secs(6));
        assert!(run(false, Duration::from_secs(19)).until <= tokio::time::Instant::now());
        let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(time_left(1_767_225_660_000, &clock), left);
    }
}
