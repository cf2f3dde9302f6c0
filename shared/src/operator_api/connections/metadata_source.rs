//! Reads the metadata of an identity provider from the body of a request or from a URL.

use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::SpUrls;
use crate::sign_in::metadata_fetch::{Reach, fetch};
use saml::connection::Trust;
use saml::crypto::VerifyingKey;
use saml::metadata::{ReadOptions, read_idp_metadata};
use types::domain::Domain;

/// The context in which the metadata of one connection is read.
pub(super) struct MetadataSource<'a> {
    pub(super) app: &'a AppState,
    pub(super) base_url: &'a BaseUrl,
    pub(super) domain: &'a Domain,
}

impl MetadataSource<'_> {
    /// Fetches metadata from a URL and reads it.
    pub(super) async fn fetch(
        &self,
        url: String,
        pinned_key_pem: Option<String>,
    ) -> Result<Trust, OperatorApiError> {
        let local = self.base_url.is_loopback_http();
        let reach = if local { Reach::Loopback } else { Reach::Internet };
        let bytes = fetch(&url, reach).await.map_err(|error| {
            OperatorApiError::Invalid(format!("the metadata cannot be read: {error}"))
        })?;
        self.read(&bytes, Some(url), pinned_key_pem)
    }

    /// Reads a metadata document.
    pub(super) fn read(
        &self,
        bytes: &[u8],
        url: Option<String>,
        pinned_key_pem: Option<String>,
    ) -> Result<Trust, OperatorApiError> {
        let now = self.app.clock.now();
        let pinned_key = pinned_key_pem.as_deref().map(pinned_key).transpose()?;
        let options = ReadOptions {
            our_entity_id: &SpUrls::new(self.base_url, self.domain).entity_id,
            pinned_key: pinned_key.as_ref(),
            allow_loopback_http: self.base_url.is_loopback_http(),
            now,
        };
        let metadata = read_idp_metadata(bytes, &options).map_err(|error| {
            OperatorApiError::Invalid(format!("the metadata cannot be used: {error}"))
        })?;
        Ok(Trust::new(metadata, url, pinned_key_pem, now))
    }
}

/// Reads a public key or the public key of a certificate.
fn pinned_key(pem: &str) -> Result<VerifyingKey, OperatorApiError> {
    VerifyingKey::from_pem(pem.as_bytes()).map_err(|error| {
        OperatorApiError::Invalid(format!("metadata_key_pem cannot be used: {error}"))
    })
}
