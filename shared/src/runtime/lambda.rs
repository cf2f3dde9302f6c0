//! Starts a function in Lambda and serves its router.

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

/// Reads the configuration, starts the warm-up and serves `router` until Lambda shuts the process
/// down.
///
/// `secret` reads a secret that the requests will need: one of the functions of [`warm_up`].
///
/// # Errors
///
/// When a variable is missing or invalid, or the runtime API cannot be reached.
///
/// [`warm_up`]: crate::runtime::warm_up
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
    let warm_up = WarmUp::start(app.clone(), secret);
    let router = router(app).layer(from_fn_with_state(warm_up, after_warm_up));
    let encode_query = |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| LambdaEvent {
        payload: encode_query(payload),
        context,
    };
    lambda_runtime::run(adapter(router).map_request(encode_query)).await
}

/// Converts events of API Gateway to requests of `router`, and its responses back.
pub fn adapter(router: Router) -> Adapter<'static, LambdaResponse, MapResponse<Router, Wrap>> {
    let wrap: Wrap = LambdaResponse;
    Adapter::from(ServiceExt::<Request>::map_response(router, wrap))
}

/// Wraps the response of a router.
pub type Wrap = fn(Response<Body>) -> LambdaResponse;

/// The response of a router, to be converted for API Gateway: UTF-8 as text, other bytes as base64.
///
/// `lambda_http` converts by the charset of the response, with tables of all encodings of the web,
/// which are a twentieth of the size of a function. The routers write only UTF-8.
#[derive(Debug)]
pub struct LambdaResponse(Response<Body>);

impl IntoResponse for LambdaResponse {
    fn into_response(self) -> BoxFuture<'static, Response<lambda_http::Body>> {
        Box::pin(async move {
            let (mut parts, body) = self.0.into_parts();
            let Ok(body) = body.collect().await else {
                tracing::error!("could not read the body of a response to its end");
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

/// Percent-encodes the characters of an event's query string that a URI must not contain.
///
/// API Gateway passes the query string on as it was sent, and `lambda_http` panics at such a
/// character, as the quotes in `filter=userName+eq+"ada"`. Every other byte stays, since signatures
/// are computed over them.
pub fn encode_query(mut event: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event
        && let Some(query) = &mut request.raw_query_string
        && let Cow::Owned(encoded) = Cow::from(utf8_percent_encode(query, NOT_IN_A_QUERY))
    {
        *query = encoded;
    }
    event
}

/// ASCII characters that RFC 3986 §3.4 does not allow in a query and the crate `http` refuses. All
/// characters beyond ASCII are encoded anyway.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

#[cfg(test)]
mod tests {
    use super::*;

    async fn converted(body: impl Into<Body>) -> lambda_http::Body {
        LambdaResponse(Response::new(body.into())).into_response().await.into_body()
    }

    #[tokio::test]
    async fn text_stays_text_and_other_bytes_become_binary() {
        assert_eq!(converted("Zo\u{eb}").await, lambda_http::Body::Text("Zo\u{eb}".to_owned()));
        assert_eq!(converted(vec![0xff, 0x00]).await, lambda_http::Body::Binary(vec![0xff, 0x00]));
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_read_is_an_internal_error() {
        let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("broken"))]);
        let response =
            LambdaResponse(Response::new(Body::from_stream(broken))).into_response().await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
