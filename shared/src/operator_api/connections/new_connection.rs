//! The body of `PUT …/connections/{domain}`: settings, and the metadata of the identity provider.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::metadata_source::MetadataSource;
use crate::operator_api::body::VariantName;
use crate::operator_api::error::OperatorApiError;
use crate::operator_api::fields::PatchField;
use crate::store::Store;
use saml::authn_context::AuthnContextClass;
use saml::connection::{
    Connection, MAX_ATTRIBUTE_NAME, MAX_AUTHN_CONTEXTS, RequestBinding, Settings, Trust,
};
use saml::response::SignedPart;
use saml::time::ClockSkew;
use types::domain::Domain;

/// The body of the PUT. An absent setting gets the value of a new connection; absent metadata stays
/// as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::operator_api) struct NewConnection {
    /// Metadata of the identity provider.
    idp_metadata_xml: Option<String>,
    /// URL of the metadata, read now and at every refresh.
    idp_metadata_url: Option<String>,
    /// Public key or certificate, in PEM, that must have signed the metadata. Absent, the known one
    /// stays; null drops it.
    #[serde(default)]
    metadata_key_pem: PatchField<String>,
    /// Domains that the connection may speak for; absent, the one that it is named after.
    domains: Option<Vec<Domain>>,
    /// Domains of members of a federation, by entity id.
    #[serde(default)]
    pub(super) member_domains: BTreeMap<String, Vec<Domain>>,
    enabled: Option<bool>,
    jit: Option<bool>,
    allow_idp_initiated: Option<bool>,
    sign_requests: Option<bool>,
    request_binding: Option<VariantName<RequestBinding>>,
    clock_skew_seconds: Option<u16>,
    require_signed: Option<VariantName<SignedPart>>,
    authn_contexts: Option<Vec<AuthnContextClass>>,
    forward_acr_values: Option<bool>,
    require_email: Option<bool>,
    group_attribute: Option<String>,
    keep_claims: Option<bool>,
    /// Client id of the app that a sign-in opens which no app began.
    default_app: Option<String>,
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
            forward_acr_values: self.forward_acr_values.unwrap_or(new.forward_acr_values),
            require_email: self.require_email.unwrap_or(new.require_email),
            group_attribute: self.group_attribute()?,
            keep_claims: self.keep_claims.unwrap_or(new.keep_claims),
            default_app: self.default_app.clone(),
            unknown,
        })
    }

    /// Returns the name of the attribute with the groups.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if no attribute can have the name.
    fn group_attribute(&self) -> Result<Option<String>, OperatorApiError> {
        let Some(name) = &self.group_attribute else { return Ok(None) };
        let is_name =
            name.trim() == name && (1..=MAX_ATTRIBUTE_NAME).contains(&name.chars().count());
        if is_name {
            return Ok(Some(name.clone()));
        }
        let text = format!(
            "group_attribute must have 1 to {MAX_ATTRIBUTE_NAME} characters, without white space \
             around them"
        );
        Err(OperatorApiError::Invalid(text))
    }

    /// Checks that the app of `default_app` exists and can be opened. The one that the connection
    /// `known` has may be gone: it has no effect, and does not stand in the way of other settings.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if it cannot be opened.
    pub(super) async fn check_default_app(
        &self,
        store: &Store,
        known: Option<&Connection>,
    ) -> Result<(), OperatorApiError> {
        let Some(id) = &self.default_app else { return Ok(()) };
        if known.is_some_and(|known| known.settings.default_app.as_ref() == Some(id)) {
            return Ok(());
        }
        let client = match id.parse() {
            Ok(id) => store.client(&id).await?,
            Err(_) => None,
        };
        let problem = match client {
            Some(client) if client.initiate_login_uri.is_some() => return Ok(()),
            Some(_) => "default_app has no initiate_login_uri, at which it could be opened",
            None => "default_app is the client_id of no app",
        };
        Err(OperatorApiError::Invalid(problem.to_owned()))
    }

    /// Reads the metadata that the body contains or names; `None` if it does neither.
    /// `known_key_pem` is the key that signed the metadata so far.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if the metadata cannot be read, or if the fields contradict
    /// each other.
    pub(super) async fn trust(
        &self,
        source: &MetadataSource<'_>,
        known_key_pem: Option<String>,
    ) -> Result<Option<Trust>, OperatorApiError> {
        let pinned = self.pinned_key_pem(known_key_pem);
        let read = match (&self.idp_metadata_xml, &self.idp_metadata_url) {
            // Ignoring the key would suggest that the stored metadata is signed.
            (None, None) if matches!(self.metadata_key_pem, PatchField::Set(_)) => {
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

    fn pinned_key_pem(&self, known: Option<String>) -> Option<String> {
        match &self.metadata_key_pem {
            PatchField::Keep => known,
            PatchField::Clear => None,
            PatchField::Set(pem) => Some(pem.clone()),
        }
    }

    /// Returns the listed domains, each once; `None` if the body lists none.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if the connection or a member lists too many.
    pub(super) fn domains(&self) -> Result<Option<Vec<Domain>>, OperatorApiError> {
        let members = &self.member_domains;
        let is_long = |domains: &Vec<Domain>| domains.len() > MAX_DOMAINS;
        let too_many = members.len() > MAX_MEMBERS
            || members.values().any(is_long)
            || self.domains.as_ref().is_some_and(is_long);
        if too_many {
            let text = format!(
                "domains and each list of member_domains must have at most {MAX_DOMAINS} items, \
                 and member_domains at most {MAX_MEMBERS} members"
            );
            return Err(OperatorApiError::Invalid(text));
        }
        let unique = |domains: &Vec<Domain>| domains.iter().cloned().collect::<BTreeSet<_>>();
        Ok(self.domains.as_ref().map(|domains| unique(domains).into_iter().collect()))
    }
}

/// Domains that a connection, or a member of a federation, can list.
const MAX_DOMAINS: usize = 100;

/// Members of a federation that can have domains here.
const MAX_MEMBERS: usize = 1_000;
