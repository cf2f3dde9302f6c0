//! Our URLs for one connection: the values that an administrator copies to the identity provider.

use serde::Serialize;

use crate::http::base_url::BaseUrl;
use types::domain::Domain;

/// The URLs of the service provider for one connection.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SpUrls {
    /// Our entity id, which is also the URL of our metadata.
    pub entity_id: String,
    /// The assertion consumer service with index 0.
    pub acs_url: String,
    /// The assertion consumer service with index 1, for federations.
    pub federated_acs_url: String,
    /// The URL of our metadata.
    pub metadata_url: String,
    /// The URL at which a person starts a sign-in.
    pub sso_url: String,
}

impl SpUrls {
    /// Returns the URLs for the connection named `name`.
    pub fn new(base_url: &BaseUrl, name: &Domain) -> Self {
        let metadata_url = base_url.join(&format!("/saml/metadata/{name}"));
        let sso_url = base_url.join(&format!("/saml/sso/{name}"));
        Self {
            entity_id: metadata_url.clone(),
            acs_url: sso_url.clone(),
            federated_acs_url: format!("{sso_url}/federated"),
            metadata_url,
            sso_url,
        }
    }
}
