//! The embedded services over HTTP, for the AWS CLI and for functions started by themselves.
//!
//! Invariants:
//! - They listen on loopback, unless the user names another address. A signature is not checked, as
//!   in every local emulator: who can connect is trusted like the user of this machine.
//! - A web page is not trusted, although it runs on this machine: a request with an `Origin` is
//!   refused, and so is a `Host` that is not this machine, which is what a page sees whose name was
//!   pointed at loopback after it was loaded (DNS rebinding).

mod guard;

use std::io;
use std::net::IpAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;

use crate::answer::Answer;
use crate::dynamodb::Dynamo;
use crate::secrets_manager::SecretsManager;

/// DynamoDB's JSON 1.0 protocol on `POST /`.
pub fn dynamodb_router(dynamo: Dynamo) -> Router {
    guarded(Router::new().route("/", post(dynamodb)).with_state(dynamo))
}

/// Secrets Manager's JSON 1.1 protocol on `POST /`.
pub fn secrets_manager_router(secrets: SecretsManager) -> Router {
    guarded(Router::new().route("/", post(secrets_manager)).with_state(secrets))
}

/// A listener on `preferred` or, when that is taken, on any free port.
pub async fn listen(address: IpAddr, preferred: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = preferred {
        match TcpListener::bind((address, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    TcpListener::bind((address, 0)).await
}

async fn dynamodb(State(dynamo): State<Dynamo>, headers: HeaderMap, body: Bytes) -> Response {
    reply("application/x-amz-json-1.0", dynamo.answer(operation(&headers), &body))
}

async fn secrets_manager(
    State(secrets): State<SecretsManager>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    reply("application/x-amz-json-1.1", secrets.answer(operation(&headers), body).await)
}

fn guarded(router: Router) -> Router {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(guard::local_only))
}

/// What stands after the dot of `x-amz-target`; empty, which no service knows, when it is missing.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit_once('.')).map_or("", |(_, operation)| operation)
}

fn reply(content_type: &'static str, Answer { status, body }: Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// The largest request that DynamoDB takes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
