//! Starts a sign-in: sends the browser to the identity provider (SAML profiles §4.1.4.1).
//!
//! The purpose of the sign-in waits in the table, bound to the browser, until the response arrives
//! at `saml_api::acs`.

use axum::http::HeaderMap;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::browser::{Binding, LIFE, SignInCookies};
use super::error::SignInError;
use super::pages::{self, Choice};
use super::refusal::Refused;
use super::session;
use super::sp_urls::SpUrls;
use crate::clock::{random_bytes, random_secret};
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::store::{PendingSignIn, Stage};
use oidc::error::OauthError;
use oidc::purpose::Purpose;
use saml::authn_request::{AuthnRequest, PostForm, RequestId};
use saml::connection::{Connection, Provider, RequestBinding};
use saml::error::SamlError;
use saml::login_hint::with_login_hint;
use types::email_address::EmailAddress;

/// Starts a sign-in at a connection. The response takes the browser to its identity provider, or
/// offers a choice among the members of a federation.
pub(crate) async fn start_sign_in(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    purpose: Purpose,
) -> Response {
    note_tenant(connection.tenant);
    match try_start(app, base_url, headers, connection, purpose.clone()).await {
        Ok(response) => response,
        Err(error) => Refused::unrecorded(app, base_url, connection, &purpose).answer(error).await,
    }
}

async fn try_start(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    purpose: Purpose,
) -> Result<Response, SignInError> {
    let trust = connection.active_trust().map_err(SamlError::Connection)?;
    match trust.providers.as_slice() {
        [provider] => send_request(app, base_url, headers, connection, provider, purpose).await,
        providers => offer_choice(app, base_url, headers, connection, providers, purpose).await,
    }
}

/// Offers the members of a federation. The purpose of the sign-in waits in the table.
async fn offer_choice(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    providers: &[Provider],
    purpose: Purpose,
) -> Result<Response, SignInError> {
    let id = new_id()?;
    let (pending, binding) =
        new_pending_sign_in(app, base_url, headers, connection, &id, purpose, Stage::Choosing)?;
    app.store.create_pending_sign_in(&pending).await?;
    let path = base_url.join(&format!("/saml/sso/{}/with", connection.domain));
    let choices: Vec<Choice> = providers
        .iter()
        .map(|provider| {
            let entity_id = utf8_percent_encode(&provider.entity_id, NON_ALPHANUMERIC);
            let url = format!("{path}?sign_in={}&idp={entity_id}", pending.id);
            Choice { name: provider.entity_id.clone(), url }
        })
        .collect();
    let mut response = pages::choose(&choices);
    binding.set_cookie(base_url, &pending.id, false, &mut response)?;
    Ok(response)
}

/// Sends an `AuthnRequest` to one identity provider.
pub(crate) async fn send_request(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    provider: &Provider,
    purpose: Purpose,
) -> Result<Response, SignInError> {
    let settings = &connection.settings;
    let endpoint = provider.endpoint(settings.request_binding).ok_or(SignInError::NoEndpoint)?;
    let asked = match &purpose {
        Purpose::App(request) => Some(request.clone()),
        Purpose::Start { .. } | Purpose::Test => None,
    };
    let acr_values = asked.as_ref().map(|request| request.acr_values.as_slice());
    let stage = Stage::Asked(provider.entity_id.clone());
    let now = app.clock.now();
    let id = new_id()?;
    let (mut pending, binding) =
        new_pending_sign_in(app, base_url, headers, connection, &id, purpose, stage)?;
    pending.session = session::key_of(base_url, headers);
    let keys = if settings.sign_requests || provider.wants_signed_requests {
        Some(app.saml_keys.load(now).await?)
    } else {
        None
    };
    app.store.create_pending_sign_in(&pending).await?;
    let urls = SpUrls::new(base_url, &connection.domain);
    let is_federation = connection.trust.as_ref().is_some_and(|trust| trust.federation);
    let request = AuthnRequest {
        id: &id,
        issue_instant: now,
        destination: &endpoint.url,
        issuer: &urls.entity_id,
        acs_url: if is_federation { &urls.federated_acs_url } else { &urls.acs_url },
        provider_name: None,
        force_authn: asked.as_ref().is_some_and(|request| request.force_authn()),
        name_id_format: None,
        authn_contexts: &connection.requested_contexts(acr_values.unwrap_or_default()),
    };
    let key = match &keys {
        Some(keys) => Some((keys.signing()?, keys.signing_certificate.as_slice())),
        None => None,
    };
    let hint = asked.as_ref().and_then(|request| request.login_hint.as_deref());
    let hint = hint.filter(|hint| is_of_connection(hint, connection));
    let hinted = |url: String| match hint {
        Some(address) => with_login_hint(&url, address),
        None => url,
    };
    let mut response = match endpoint.binding {
        RequestBinding::Redirect => {
            see_other(&hinted(request.redirect_url(None, key.map(|(key, _)| key))?))?
        }
        RequestBinding::Post => {
            let form = request.post_form(None, key)?;
            pages::post(base_url, &PostForm { action: hinted(form.action), ..form })
        }
    };
    binding.set_cookie(base_url, &pending.id, true, &mut response)?;
    Ok(response)
}

/// Whether an address is in a domain of the connection: only then its identity provider is told.
fn is_of_connection(address: &str, connection: &Connection) -> bool {
    let address = EmailAddress::parse(address);
    address.is_ok_and(|address| connection.listed_domains().contains(&address.domain()))
}

/// Returns a new unguessable id: that of a pending sign-in, and the `ID` of our request.
pub(crate) fn new_id() -> Result<RequestId, SignInError> {
    random_bytes().map(RequestId::from_random).map_err(SignInError::Random)
}

/// Makes a pending sign-in, not yet stored, and its binding to the browser that sends the request.
pub(crate) fn new_pending_sign_in(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    connection: &Connection,
    id: &RequestId,
    purpose: Purpose,
    stage: Stage,
) -> Result<(PendingSignIn, Binding), SignInError> {
    let now = app.clock.now();
    let cookies = SignInCookies::read(base_url, headers, now);
    let binding = Binding::new(&cookies, &*random_secret().map_err(SignInError::Random)?);
    let pending = PendingSignIn {
        id: id.to_string(),
        tenant: connection.tenant,
        domain: connection.domain.clone(),
        purpose,
        stage,
        browser: Some(binding.digest()),
        session: None,
        expires_at: now.saturating_add(LIFE).unwrap_or(now),
    };
    let length = serde_json::to_string(&pending).map_or(usize::MAX, |row| row.len());
    if length > MAX_PENDING {
        return Err(TOO_LONG.into());
    }
    Ok((pending, binding))
}

/// Bytes of a pending sign-in as it is stored. With its keys and the session of the browser, the row
/// is within [`PENDING_UNITS`].
const MAX_PENDING: usize = 7_500;

/// Write units of the largest row that a request without credentials writes, of which it writes one.
/// The throttles of the routes that start a sign-in rest on it.
pub const PENDING_UNITS: usize = 8;

const TOO_LONG: OauthError = OauthError::invalid_request(
    "state, nonce, id_token_hint, acr_values or target are too long to be kept",
);
