//! How every function starts and serves its router in Lambda.

use std::borrow::Cow;
use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::middleware::from_fn_with_state;
use http_body_util::BodyExt as _;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, BoxFuture, IntoResponse, LambdaEvent, Request, lambda_runtime};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tower::ServiceExt;
use tower::util::MapResponse;

use crate::aws::clients::AwsClients;
use crate::clock::Clock;
use crate::config::{AwsConfig, Config};
use crate::runtime::state::AppState;
use crate::runtime::telemetry::{self, Format};
use crate::runtime::warm_up::{WarmUp, WarmUpError, after_warm_up};

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
    lambda_runtime::run(adapter(router).map_request(readable)).await
}

/// What makes a request of an event for `router`, and of its answer one for API Gateway.
pub fn adapter(router: Router) -> Adapter<'static, Answer, MapResponse<Router, Wrap>> {
    let wrap: Wrap = Answer;
    Adapter::from(ServiceExt::<Request>::map_response(router, wrap))
}

/// Takes a router's answer.
pub type Wrap = fn(Response<Body>) -> Answer;

/// A router's answer on its way to API Gateway: text as text, what is not in base64.
///
/// `lambda_http` does this by the answer's charset, with the tables of every encoding that the web
/// ever had. We write UTF-8, and the tables are a twentieth of a function.
#[derive(Debug)]
pub struct Answer(Response<Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> BoxFuture<'static, Response<lambda_http::Body>> {
        Box::pin(async move {
            let (mut parts, body) = self.0.into_parts();
            let Ok(body) = body.collect().await else {
                tracing::error!("an answer broke off");
                parts.status = StatusCode::INTERNAL_SERVER_ERROR;
                parts.headers.clear();
                return Response::from_parts(parts, lambda_http::Body::Empty);
            };
            let body = String::from_utf8(body.to_bytes().into())
                .map_or_else(|other| other.into_bytes().into(), lambda_http::Body::Text);
            Response::from_parts(parts, body)
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(body: impl Into<Body>) -> lambda_http::Body {
        Answer(Response::new(body.into())).into_response().await.into_body()
    }

    #[tokio::test]
    async fn text_goes_as_it_is_and_bytes_in_base64() {
        assert_eq!(sent("Zo\u{eb}").await, lambda_http::Body::Text("Zo\u{eb}".to_owned()));
        assert_eq!(sent(vec![0xff, 0x00]).await, lambda_http::Body::Binary(vec![0xff, 0x00]));
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_a_failure_of_ours() {
        let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("broken"))]);
        let answer = Answer(Response::new(Body::from_stream(broken))).into_response().await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
