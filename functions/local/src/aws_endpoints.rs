//! The embedded services over HTTP, for the AWS CLI and for functions in processes of their own.
//!
//! Invariants:
//! - They listen on loopback, unless the user names another address. Signatures are not checked, as
//!   in other local emulators: everyone who can connect has the rights of the user of this machine.
//! - A web page is not trusted even though its browser runs on this machine: see `local_only`.

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

use crate::aws_response::AwsResponse;
use crate::dynamodb::Dynamo;
use crate::local_only::local_only;
use crate::secrets_manager::SecretsManager;

/// DynamoDB's JSON 1.0 protocol on `POST /`.
pub fn dynamodb_router(dynamo: Dynamo) -> Router {
    guarded(Router::new().route("/", post(dynamodb)).with_state(dynamo))
}

/// Secrets Manager's JSON 1.1 protocol on `POST /`.
pub fn secrets_manager_router(secrets: SecretsManager) -> Router {
    guarded(Router::new().route("/", post(secrets_manager)).with_state(secrets))
}

/// Listens on the port `preferred`, or on any free port if it is taken or absent.
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
    reply("application/x-amz-json-1.0", dynamo.call(operation(&headers), &body))
}

async fn secrets_manager(
    State(secrets): State<SecretsManager>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    reply("application/x-amz-json-1.1", secrets.call(operation(&headers), body).await)
}

fn guarded(router: Router) -> Router {
    router.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).layer(middleware::from_fn(local_only))
}

/// Returns the operation: the part of `x-amz-target` after the dot. Empty, which no service knows,
/// if the header is missing.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit_once('.')).map_or("", |(_, operation)| operation)
}

fn reply(content_type: &'static str, AwsResponse { status, body }: AwsResponse) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// The largest request that DynamoDB accepts.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
