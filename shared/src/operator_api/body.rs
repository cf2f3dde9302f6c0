//! JSON in and out of the operator API.

use axum::body::Body;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::body::{self, BodyError};
use crate::operator_api::problem::Problem;

/// Largest body, in bytes: federation metadata is the largest thing an operator sends.
const MAX_BODY: usize = 1_048_576;

/// A request body, or a 200 with one.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?)
    }
}

/// An empty body is none.
impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Problem> {
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(None) } else { parse(&bytes).map(Some) }
    }
}

async fn read(request: Request) -> Result<Vec<u8>, Problem> {
    body::read(request.into_body(), MAX_BODY).await.map_err(|fault| match fault {
        BodyError::Broken => Problem::Invalid("the body ended before its time".to_owned()),
        BodyError::TooLarge(_) => Problem::TooLarge(MAX_BODY),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, Problem> {
    // Members by position in a list would be taken too.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::Invalid("the body must be a JSON object".to_owned()));
    }
    serde_json::from_slice(bytes)
        .map(Json)
        .map_err(|error| Problem::Invalid(format!("the body does not fit: {error}")))
}

/// One of the names of an enum, as text. An enum itself would take `{"name": null}` too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        T::deserialize(String::deserialize(value)?.into_deserializer()).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// 201 with a body.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_vec(value) else { return Problem::Unavailable.into_response() };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Items<T> {
    /// The page.
    pub(super) items: Vec<T>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub(super) next_cursor: Option<String>,
}
