//! How every function starts and serves its router in Lambda.

use std::borrow::Cow;
use std::error::Error;

use axum::Router;
use axum::middleware::from_fn_with_state;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, lambda_runtime};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tower::ServiceExt as _;

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
    let router = router(app).layer(from_fn_with_state(warm_up, after_warm_up));
    let readable = |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| LambdaEvent {
        payload: readable(payload),
        context,
    };
    lambda_runtime::run(Adapter::from(router).map_request(readable)).await
}

/// An event whose query string can be part of a URI.
///
/// API Gateway passes it on as it was sent, and `lambda_http` ends the process when it has a
/// character that no URI may have, as the quotes in `filter=userName+eq+"ada"`. Only those are
/// percent-encoded: every other byte stays, since signatures are over them.
pub fn readable(mut event: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event
        && let Some(query) = &mut request.raw_query_string
        && let Cow::Owned(encoded) = Cow::from(utf8_percent_encode(query, NOT_IN_A_QUERY))
    {
        *query = encoded;
    }
    event
}

/// What RFC 3986 §3.4 does not allow in a query and the crate `http` refuses; beyond ASCII
/// everything is encoded anyway.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
