//! A connection as the API returns it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Map;

use crate::http::base_url::BaseUrl;
use crate::sign_in::SpUrls;
use crate::sign_in::tenant_trust::TenantTrust;
use crate::store::DomainState;
use saml::connection::{Connection, Endpoint, Provider, Settings, Status, Trust};
use saml::crypto::Certificate;
use types::domain::Domain;

/// A connection.
#[derive(Debug, Serialize)]
pub(in crate::operator_api) struct ConnectionView {
    name: Domain,
    /// The same as `name`, for clients of version 0.1.0.
    domain: Domain,
    /// The domains that it lists, each with its state.
    domains: Vec<ListedDomain>,
    /// Domains of members of a federation, by entity id.
    member_domains: BTreeMap<String, Vec<Domain>>,
    status: Status,
    /// The identity provider; null without metadata and for a federation.
    idp: Option<ProviderView>,
    /// The members of a federation; null for a single identity provider.
    federation: Option<Vec<ProviderView>>,
    /// Members that cannot be used, with the reason.
    skipped: Vec<SkippedView>,
    metadata_url: Option<String>,
    metadata_read_at: Option<Timestamp>,
    sp: SpUrls,
    #[serde(flatten)]
    settings: Settings,
    created_at: Timestamp,
    changed_at: Timestamp,
}

/// A domain that a connection lists.
#[derive(Debug, Serialize)]
struct ListedDomain {
    domain: Domain,
    /// Null when the tenant does not claim the domain.
    state: Option<DomainState>,
}

#[derive(Debug, Serialize)]
struct ProviderView {
    entity_id: String,
    /// URL for requests with the binding of the connection.
    sso_url: Option<String>,
    endpoints: Vec<Endpoint>,
    certificates: Vec<CertificateView>,
    wants_signed_requests: bool,
    valid_until: Option<Timestamp>,
    warnings: Vec<String>,
    /// The domains that its metadata says it speaks for.
    scopes: Vec<Domain>,
}

#[derive(Debug, Serialize)]
struct CertificateView {
    /// SHA-256, in the format of the pages of identity providers.
    fingerprint: String,
    subject: String,
    key: String,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct SkippedView {
    entity_id: String,
    reason: String,
}

impl ConnectionView {
    pub(super) fn new(base_url: &BaseUrl, connection: Connection, trust: &TenantTrust) -> Self {
        let domains = trust.listed(&connection);
        let status = connection.status();
        let Connection {
            domains: _,
            member_domains,
            domain,
            mut settings,
            trust,
            created_at,
            changed_at,
            tenant: _,
            unknown: _,
        } = connection;
        // Settings of a newer version are not shown.
        settings.unknown = Map::new();
        let view = |provider: &Provider| ProviderView::new(provider, &settings);
        let trust = trust.as_ref();
        let single = trust.filter(|trust| !trust.federation);
        let members = trust.filter(|trust| trust.federation);
        Self {
            sp: SpUrls::new(base_url, &domain),
            status,
            idp: single.and_then(|trust| trust.providers.first()).map(view),
            federation: members.map(|trust| trust.providers.iter().map(view).collect()),
            skipped: trust.map(skipped).unwrap_or_default(),
            metadata_url: trust.and_then(|trust| trust.metadata_url.clone()),
            metadata_read_at: trust.map(|trust| trust.read_at),
            name: domain.clone(),
            domain,
            domains: domains
                .into_iter()
                .map(|(domain, state)| ListedDomain { domain, state })
                .collect(),
            member_domains,
            created_at,
            changed_at,
            settings,
        }
    }
}

impl ProviderView {
    fn new(provider: &Provider, settings: &Settings) -> Self {
        let endpoint = provider.endpoint(settings.request_binding);
        Self {
            entity_id: provider.entity_id.clone(),
            sso_url: endpoint.map(|endpoint| endpoint.url.clone()),
            endpoints: provider.endpoints.clone(),
            certificates: provider.certificates().map(CertificateView::from).collect(),
            wants_signed_requests: provider.wants_signed_requests,
            valid_until: provider.valid_until,
            warnings: provider.warnings.clone(),
            scopes: provider.scopes.clone(),
        }
    }
}

impl From<Certificate> for CertificateView {
    fn from(certificate: Certificate) -> Self {
        Self {
            fingerprint: certificate.key.fingerprint().to_owned(),
            key: certificate.key.description(),
            subject: certificate.subject,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        }
    }
}

fn skipped(trust: &Trust) -> Vec<SkippedView> {
    let skipped = trust.skipped.iter().cloned();
    skipped.map(|(entity_id, reason)| SkippedView { entity_id, reason }).collect()
}
