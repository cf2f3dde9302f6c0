//! `GET /saml/metadata/{domain}`: our metadata, for an identity provider.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::error_chain::ErrorChain;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::saml_keys::SamlKeysError;
use crate::sign_in::SpUrls;
use crate::store::StoreError;
use saml::metadata::{AttributeNaming, SpMetadata};
use saml::sign::SignError;
use types::domain::Domain;

#[derive(Debug, Deserialize)]
pub(super) struct MetadataQuery {
    /// `oid` asks for attributes by OID instead of by name.
    naming: Option<String>,
    /// `1` or `true` asks for a signed document.
    signed: Option<String>,
}

/// Shows the metadata. Public: every identity provider is told the same.
pub(super) async fn show(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<MetadataQuery>,
    headers: HeaderMap,
) -> Result<Response, MetadataError> {
    let now = app.clock.now();
    let name: Domain = name.parse().map_err(|_| MetadataError::Unknown)?;
    let (stored, keys) = tokio::join!(app.store.connection_named(&name), app.saml_keys.load(now));
    let connection = stored?.ok_or(MetadataError::Unknown)?.connection;
    note_tenant(connection.tenant);
    let keys = keys?;
    let mut providers = connection.trust.iter().flat_map(|trust| &trust.providers);
    let wants_signed = providers.any(|provider| provider.wants_signed_requests);
    let urls = SpUrls::new(&BaseUrl::of(&app.config, &headers), &name);
    let naming = match query.naming.as_deref() {
        Some("oid") => AttributeNaming::Oid,
        Some(_) | None => AttributeNaming::Basic,
    };
    let metadata = SpMetadata {
        entity_id: &urls.entity_id,
        acs_url: &urls.acs_url,
        federated_acs_url: &urls.federated_acs_url,
        signing_certificates: &keys.signing_certificates(),
        encryption_certificates: &keys.encryption_certificates(now),
        naming,
        display_name: DISPLAY_NAME,
        contact: None,
        valid_until: now.saturating_add(VALID_FOR).unwrap_or(now),
        requests_signed: connection.settings.sign_requests || wants_signed,
    };
    let xml = match query.signed.as_deref() {
        Some("1" | "true") => metadata.signed_xml(keys.signing()?, &keys.signing_certificate)?,
        Some(_) | None => metadata.xml()?,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/samlmetadata+xml; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, xml).into_response())
}

/// Why there is no metadata. Programs read it, so the response is plain text.
#[derive(Debug, thiserror::Error)]
pub(super) enum MetadataError {
    /// There is no connection of this name.
    #[error("there is no connection of this name")]
    Unknown,
    /// The table cannot be read.
    #[error("could not read the connection")]
    Store(#[from] StoreError),
    /// The service provider's keys cannot be read or used.
    #[error("could not use the SAML keys")]
    SamlKeys(#[from] SamlKeysError),
    /// The document cannot be written or signed.
    #[error("could not write our metadata")]
    Write(#[from] SignError),
}

impl IntoResponse for MetadataError {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Unknown => (StatusCode::NOT_FOUND, "There is no connection of this name.\n"),
            Self::Store(_) | Self::SamlKeys(_) | Self::Write(_) => {
                tracing::error!("{}", ErrorChain(&self));
                (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.\n")
            }
        };
        let headers =
            [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (status, headers, text).into_response()
    }
}

/// The name that people read at their identity provider.
const DISPLAY_NAME: &str = "Gatehouse";

/// Long, because many providers read our metadata once and by hand. A provider that reads it
/// regularly sees new keys well before.
const VALID_FOR: Duration = Duration::from_hours(365 * 24);
