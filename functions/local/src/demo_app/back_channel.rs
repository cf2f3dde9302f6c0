//! The back channel: requests of the demo app to Gatehouse that do not pass through the browser.
//!
//! Calls the router of Gatehouse within the process and opens no connection. It reads the claims of
//! a token without verifying it. `demo_app` decides what to ask and checks the claims.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::{ClientCredentials, SignInError};

/// The routes of Gatehouse, called within the process.
pub(super) struct BackChannel(Router);

/// Response of the token endpoint (OIDC Core §3.1.3.3).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

/// Response of the token endpoint to `client_credentials` (RFC 6749 §5.1).
#[derive(Deserialize)]
struct DirectoryToken {
    access_token: String,
}

/// A part of the feed of events.
#[derive(Deserialize)]
pub(super) struct Events {
    pub(super) items: Vec<Value>,
    pub(super) next: String,
}

impl BackChannel {
    pub(super) fn new(gatehouse: Router) -> Self {
        Self(gatehouse)
    }

    /// Redeems a code (RFC 6749 §4.1.3), authenticated by `client_secret_basic` (§2.3.1).
    pub(super) async fn redeem(
        &self,
        client: &ClientCredentials,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, SignInError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &client.redirect_uri)
            .append_pair("code_verifier", verifier)
            .finish();
        self.request_tokens(client, form).await
    }

    /// Gets a token for the directory (RFC 6749 §4.4).
    pub(super) async fn directory_token(
        &self,
        client: &ClientCredentials,
    ) -> Result<String, SignInError> {
        let form = "grant_type=client_credentials".to_owned();
        let token: DirectoryToken = self.request_tokens(client, form).await?;
        Ok(token.access_token)
    }

    /// Reads a part of the feed of events; without `after`, from the oldest.
    pub(super) async fn events(
        &self,
        token: &str,
        after: Option<&str>,
    ) -> Result<Events, SignInError> {
        let after = after.map(|after| format!("after={after}")).unwrap_or_default();
        let request = Request::get(format!("/directory/v1/events?{after}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.call(request.body(Body::empty())).await
    }

    async fn request_tokens<T: DeserializeOwned>(
        &self,
        client: &ClientCredentials,
        form: String,
    ) -> Result<T, SignInError> {
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

    /// Reads the userinfo endpoint (OIDC Core §5.3).
    pub(super) async fn userinfo(
        &self,
        access_token: &str,
    ) -> Result<Map<String, Value>, SignInError> {
        let request = Request::get("/oauth2/userinfo")
            .header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.call(request.body(Body::empty())).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: axum::http::Result<Request<Body>>,
    ) -> Result<T, SignInError> {
        let failed = |status, body: &[u8]| {
            let body = String::from_utf8_lossy(body).into_owned();
            SignInError::BackChannel { status, body }
        };
        let request = request
            .map_err(|_| failed(StatusCode::BAD_REQUEST, b"the request could not be built"))?;
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = to_bytes(response.into_body(), MAX_BODY).await;
        let body = body.map_err(|_| failed(status, b"the response is too large"))?;
        match serde_json::from_slice(&body) {
            Ok(value) if status.is_success() => Ok(value),
            Ok(_) | Err(_) => Err(failed(status, &body)),
        }
    }
}

/// Returns the claims of a JWT (RFC 7519 §3) without verifying it.
pub(super) fn claims_of(token: &str) -> Result<Map<String, Value>, SignInError> {
    let payload = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(SignInError::Claim("form"))
}

/// Bytes of a response; a part of the feed has up to 5 MiB.
const MAX_BODY: usize = 6 * 1024 * 1024;
