//! JSON bodies of requests and responses.

use axum::body::Body;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::body::{self, BodyError};
use crate::operator_api::error::OperatorApiError;

/// Largest body of a request, in bytes. Metadata of a federation is the largest.
const MAX_BODY: usize = 1_048_576;

/// A JSON object as the body of a request, or of a 200.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = OperatorApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OperatorApiError> {
        parse(&read(request).await?)
    }
}

/// An empty body counts as absent.
impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = OperatorApiError;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, OperatorApiError> {
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(None) } else { parse(&bytes).map(Some) }
    }
}

async fn read(request: Request) -> Result<Vec<u8>, OperatorApiError> {
    body::read(request.into_body(), MAX_BODY).await.map_err(|error| match error {
        BodyError::Broken => OperatorApiError::Invalid("the body is incomplete".to_owned()),
        BodyError::TooLarge(_) => OperatorApiError::TooLarge(MAX_BODY),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, OperatorApiError> {
    // Serde would read the fields of a struct from an array too.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(OperatorApiError::Invalid("the body must be a JSON object".to_owned()));
    }
    serde_json::from_slice(bytes)
        .map(Json)
        .map_err(|error| OperatorApiError::Invalid(format!("the body is not valid: {error}")))
}

/// A variant of an enum, by its name. Serde alone would accept `{"name": null}` too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VariantName<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for VariantName<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        T::deserialize(String::deserialize(value)?.into_deserializer()).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// A 201 with a JSON body.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let text = match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => return OperatorApiError::Response(error).into_response(),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
