//! The body of `PUT …/connections/{domain}`: settings, and the metadata of the identity provider.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::metadata_source::MetadataSource;
use crate::operator_api::body::VariantName;
use crate::operator_api::error::OperatorApiError;
use saml::authn_context::AuthnContextClass;
use saml::connection::{MAX_AUTHN_CONTEXTS, RequestBinding, Settings, Trust};
use saml::response::SignedPart;
use saml::time::ClockSkew;

/// The body of the PUT. An absent setting gets the value of a new connection; absent metadata stays
/// as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::operator_api) struct NewConnection {
    /// Metadata of the identity provider.
    idp_metadata_xml: Option<String>,
    /// URL of the metadata, read now and at every refresh.
    idp_metadata_url: Option<String>,
    /// Public key or certificate, in PEM, that must have signed the metadata.
    metadata_key_pem: Option<String>,
    enabled: Option<bool>,
    jit: Option<bool>,
    allow_idp_initiated: Option<bool>,
    sign_requests: Option<bool>,
    request_binding: Option<VariantName<RequestBinding>>,
    clock_skew_seconds: Option<u16>,
    require_signed: Option<VariantName<SignedPart>>,
    authn_contexts: Option<Vec<AuthnContextClass>>,
    require_email: Option<bool>,
    keep_claims: Option<bool>,
}

impl NewConnection {
    /// Returns the settings. `unknown` holds those of a newer version.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if a setting is out of its range.
    pub(super) fn settings(
        &self,
        unknown: Map<String, Value>,
    ) -> Result<Settings, OperatorApiError> {
        let new = Settings::default();
        let skew = self.clock_skew_seconds.unwrap_or(new.clock_skew_seconds);
        if ClockSkew::from_seconds(skew).is_none() {
            let text = "clock_skew_seconds must be 60 to 300";
            return Err(OperatorApiError::Invalid(text.to_owned()));
        }
        let authn_contexts = self.authn_contexts.clone().unwrap_or(new.authn_contexts);
        if authn_contexts.len() > MAX_AUTHN_CONTEXTS {
            let text = format!("authn_contexts must have at most {MAX_AUTHN_CONTEXTS} items");
            return Err(OperatorApiError::Invalid(text));
        }
        Ok(Settings {
            enabled: self.enabled.unwrap_or(new.enabled),
            jit: self.jit.unwrap_or(new.jit),
            allow_idp_initiated: self.allow_idp_initiated.unwrap_or(new.allow_idp_initiated),
            sign_requests: self.sign_requests.unwrap_or(new.sign_requests),
            request_binding: self
                .request_binding
                .map_or(new.request_binding, |VariantName(binding)| binding),
            clock_skew_seconds: skew,
            require_signed: self
                .require_signed
                .map_or(new.require_signed, |VariantName(part)| part),
            authn_contexts,
            require_email: self.require_email.unwrap_or(new.require_email),
            keep_claims: self.keep_claims.unwrap_or(new.keep_claims),
            unknown,
        })
    }

    /// Reads the metadata that the body contains or names; `None` if it does neither.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if the metadata cannot be read, or if the fields contradict
    /// each other.
    pub(super) async fn trust(
        &self,
        source: &MetadataSource<'_>,
    ) -> Result<Option<Trust>, OperatorApiError> {
        let pinned = self.metadata_key_pem.clone();
        let read = match (&self.idp_metadata_xml, &self.idp_metadata_url) {
            // Ignoring the key would suggest that the stored metadata is signed.
            (None, None) if pinned.is_some() => {
                let text = "metadata_key_pem requires the metadata that it has signed";
                return Err(OperatorApiError::Invalid(text.to_owned()));
            }
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let text = "give idp_metadata_xml or idp_metadata_url, not both";
                return Err(OperatorApiError::Invalid(text.to_owned()));
            }
            (Some(xml), None) => source.read(xml.as_bytes(), None, pinned)?,
            (None, Some(url)) => source.fetch(url.clone(), pinned).await?,
        };
        Ok(Some(read))
    }
}
