//! Where metadata comes from: the body of a request, or a URL.

use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::sign_in::SpUrls;
use crate::sign_in::metadata_fetch::{Reach, fetch};
use saml::connection::Trust;
use saml::crypto::VerifyingKey;
use saml::metadata::{ReadOptions, read_idp_metadata};
use types::domain::Domain;

/// What reading the metadata of one connection depends on.
pub(super) struct Source<'a> {
    pub(super) app: &'a AppState,
    pub(super) base_url: &'a BaseUrl,
    pub(super) domain: &'a Domain,
}

impl Source<'_> {
    /// Reads what is at a URL.
    pub(super) async fn fetch(
        &self,
        url: String,
        pinned_key_pem: Option<String>,
    ) -> Result<Trust, Problem> {
        let local = self.base_url.is_loopback_http();
        let reach = if local { Reach::Loopback } else { Reach::Internet };
        let bytes = fetch(&url, reach)
            .await
            .map_err(|fault| Problem::Invalid(format!("the metadata cannot be read: {fault}")))?;
        self.read(&bytes, Some(url), pinned_key_pem)
    }

    /// Reads a document.
    pub(super) fn read(
        &self,
        bytes: &[u8],
        url: Option<String>,
        pinned_key_pem: Option<String>,
    ) -> Result<Trust, Problem> {
        let now = self.app.clock.now();
        let pinned_key = pinned_key_pem.as_deref().map(pinned_key).transpose()?;
        let options = ReadOptions {
            our_entity_id: &SpUrls::new(self.base_url, self.domain).entity_id,
            pinned_key: pinned_key.as_ref(),
            allow_loopback_http: self.base_url.is_loopback_http(),
            now,
        };
        let metadata = read_idp_metadata(bytes, &options)
            .map_err(|fault| Problem::Invalid(format!("the metadata cannot be used: {fault}")))?;
        Ok(Trust::new(metadata, url, pinned_key_pem, now))
    }
}

/// A public key, or the one in a certificate.
fn pinned_key(pem: &str) -> Result<VerifyingKey, Problem> {
    VerifyingKey::from_pem(pem.as_bytes())
        .map_err(|fault| Problem::Invalid(format!("metadata_key_pem cannot be used: {fault}")))
}
