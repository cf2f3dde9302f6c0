//! The link with which an administrator tests a connection: a page with one button.
//!
//! Mail scanners and chat previews open links before the person does. So only the button, which
//! posts a form, uses the link up.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use crate::sign_in::connection::read_ready_connection;
use crate::sign_in::pages::{self, BeginTest, Refusal};
use crate::sign_in::start::start_sign_in;
use crate::sign_in::{SignInError, browser};
use crate::store::{PendingSignIn, Stage};
use oidc::purpose::Purpose;
use saml::connection::Connection;

/// `GET /saml/sso/{domain}/test/{id}`: leads to the page with the button.
pub(super) async fn open(
    State(app): State<AppState>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let found = async {
        let (_, action) = find_invited(&app, &base_url, &name, &id).await?;
        Ok(see_other(&action)?)
    };
    found.await.unwrap_or_else(refused)
}

/// `GET /saml/sso/{domain}/test/{id}/begin`: the page with the button.
pub(super) async fn show(
    State(app): State<AppState>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let found = async {
        let (connection, action) = find_invited(&app, &base_url, &name, &id).await?;
        let page = BeginTest { connection: connection.domain.as_str(), action: &action };
        Ok(pages::begin_test(&base_url, &page))
    };
    found.await.unwrap_or_else(refused)
}

/// `POST /saml/sso/{domain}/test/{id}/begin`: starts the test. The link works in one browser.
pub(super) async fn begin(
    State(app): State<AppState>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (base_url, headers) = (BaseUrl::of(&app.config, request.headers()), request.headers());
    let begun = async {
        let (connection, invited) = find(&app, &name, &id).await?;
        let is_first = match &invited {
            Some(invited) => app.store.consume_pending_sign_in(invited, None).await?,
            None => false,
        };
        // The button was pressed twice: the browser has the test that the first press began.
        if !is_first && !has_test(&app, &base_url, headers, &connection).await? {
            return Err(SignInError::Link);
        }
        Ok(start_sign_in(&app, &base_url, headers, &connection, Purpose::Test).await)
    };
    begun.await.unwrap_or_else(refused)
}

/// Finds the connection, and the test with this id that was not begun yet.
async fn find(
    app: &AppState,
    name: &str,
    id: &str,
) -> Result<(Connection, Option<PendingSignIn>), SignInError> {
    let connection = read_ready_connection(app, name).await?;
    let pending = app.store.pending_sign_ins(&[id], app.clock.now()).await?;
    let invited = pending
        .into_iter()
        .find(|pending| pending.stage == Stage::Invited && pending.is_at(&connection));
    Ok((connection, invited))
}

/// Finds the connection of a test that was not begun yet, and the URL of the button that begins it.
async fn find_invited(
    app: &AppState,
    base_url: &BaseUrl,
    name: &str,
    id: &str,
) -> Result<(Connection, String), SignInError> {
    let (connection, invited) = find(app, name, id).await?;
    let id = invited.ok_or(SignInError::Link)?.id;
    let action = base_url.join(&format!("/saml/sso/{}/test/{id}/begin", connection.domain));
    Ok((connection, action))
}

/// Whether this browser is in the middle of a test of the connection.
async fn has_test(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
) -> Result<bool, SignInError> {
    let pending = browser::pending_sign_ins(app, base_url, headers, app.clock.now()).await?;
    let is_test = |pending: &PendingSignIn| pending.purpose == Purpose::Test;
    Ok(pending.iter().any(|pending| is_test(pending) && pending.is_at(connection)))
}

fn refused(error: SignInError) -> Response {
    if matches!(error, SignInError::Link) {
        return pages::refused(&Refusal {
            status: StatusCode::BAD_REQUEST,
            code: "saml.link",
            text: "This link is not valid, was used, or is older than an hour. Ask for a new link to \
                   test the connection again.",
            reference: None,
            hint: None,
            retry_url: None,
            to_app: None,
        });
    }
    error.into_response(None)
}
