//! Where a form that was posted twice leads: to where the first one led.
//!
//! A double click or a reload posts a response, or presses the button of the page that asks, a
//! second time. Assertion and sign-in are consumed by then, so that the second post gives nothing.
//! It sends the browser here by GET, because a browser sends the cookie of its session with a link
//! and not with a form that another site posts.
//!
//! Invariants:
//! - Only the browser whose sign-in it was gets further: it has the cookie of the sign-in.
//! - A code rests on the session that this sign-in gave, which is alive and of this browser. Without
//!   it the sign-in starts again, and the identity provider decides.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use crate::sign_in::complete::{BrowserSession, Ending};
use crate::sign_in::connection::read_ready_connection;
use crate::sign_in::refusal::Refused;
use crate::sign_in::retry::{retry_url, sso_url};
use crate::sign_in::{Destination, SignInError, browser, pages, session};

#[derive(Debug, Deserialize)]
pub(super) struct ResumeQuery {
    /// The id of a sign-in of this browser.
    sign_in: String,
}

/// `GET /saml/sso/{domain}/resume`: leads to where an ended sign-in of this browser led.
pub(super) async fn resume(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<ResumeQuery>,
    headers: HeaderMap,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let resumed = try_resume(&app, &base_url, &name, &query.sign_in, &headers).await;
    resumed.unwrap_or_else(|error| error.into_response(sso_url(&base_url, &name).as_deref()))
}

async fn try_resume(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let connection = read_ready_connection(app, name).await?;
    let found = browser::sign_ins(app, base_url, headers, app.clock.now()).await?;
    let ended = found.ended.into_iter().filter(|ended| ended.is_at(&connection));
    let ended = ended.map(|ended| (ended.id, ended.purpose));
    // The other of two posts may not have ended it yet.
    let open = found.open.into_iter().filter(|open| open.is_at(&connection));
    let open = open.map(|open| (open.id, open.purpose));
    let (id, purpose) =
        ended.chain(open).find(|(known, _)| known == id).ok_or(SignInError::Link)?;
    let Some(retry_url) = retry_url(base_url, &connection.domain, Some(&purpose)) else {
        return Ok(pages::test_ended());
    };
    let Some((signed_in, live)) = session::of_sign_in(app, base_url, headers, &id).await? else {
        return Ok(see_other(&retry_url)?);
    };
    let default_app = connection.settings.default_app.as_deref();
    let found = Destination::find(app, purpose.clone(), default_app).await;
    let authority = &live.standing.authority;
    let session = BrowserSession::Kept;
    Ok(match found {
        Ok(destination) => {
            let ending = Ending { app, base_url, authority, session, reference: None };
            ending.complete(signed_in, destination).await
        }
        Err(error) => Refused::unrecorded(app, base_url, &connection, &purpose).answer(error).await,
    })
}
