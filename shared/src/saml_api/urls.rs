//! Our names and addresses for one connection; what an identity provider is told.

use serde::Serialize;

use crate::http::base_url::BaseUrl;
use types::domain::Domain;

/// The service provider, as one connection knows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SpUrls {
    /// Our entity id; also the URL of our metadata.
    pub entity_id: String,
    /// The assertion consumer service, index 0.
    pub acs_url: String,
    /// The one for federations, index 1.
    pub federated_acs_url: String,
    /// Our metadata.
    pub metadata_url: String,
    /// Where a sign-in begins.
    pub sso_url: String,
}

impl SpUrls {
    /// Of the connection with this name.
    pub fn new(base_url: &BaseUrl, domain: &Domain) -> Self {
        let metadata_url = base_url.join(&format!("/saml/metadata/{domain}"));
        let sso_url = base_url.join(&format!("/saml/sso/{domain}"));
        Self {
            entity_id: metadata_url.clone(),
            acs_url: sso_url.clone(),
            federated_acs_url: format!("{sso_url}/federated"),
            metadata_url,
            sso_url,
        }
    }
}
