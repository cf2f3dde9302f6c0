//! The demo app: an OpenID Connect client like the operator's own app. It starts sign-ins, shows the
//! claims about the user, and follows the feed of events.
//!
//! It uses the same routes of Gatehouse as any other client. Only the back channel is a call within
//! the process instead of a connection.

mod back_channel;
mod credentials;
mod feed;
mod page;
mod sessions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value};

use self::back_channel::BackChannel;
pub(crate) use self::credentials::{ClientCredentials, CredentialsError};
use self::sessions::{Pending, Sessions};
use crate::html;
use shared::runtime::speculation::only_on_demand;

/// The demo app; cheap to clone.
#[derive(Clone)]
pub(crate) struct DemoApp(Arc<Inner>);

struct Inner {
    base_url: String,
    /// Domain of the connection that users sign in through.
    domain: String,
    credentials: ClientCredentials,
    back_channel: BackChannel,
    sessions: Sessions,
    feed: feed::Feed,
}

impl DemoApp {
    /// Creates the app. Its back channel calls the router `gatehouse`.
    pub(crate) fn new(
        base_url: &str,
        domain: &str,
        credentials: ClientCredentials,
        gatehouse: Router,
    ) -> Self {
        Self(Arc::new(Inner {
            base_url: base_url.to_owned(),
            domain: domain.to_owned(),
            credentials,
            back_channel: BackChannel::new(gatehouse),
            sessions: Sessions::default(),
            feed: feed::Feed::default(),
        }))
    }

    /// The routes `/demo` and below, without those of the identity provider.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/demo", get(home))
            .route(SIGN_IN, get(sign_in).layer(from_fn(only_on_demand)))
            .route(CALLBACK, get(callback).layer(from_fn(only_on_demand)))
            .route("/demo/sign-out", post(sign_out))
            .route("/demo/events", get(feed::page))
            .with_state(self)
    }

    /// Returns the URL of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
    fn authorize_url(&self, pending: &Pending, again: bool) -> String {
        let client = &self.0.credentials;
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
            .append_pair("domain", &self.0.domain);
        if again {
            query.append_pair("prompt", "login");
        }
        format!("{}/oauth2/authorize?{}", self.0.base_url, query.finish())
    }

    /// Redeems the code and returns the claims of the ID token and of the userinfo endpoint.
    async fn claims(
        &self,
        pending: &Pending,
        code: &str,
    ) -> Result<Map<String, Value>, SignInError> {
        let Inner { base_url, credentials, back_channel, .. } = self.0.as_ref();
        let tokens = back_channel.redeem(credentials, code, &pending.verifier).await?;
        // The ID token came directly from the token endpoint, so its signature need not be verified
        // (OIDC Core §3.1.3.7, 6.).
        let mut claims = back_channel::claims_of(&tokens.id_token)?;
        for (name, expected) in [
            ("iss", base_url.as_str()),
            ("aud", credentials.id.as_str()),
            ("nonce", pending.nonce.as_str()),
        ] {
            if claims.get(name).and_then(Value::as_str) != Some(expected) {
                return Err(SignInError::Claim(name));
            }
        }
        claims.extend(back_channel.userinfo(&tokens.access_token).await?);
        Ok(claims)
    }
}

async fn home(State(app): State<DemoApp>, headers: HeaderMap) -> Response {
    let claims = session_of(&headers).and_then(|id| app.0.sessions.claims(id));
    page::home(&app.0.domain, claims.as_ref())
}

/// Starts a sign-in. `?again` asks for a new one even if there is a session.
async fn sign_in(State(app): State<DemoApp>, RawQuery(query): RawQuery) -> Response {
    let Some((id, pending)) = app.0.sessions.begin() else {
        return html::error(StatusCode::INTERNAL_SERVER_ERROR, "No random bytes are available.");
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
        return error_page(&SignInError::State);
    };
    if let Some(error) = parameter("error") {
        let description = parameter("error_description").unwrap_or_default();
        return error_page(&SignInError::Error { error, description });
    }
    let claims = match parameter("code") {
        Some(code) => app.claims(&pending, &code).await,
        None => Err(SignInError::State),
    };
    match claims.map(|claims| app.0.sessions.start(claims)) {
        Ok(Some(id)) => with_cookie(&id, Redirect::to("/demo").into_response()),
        Ok(None) => error_page(&SignInError::State),
        Err(error) => error_page(&error),
    }
}

/// Ends the session of the app. The session of Gatehouse continues.
async fn sign_out(State(app): State<DemoApp>, headers: HeaderMap) -> Response {
    if let Some(id) = session_of(&headers) {
        app.0.sessions.end(id);
    }
    Redirect::to("/demo").into_response()
}

fn error_page(error: &SignInError) -> Response {
    html::error(StatusCode::BAD_REQUEST, &error.to_string())
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

/// A sign-in failed.
#[derive(Debug, thiserror::Error)]
enum SignInError {
    #[error("This sign-in was not started by this app, or not in this browser.")]
    State,
    #[error("Gatehouse refused the sign-in: {error}. {description}")]
    Error { error: String, description: String },
    #[error("The ID token has a wrong {0}.")]
    Claim(&'static str),
    #[error("Gatehouse responded to the app with {status}: {body}")]
    BackChannel { status: StatusCode, body: String },
}

/// Starts a sign-in; also the `initiate_login_uri` (OIDC Core §4).
pub(crate) const SIGN_IN: &str = "/demo/sign-in";

/// The redirect URI.
pub(crate) const CALLBACK: &str = "/demo/callback";

const COOKIE: &str = "gatehouse-demo";
