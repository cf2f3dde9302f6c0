//! `GET /saml/metadata/{domain}`: what an identity provider has to know about us.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::urls::SpUrls;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::saml_keys::SamlKeysError;
use crate::store::StoreError;
use saml::metadata::{AttributeNaming, SpMetadata};
use types::domain::Domain;

#[derive(Debug, Deserialize)]
pub(super) struct MetadataQuery {
    /// `oid` asks for attributes by OID instead of by name.
    naming: Option<String>,
    /// `1` or `true` asks for a signed document.
    signed: Option<String>,
}

/// Public: it holds only what every identity provider is told.
pub(super) async fn show(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    Query(query): Query<MetadataQuery>,
    headers: HeaderMap,
) -> Result<Response, MetadataRefusal> {
    let now = app.clock.now();
    let domain: Domain = domain.parse().map_err(|_| MetadataRefusal::Unknown)?;
    let (stored, keys) =
        tokio::join!(app.store.connection_of_domain(&domain), app.saml_keys.load(now));
    let connection = stored?.ok_or(MetadataRefusal::Unknown)?.connection;
    note_tenant(connection.tenant);
    let keys = keys?;
    let wanted = connection.trust.iter().flat_map(|trust| &trust.providers);
    let wanted = wanted.into_iter().any(|provider| provider.wants_signed_requests);
    let urls = SpUrls::new(&BaseUrl::of(&app.config, &headers), &domain);
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
        requests_signed: connection.settings.sign_requests || wanted,
    };
    let written = match query.signed.as_deref() {
        Some("1" | "true") => metadata.signed_xml(keys.signing()?, &keys.signing_certificate),
        Some(_) | None => metadata.xml(),
    };
    let xml = written.map_err(|fault| {
        tracing::error!(error = %fault, "our metadata cannot be written");
        MetadataRefusal::Unavailable
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/samlmetadata+xml; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, xml).into_response())
}

/// Why there is no metadata. Whoever reads it is a program.
#[derive(Debug)]
pub(super) enum MetadataRefusal {
    Unknown,
    Unavailable,
}

impl IntoResponse for MetadataRefusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "There is no connection of this name.\n"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.\n"),
        };
        let headers =
            [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (status, headers, text).into_response()
    }
}

impl From<StoreError> for MetadataRefusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the table cannot be used");
        Self::Unavailable
    }
}

impl From<SamlKeysError> for MetadataRefusal {
    fn from(error: SamlKeysError) -> Self {
        tracing::error!(error = %error, "the SAML keys cannot be read");
        Self::Unavailable
    }
}

/// What people read at their identity provider.
const DISPLAY_NAME: &str = "Gatehouse";

/// Long, since many providers read our metadata once and by hand; a provider that reads it
/// regularly sees new keys well before.
const VALID_FOR: Duration = Duration::from_hours(365 * 24);
