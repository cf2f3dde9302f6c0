//! The demo's application: an OIDC client like the operator's own. It sends people to sign in, and shows
//! what it is told about them.
//!
//! It speaks to Gatehouse over the same routes as any other client; only the back channel is a call inside the
//! process instead of a connection.

mod back_channel;
mod page;
mod sessions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value};

use self::back_channel::BackChannel;
use self::sessions::{Pending, Sessions};
use crate::demo::Client;
use crate::html;

/// The application; cheap to clone.
#[derive(Clone)]
pub(crate) struct DemoApp(Arc<Parts>);

struct Parts {
    base_url: String,
    client: Client,
    back_channel: BackChannel,
    sessions: Sessions,
}

impl DemoApp {
    /// An application whose back channel is `gatehouse`.
    pub(crate) fn new(base_url: &str, client: Client, gatehouse: Router) -> Self {
        Self(Arc::new(Parts {
            base_url: base_url.to_owned(),
            client,
            back_channel: BackChannel::over(gatehouse),
            sessions: Sessions::default(),
        }))
    }

    /// `/demo` and what is below it, apart from the identity provider.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/demo", get(home))
            .route(SIGN_IN, get(sign_in))
            .route(CALLBACK, get(callback))
            .route("/demo/sign-out", post(sign_out))
            .with_state(self)
    }

    /// The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
    fn authorize_url(&self, pending: &Pending, again: bool) -> String {
        let client = &self.0.client;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client.id.as_str())
            .append_pair("redirect_uri", &client.redirect_uri)
            .append_pair("scope", "openid profile email groups")
            .append_pair("state", &pending.state)
            .append_pair("nonce", pending.nonce.as_str())
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256")
            .append_pair("domain", crate::demo::DOMAIN);
        if again {
            query.append_pair("prompt", "login");
        }
        format!("{}/oauth2/authorize?{}", self.0.base_url, query.finish())
    }

    /// Redeems the code and asks who it is.
    async fn claims(&self, pending: &Pending, code: &str) -> Result<Map<String, Value>, Refusal> {
        let Parts { base_url, client, back_channel, .. } = self.0.as_ref();
        let tokens = back_channel.redeem(client, code, &pending.verifier).await?;
        // It came straight from the token endpoint, so its signature adds nothing (OIDC Core §3.1.3.7, 6.).
        let mut claims = back_channel::claims_of(&tokens.id_token)?;
        for (name, expected) in [
            ("iss", base_url.as_str()),
            ("aud", client.id.as_str()),
            ("nonce", pending.nonce.as_str()),
        ] {
            if claims.get(name).and_then(Value::as_str) != Some(expected) {
                return Err(Refusal::Claim(name));
            }
        }
        claims.extend(back_channel.userinfo(&tokens.access_token).await?);
        Ok(claims)
    }
}

async fn home(State(app): State<DemoApp>, headers: HeaderMap) -> Response {
    let session = session_of(&headers).and_then(|id| app.0.sessions.claims(id));
    page::home(session.as_ref())
}

/// `?again`: asks for the identity provider even where there is a session.
async fn sign_in(State(app): State<DemoApp>, RawQuery(query): RawQuery) -> Response {
    let Some((id, pending)) = app.0.sessions.begin() else {
        return html::failure(StatusCode::INTERNAL_SERVER_ERROR, "There is no randomness.");
    };
    let url = app.authorize_url(&pending, query.as_deref() == Some("again"));
    with_cookie(&id, Redirect::to(&url).into_response())
}

async fn callback(
    State(app): State<DemoApp>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let pending = session_of(&headers).and_then(|id| app.0.sessions.take_pending(id));
    let Some(pending) = pending.filter(|pending| parameter("state") == Some(pending.state.clone()))
    else {
        return refused(&Refusal::State);
    };
    if let Some(error) = parameter("error") {
        let description = parameter("error_description").unwrap_or_default();
        return refused(&Refusal::Error { error, description });
    }
    let claims = match parameter("code") {
        Some(code) => app.claims(&pending, &code).await,
        None => Err(Refusal::State),
    };
    match claims.map(|claims| app.0.sessions.signed_in(claims)) {
        Ok(Some(id)) => with_cookie(&id, Redirect::to("/demo").into_response()),
        Ok(None) => refused(&Refusal::State),
        Err(refusal) => refused(&refusal),
    }
}

/// Ends the application's own session; Gatehouse's goes on.
async fn sign_out(State(app): State<DemoApp>, headers: HeaderMap) -> Response {
    if let Some(id) = session_of(&headers) {
        app.0.sessions.end(id);
    }
    Redirect::to("/demo").into_response()
}

fn refused(refusal: &Refusal) -> Response {
    html::failure(StatusCode::BAD_REQUEST, &refusal.to_string())
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split("; "));
    pairs.find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
}

fn with_cookie(id: &str, mut response: Response) -> Response {
    let cookie = format!("{COOKIE}={id}; Path=/demo; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("This sign-in was not begun here, or not in this browser.")]
    State,
    #[error("Gatehouse refused: {error}. {description}")]
    Error { error: String, description: String },
    #[error("The ID token has another {0} than it should.")]
    Claim(&'static str),
    #[error("Gatehouse answered the application with {status}: {body}")]
    BackChannel { status: StatusCode, body: String },
}

/// Where a sign-in begins; also what Gatehouse may send people to (OIDC Core §4).
pub(crate) const SIGN_IN: &str = "/demo/sign-in";

/// Where codes go.
pub(crate) const CALLBACK: &str = "/demo/callback";

const COOKIE: &str = "gatehouse-demo";
