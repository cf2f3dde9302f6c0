//! `GET /saml/metadata/{domain}`: our metadata, for an identity provider.
//!
//! Invariant: the document of a name that nobody has equals that of a connection that is not set up
//! or is disabled (rule 21). An administrator needs our metadata first, so every name has one: it
//! is a function of the name and of our keys. Only a connection that people can sign in at, which
//! `/saml/sso/{domain}` shows anyway, says more: that its requests are signed.

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
use saml::connection::Connection;
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

/// Shows the metadata. Public: everybody is told the same.
pub(super) async fn show(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<MetadataQuery>,
    headers: HeaderMap,
) -> Result<Response, MetadataError> {
    let now = app.clock.now();
    let name: Domain = name.parse().map_err(|_| MetadataError::Unknown)?;
    let (stored, keys) = tokio::join!(app.store.connection_named(&name), app.saml_keys.load(now));
    let connection = stored?.map(|stored| stored.connection);
    if let Some(connection) = &connection {
        note_tenant(connection.tenant);
    }
    let ready = connection.filter(|connection| connection.active_trust().is_ok());
    let keys = match keys {
        // The first connection creates the keys.
        Err(SamlKeysError::Missing) if ready.is_none() => return Err(MetadataError::Unknown),
        keys => keys?,
    };
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
        requests_signed: ready.is_some_and(|ready| signs_requests(&ready)),
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

/// Whether requests are signed, because the operator or the identity provider asks for it.
fn signs_requests(connection: &Connection) -> bool {
    let mut providers = connection.trust.iter().flat_map(|trust| &trust.providers);
    connection.settings.sign_requests || providers.any(|provider| provider.wants_signed_requests)
}

/// Why there is no metadata. Programs read it, so the response is plain text.
#[derive(Debug, thiserror::Error)]
pub(super) enum MetadataError {
    /// No connection can have this name, or none was ever created, so that there are no keys.
    #[error("there is no metadata of this name")]
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
            Self::Unknown => (StatusCode::NOT_FOUND, "There is no metadata of this name.\n"),
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
