//! Binding a sign-in to the browser that began it: a random cookie for each, whose digest the
//! table holds. Who brings another browser's response brings no cookie for it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::http::base_url::BaseUrl;
use crate::http::cookie;
use crate::runtime::state::AppState;
use crate::store::{PendingSignIn, StoreError};
use types::hex::hex;
use types::secret_text::secret_text;

/// What one browser is given for one sign-in.
pub(super) struct Binding {
    secret: SecretString,
}

impl Binding {
    /// From randomness that the caller drew.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self { secret: secret_text("", secret) }
    }

    /// What the table holds of it.
    pub(super) fn digest(&self) -> String {
        digest(self.secret.expose_secret())
    }

    /// Gives it to the browser. `posts`: it has to come back with a form that the identity
    /// provider's page posts.
    pub(super) fn give(&self, base_url: &BaseUrl, id: &str, posts: bool, response: &mut Response) {
        let name = format!("{PREFIX}{id}");
        let secret = self.secret.expose_secret();
        let cookie = if posts {
            cookie::set_for_posts(base_url, &name, secret, LIFE)
        } else {
            cookie::set(base_url, &name, secret, LIFE)
        };
        append(response, cookie);
    }
}

/// Takes the cookie of a sign-in that is over from the browser.
pub(super) fn take_back(base_url: &BaseUrl, id: &str, response: &mut Response) {
    let name = format!("{PREFIX}{id}");
    append(response, cookie::set_for_posts(base_url, &name, "", Duration::ZERO));
}

/// The pending sign-ins that this browser can prove to have begun.
pub(super) async fn pending_sign_ins(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Vec<PendingSignIn>, StoreError> {
    let mut cookies = cookie::read_all(base_url, headers, PREFIX);
    cookies.retain(|(id, secret)| is_id(id) && secret.len() == SECRET_LENGTH);
    cookies.truncate(MOST_TABS);
    let ids: Vec<&str> = cookies.iter().map(|(id, _)| *id).collect();
    let mut pending = app.store.pending_sign_ins(&ids, now).await?;
    pending.retain(|pending| {
        let expected = pending.browser.as_deref().unwrap_or_default();
        cookies.iter().any(|(id, secret)| {
            *id == pending.id && bool::from(digest(secret).as_bytes().ct_eq(expected.as_bytes()))
        })
    });
    Ok(pending)
}

fn append(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The form of our ids; nothing else becomes a key.
fn is_id(text: &str) -> bool {
    text.len() == 41
        && text.strip_prefix('_').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// How long a person may take at the identity provider.
pub(super) const LIFE: Duration = Duration::from_mins(10);

const PREFIX: &str = "sign-in-";
const SECRET_LENGTH: usize = 43;

/// Tabs in which sign-ins are under way; more are other people's cookies.
const MOST_TABS: usize = 20;
