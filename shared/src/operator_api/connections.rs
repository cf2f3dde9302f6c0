//! `/v1/tenants/{tenant}/connections`: whom a tenant trusts to sign its people in.

mod explain;
mod refresh;
mod source;
mod test;
mod view;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) use self::explain::explain;
pub(super) use self::refresh::{refresh, refresh_all};
use self::source::Source;
pub(super) use self::test::test;
use self::view::ConnectionView;
use super::body::{Items, Json, Word};
use super::caller::Operator;
use super::params::{Path, Query};
use super::tenants::{PageQuery, existing};
use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::secrets::saml_keys::SamlKeysError;
use crate::store::StoredConnection;
use saml::authn_context::AuthnContextClass;
use saml::connection::{Connection, MAX_AUTHN_CONTEXTS, RequestBinding, Settings, Trust};
use saml::response::SignedPart;
use saml::time::ClockSkew;
use types::domain::Domain;
use types::ids::TenantId;

/// What a connection is to be. Settings that are left out are as in a new one; metadata that is
/// left out stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewConnection {
    /// The provider's metadata itself.
    idp_metadata_xml: Option<String>,
    /// Where it is; read now, and again at every refresh.
    idp_metadata_url: Option<String>,
    /// The public key or certificate, in PEM, that must have signed the metadata.
    metadata_key_pem: Option<String>,
    enabled: Option<bool>,
    jit: Option<bool>,
    allow_idp_initiated: Option<bool>,
    sign_requests: Option<bool>,
    request_binding: Option<Word<RequestBinding>>,
    clock_skew_seconds: Option<u16>,
    require_signed: Option<Word<SignedPart>>,
    authn_contexts: Option<Vec<AuthnContextClass>>,
    require_email: Option<bool>,
    keep_claims: Option<bool>,
}

impl NewConnection {
    /// `unknown` is what a newer version has set.
    fn settings(&self, unknown: Map<String, Value>) -> Result<Settings, Problem> {
        let new = Settings::default();
        let skew = self.clock_skew_seconds.unwrap_or(new.clock_skew_seconds);
        if ClockSkew::from_seconds(skew).is_none() {
            let text = "clock_skew_seconds must be 60 to 300";
            return Err(Problem::Invalid(text.to_owned()));
        }
        let authn_contexts = self.authn_contexts.clone().unwrap_or(new.authn_contexts);
        if authn_contexts.len() > MAX_AUTHN_CONTEXTS {
            let text = format!("authn_contexts must have at most {MAX_AUTHN_CONTEXTS} items");
            return Err(Problem::Invalid(text));
        }
        Ok(Settings {
            enabled: self.enabled.unwrap_or(new.enabled),
            jit: self.jit.unwrap_or(new.jit),
            allow_idp_initiated: self.allow_idp_initiated.unwrap_or(new.allow_idp_initiated),
            sign_requests: self.sign_requests.unwrap_or(new.sign_requests),
            request_binding: self
                .request_binding
                .map_or(new.request_binding, |Word(binding)| binding),
            clock_skew_seconds: skew,
            require_signed: self.require_signed.map_or(new.require_signed, |Word(part)| part),
            authn_contexts,
            require_email: self.require_email.unwrap_or(new.require_email),
            keep_claims: self.keep_claims.unwrap_or(new.keep_claims),
            unknown,
        })
    }

    /// The trust that the body states; none when it states none.
    async fn trust(&self, source: &Source<'_>) -> Result<Option<Trust>, Problem> {
        let pinned = self.metadata_key_pem.clone();
        let read = match (&self.idp_metadata_xml, &self.idp_metadata_url) {
            // Nobody may take it for checked.
            (None, None) if pinned.is_some() => {
                let text = "metadata_key_pem goes with the metadata that it has signed";
                return Err(Problem::Invalid(text.to_owned()));
            }
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let text = "give idp_metadata_xml or idp_metadata_url, not both";
                return Err(Problem::Invalid(text.to_owned()));
            }
            (Some(xml), None) => source.read(xml.as_bytes(), None, pinned)?,
            (None, Some(url)) => source.fetch(url.clone(), pinned).await?,
        };
        Ok(Some(read))
    }
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Json<Items<ConnectionView>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let connections = app.store.connections(tenant.id).await?;
    let Items { items, next_cursor } =
        page.of(connections, |stored| stored.connection.domain.as_str());
    let view = |stored: StoredConnection| ConnectionView::new(&base_url, stored.connection);
    Ok(Json(Items { items: items.into_iter().map(view).collect(), next_cursor }))
}

pub(super) async fn read(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<ConnectionView>, Problem> {
    let stored = stored(&app, &tenant, &domain).await?;
    Ok(Json(ConnectionView::new(&BaseUrl::of(&app.config, &headers), stored.connection)))
}

pub(super) async fn put(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<NewConnection>,
) -> Result<Json<ConnectionView>, Problem> {
    let tenant = existing(&app, &tenant).await?.id;
    let domain: Domain =
        domain.parse().map_err(|error| Problem::Invalid(format!("{domain:?}: {error}")))?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let before = app.store.connection(tenant, &domain).await?;
    let known = before.as_ref().map(|stored| &stored.connection);
    let unknown = known.map(|known| (known.unknown.clone(), known.settings.unknown.clone()));
    let (unknown, unknown_settings) = unknown.unwrap_or_default();
    let settings = body.settings(unknown_settings)?;
    let trust = body.trust(&Source { app: &app, base_url: &base_url, domain: &domain }).await?;
    let now = app.clock.now();
    // Our metadata holds them, and it is read as soon as there is a connection.
    app.saml_keys.ensure(now).await?;
    let connection = Connection {
        tenant,
        settings,
        trust: trust.or_else(|| known.and_then(|connection| connection.trust.clone())),
        created_at: known.map_or(now, |connection| connection.created_at),
        changed_at: now,
        domain,
        unknown,
    };
    let version = before.map(|stored| stored.version);
    app.store.put_connection(tenant, version, &connection).await?;
    note(&app, &connection, "connection.set").await?;
    Ok(Json(ConnectionView::new(&base_url, connection)))
}

pub(super) async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let stored = stored(&app, &tenant, &domain).await?;
    let connection = stored.connection;
    if !app.store.delete_connection(connection.tenant, &connection.domain).await? {
        return Err(Problem::NotFound("connection"));
    }
    note(&app, &connection, "connection.deleted").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The connection that a path names, or the 404 that a path naming nothing gets.
async fn stored(app: &AppState, tenant: &str, domain: &str) -> Result<StoredConnection, Problem> {
    let gone = || Problem::NotFound("connection");
    let tenant: TenantId = existing(app, tenant).await?.id;
    let domain: Domain = domain.parse().map_err(|_| gone())?;
    app.store.connection(tenant, &domain).await?.ok_or_else(gone)
}

async fn note(app: &AppState, connection: &Connection, action: &str) -> Result<(), Problem> {
    let providers = connection.trust.iter().flat_map(|trust| &trust.providers);
    let entities: Vec<&str> =
        providers.take(MOST_NOTED).map(|provider| provider.entity_id.as_str()).collect();
    let detail = json!({"domain": connection.domain, "entity_ids": entities});
    let (tenant, now) = (connection.tenant, app.clock.now());
    Ok(app.store.record_activity(tenant, now, "operator", action, detail).await?)
}

impl From<SamlKeysError> for Problem {
    fn from(error: SamlKeysError) -> Self {
        match error {
            SamlKeysError::TooEarly(_) => Self::Conflict(error.to_string()),
            SamlKeysError::Missing => Self::NotFound("SAML keys"),
            SamlKeysError::Corrupt(_) | SamlKeysError::Generate | SamlKeysError::Secrets(_) => {
                tracing::error!(error = %error, "the SAML keys cannot be used");
                Self::Unavailable
            }
        }
    }
}

/// Entity ids that an activity entry names.
const MOST_NOTED: usize = 5;
