//! JSON bodies of requests and responses of the operator API and of the directory API.

use axum::body::Body;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body::{self, BodyError};
use super::problem::Problem;

/// Largest body of a request, in bytes. Metadata of a federation is the largest.
const MAX_BODY: usize = 1_048_576;

/// A JSON object as the body of a request, or of a 200.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?)
    }
}

/// An empty body counts as absent.
impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Problem> {
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(None) } else { parse(&bytes).map(Some) }
    }
}

async fn read(request: Request) -> Result<Vec<u8>, Problem> {
    body::read(request.into_body(), MAX_BODY).await.map_err(|error| match error {
        BodyError::Broken => Problem::invalid("the body is incomplete".to_owned()),
        BodyError::TooLarge(_) => Problem::too_large(MAX_BODY),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, Problem> {
    // Serde would read the fields of a struct from an array too.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::invalid("the body must be a JSON object".to_owned()));
    }
    serde_json::from_slice(bytes)
        .map(Json)
        .map_err(|error| Problem::invalid(format!("the body is not valid: {error}")))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        response(StatusCode::OK, &self.0)
    }
}

/// A 201 with a JSON body.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        response(StatusCode::CREATED, &self.0)
    }
}

fn response(status: StatusCode, value: &impl Serialize) -> Response {
    let text = match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!("could not serialise the response: {error}");
            return Problem::unavailable().into_response();
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
