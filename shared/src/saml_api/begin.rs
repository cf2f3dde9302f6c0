//! Sends a browser to the identity provider.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::browser::{Binding, LIFE};
use super::failure::Failure;
use super::pages::{self, Choice};
use super::urls::SpUrls;
use crate::clock::{random_bytes, random_secret};
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::store::{PendingSignIn, Stage};
use oidc::purpose::Purpose;
use saml::authn_request::{AuthnRequest, RequestId};
use saml::connection::{Connection, Provider, RequestBinding, Trust};
use saml::error::SamlError;

/// Begins a sign-in at a connection: answers with what takes the browser to its identity
/// provider, or to a choice among the members of a federation.
pub async fn begin(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    purpose: Purpose,
) -> Response {
    note_tenant(connection.tenant);
    let begun = match connection.ready() {
        Ok(trust) => at(app, base_url, connection, trust, purpose).await,
        Err(fault) => Err(Failure::Refused(SamlError::Connection(fault))),
    };
    begun.unwrap_or_else(Failure::into_response)
}

async fn at(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    trust: &Trust,
    purpose: Purpose,
) -> Result<Response, Failure> {
    match trust.providers.as_slice() {
        [provider] => ask(app, base_url, connection, provider, purpose).await,
        providers => offer(app, base_url, connection, providers, purpose).await,
    }
}

/// Shows the members of a federation. What the sign-in is for waits in the table.
async fn offer(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    providers: &[Provider],
    purpose: Purpose,
) -> Result<Response, Failure> {
    let (pending, binding) = pending(app, connection, &request_id()?, purpose, Stage::Choosing)?;
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
    binding.give(base_url, &pending.id, false, &mut response);
    Ok(response)
}

/// Sends an `AuthnRequest` (SAML profiles §4.1.4.1).
pub(super) async fn ask(
    app: &AppState,
    base_url: &BaseUrl,
    connection: &Connection,
    provider: &Provider,
    purpose: Purpose,
) -> Result<Response, Failure> {
    let settings = &connection.settings;
    let endpoint = provider.endpoint(settings.request_binding).ok_or(Failure::Unavailable)?;
    let force_authn = match &purpose {
        Purpose::App(request) => request.force_authn(),
        Purpose::Start { .. } | Purpose::Test => false,
    };
    let stage = Stage::Asked(provider.entity_id.clone());
    let now = app.clock.now();
    let id = request_id()?;
    let (pending, binding) = pending(app, connection, &id, purpose, stage)?;
    let keys = if settings.sign_requests || provider.wants_signed_requests {
        Some(app.saml_keys.load(now).await?)
    } else {
        None
    };
    app.store.create_pending_sign_in(&pending).await?;
    let urls = SpUrls::new(base_url, &connection.domain);
    let federation = connection.trust.as_ref().is_some_and(|trust| trust.federation);
    let request = AuthnRequest {
        id: &id,
        issue_instant: now,
        destination: &endpoint.url,
        issuer: &urls.entity_id,
        acs_url: if federation { &urls.federated_acs_url } else { &urls.acs_url },
        provider_name: None,
        force_authn,
        name_id_format: None,
        authn_contexts: &connection.authn_contexts(),
    };
    let key = match &keys {
        Some(keys) => Some((keys.signing()?, keys.signing_certificate.as_slice())),
        None => None,
    };
    let mut response = match endpoint.binding {
        RequestBinding::Redirect => {
            see_other(&request.redirect_url(None, key.map(|(key, _)| key))?)
        }
        RequestBinding::Post => pages::post(base_url, &request.post_form(None, key)?),
    };
    binding.give(base_url, &pending.id, true, &mut response);
    Ok(response)
}

/// A fresh id, which nobody can guess.
pub(super) fn request_id() -> Result<RequestId, Failure> {
    random_bytes().map(RequestId::from_random).map_err(|_| Failure::Unavailable)
}

/// A sign-in of this browser.
pub(super) fn pending(
    app: &AppState,
    connection: &Connection,
    id: &RequestId,
    purpose: Purpose,
    stage: Stage,
) -> Result<(PendingSignIn, Binding), Failure> {
    let binding = Binding::new(&*random_secret().map_err(|_| Failure::Unavailable)?);
    let now = app.clock.now();
    let pending = PendingSignIn {
        id: id.to_string(),
        tenant: connection.tenant,
        domain: connection.domain.clone(),
        purpose,
        stage,
        browser: Some(binding.digest()),
        expires_at: now.saturating_add(LIFE).unwrap_or(now),
    };
    Ok((pending, binding))
}

/// 303: whatever the method was, the next is GET.
fn see_other(url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(url) else {
        return Failure::Unavailable.into_response();
    };
    let headers = HeaderMap::from_iter([
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    (StatusCode::SEE_OTHER, headers).into_response()
}
