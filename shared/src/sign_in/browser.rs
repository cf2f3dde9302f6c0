//! Binds each sign-in to the browser that started it: a random cookie whose digest is in the
//! table.
//!
//! A response that was stolen from another browser comes without that cookie, and signs nobody in.

use std::time::Duration;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::SignInError;
use crate::http::base_url::BaseUrl;
use crate::http::cookie;
use crate::runtime::state::AppState;
use crate::store::PendingSignIn;
use types::hex::hex;
use types::secret_text::secret_text;

/// The secret of one browser for one sign-in.
pub(crate) struct Binding {
    secret: SecretString,
}

impl Binding {
    /// Makes a binding from randomness that the caller drew.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self { secret: secret_text("", secret) }
    }

    /// Returns the digest that the table stores.
    pub(crate) fn digest(&self) -> String {
        digest(self.secret.expose_secret())
    }

    /// Sets the cookie of the sign-in `id`. With `is_posted`, the browser sends it also with a form
    /// that the identity provider's page posts.
    pub(crate) fn set_cookie(
        &self,
        base_url: &BaseUrl,
        id: &str,
        is_posted: bool,
        response: &mut Response,
    ) -> Result<(), InvalidHeaderValue> {
        let name = format!("{PREFIX}{id}");
        let secret = self.secret.expose_secret();
        let cookie = if is_posted {
            cookie::set_for_posts(base_url, &name, secret, LIFE)?
        } else {
            cookie::set(base_url, &name, secret, LIFE)?
        };
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(())
    }
}

/// Removes the cookie of a sign-in that is over.
pub(crate) fn remove_cookie(base_url: &BaseUrl, id: &str, response: &mut Response) {
    let name = format!("{PREFIX}{id}");
    if let Ok(cookie) = cookie::set_for_posts(base_url, &name, "", Duration::ZERO) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Returns the pending sign-ins that this browser has the cookies of.
pub(crate) async fn pending_sign_ins(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Vec<PendingSignIn>, SignInError> {
    let mut cookies = cookie::read_all(base_url, headers, PREFIX);
    cookies.retain(|(id, secret)| is_id(id) && secret.len() == SECRET_LENGTH);
    cookies.truncate(MAX_COOKIES);
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

/// Whether `text` has the form of our ids. Nothing else becomes a key of the table.
fn is_id(text: &str) -> bool {
    text.len() == 41
        && text.strip_prefix('_').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// The time that a person may take at the identity provider.
pub(crate) const LIFE: Duration = Duration::from_mins(10);

const PREFIX: &str = "sign-in-";
const SECRET_LENGTH: usize = 43;

/// Bounds the rows that one request reads. No person has as many sign-ins open at once.
const MAX_COOKIES: usize = 20;
