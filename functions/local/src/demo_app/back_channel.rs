//! What the application asks Gatehouse itself, without the browser.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::Refusal;
use crate::demo::Client;

/// Gatehouse, within reach of a call.
pub(super) struct BackChannel(Router);

/// What the token endpoint answers (OIDC Core §3.1.3.3).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

impl BackChannel {
    pub(super) fn over(gatehouse: Router) -> Self {
        Self(gatehouse)
    }

    /// RFC 6749 §4.1.3, with `client_secret_basic` (§2.3.1).
    pub(super) async fn redeem(
        &self,
        client: &Client,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, Refusal> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &client.redirect_uri)
            .append_pair("code_verifier", verifier)
            .finish();
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encoded(client.id.as_str()), encoded(&client.secret));
        let request = Request::post("/oauth2/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(
                header::AUTHORIZATION,
                format!("Basic {}", BASE64_STANDARD.encode(credentials)),
            );
        self.call(request.body(Body::from(form))).await
    }

    /// OIDC Core §5.3.
    pub(super) async fn userinfo(&self, access_token: &str) -> Result<Map<String, Value>, Refusal> {
        let request = Request::get("/oauth2/userinfo")
            .header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.call(request.body(Body::empty())).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: axum::http::Result<Request<Body>>,
    ) -> Result<T, Refusal> {
        let failed = |status, body: &[u8]| {
            let body = String::from_utf8_lossy(body).into_owned();
            Refusal::BackChannel { status, body }
        };
        let request = request.map_err(|_| failed(StatusCode::BAD_REQUEST, b"no request"))?;
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = to_bytes(response.into_body(), MOST_BYTES).await;
        let body = body.map_err(|_| failed(status, b"an endless answer"))?;
        match serde_json::from_slice(&body) {
            Ok(answer) if status.is_success() => Ok(answer),
            Ok(_) | Err(_) => Err(failed(status, &body)),
        }
    }
}

/// The claims in a JWT (RFC 7519 §3), not verified.
pub(super) fn claims_of(token: &str) -> Result<Map<String, Value>, Refusal> {
    let payload = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(Refusal::Claim("form"))
}

const MOST_BYTES: usize = 1024 * 1024;
