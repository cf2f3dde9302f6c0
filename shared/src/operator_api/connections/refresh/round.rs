//! `POST /v1/connections/refresh`: a round over all tenants that reads metadata older than twelve
//! hours again, and asks DNS daily about the domains that it has verified.
//!
//! One call does the part of a round that fits into the time of a request, and returns the position
//! at which it stopped. A scheduler sends the same call each time; for it the table keeps the
//! position.

use std::num::NonZeroUsize;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::super::body::Json;
use super::super::super::caller::Operator;
use super::super::super::params::Query;
use super::refresh_connection;
use crate::error_chain::ErrorChain;
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::claims::check_domain;
use crate::sign_in::dns::DnsClient;
use crate::sign_in::domains::is_check_due;
use crate::store::{StoreError, StoredConnection};
use saml::connection::{Connection, Position};
use types::domain::Domain;
use types::ids::TenantId;

#[derive(Debug, Deserialize)]
pub(in crate::operator_api) struct RoundQuery {
    /// `next_cursor` of the previous call.
    cursor: Option<String>,
    /// Whether to continue where the last call with `resume` stopped.
    #[serde(default)]
    resume: bool,
    /// Largest number of connections to read again.
    limit: Option<NonZeroUsize>,
}

/// The result of a call.
#[derive(Debug, Default, Serialize)]
pub(in crate::operator_api) struct RoundView {
    /// Connections whose metadata was read again.
    refreshed: Vec<Domain>,
    /// Connections that keep their metadata, with the reason.
    failed: Vec<FailedView>,
    /// Domains that DNS answered about.
    checked_domains: Vec<Domain>,
    /// Domains that DNS gave no answer about; they keep their state.
    unchecked_domains: Vec<FailedView>,
    /// The `cursor` of the next call; absent at the end of the round.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct FailedView {
    domain: Domain,
    reason: String,
}

/// Does one part of the round.
pub(in crate::operator_api) async fn refresh_all(
    _: Operator,
    State(app): State<AppState>,
    Query(query): Query<RoundQuery>,
    headers: HeaderMap,
) -> Result<Json<RoundView>, OperatorApiError> {
    let RoundQuery { cursor, resume, limit } = query;
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    let from = match (cursor, resume) {
        (Some(_), true) => {
            let text = "give cursor or resume, not both";
            return Err(OperatorApiError::Invalid(text.to_owned()));
        }
        (Some(cursor), false) => {
            let text = "cursor is not one of this list";
            let invalid = |_| OperatorApiError::Invalid(text.to_owned());
            Some(cursor.parse::<Position>().map_err(invalid)?)
        }
        (None, true) => app.store.refresh_position().await?,
        (None, false) => None,
    };
    let mut round = Round {
        app: &app,
        base_url: BaseUrl::of(&app.config, &headers),
        ends_at: Instant::now() + TIME_LIMIT,
        remaining: limit.map_or(usize::MAX, NonZeroUsize::get),
        view: RoundView::default(),
    };
    let stopped_at = round.run(from.clone()).await?;
    let mut view = round.view;
    if resume {
        app.store.move_refresh_position(from.as_ref(), stopped_at.as_ref()).await?;
    }
    view.next_cursor = stopped_at.map(|position| position.to_string());
    tracing::info!(
        refreshed = view.refreshed.len(),
        failed = view.failed.len(),
        is_over = view.next_cursor.is_none(),
        "read metadata again"
    );
    Ok(Json(view))
}

/// The part of the round that one call does.
struct Round<'a> {
    app: &'a AppState,
    base_url: BaseUrl,
    /// No connection is started after this time.
    ends_at: Instant,
    /// Number of connections that may still be read again.
    remaining: usize,
    view: RoundView,
}

impl Round<'_> {
    /// Refreshes the due connections of all tenants. Returns the position if time or limit ends
    /// first.
    async fn run(&mut self, from: Option<Position>) -> Result<Option<Position>, StoreError> {
        let mut after = from.as_ref().map(|position| position.tenant);
        if let Some(Position { tenant, domain: Some(domain) }) = from {
            let mut rest = self.due_connections(tenant).await?;
            rest.retain(|stored| stored.connection.domain > domain);
            if let Some(position) = self.refresh(rest, tenant).await {
                return Ok(Some(position));
            }
        }
        loop {
            let tenants = self.app.store.tenants(after, TENANTS_PER_PAGE).await?;
            let Some(last) = tenants.last().map(|tenant| tenant.id) else { return Ok(None) };
            let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id).collect();
            self.check_domains(&ids).await?;
            let due = stream::iter(ids).map(|tenant| self.due_connections(tenant));
            let due: Vec<_> = due.buffered(CONCURRENCY).try_collect().await?;
            let due = due.into_iter().flatten().collect();
            if let Some(position) = self.refresh(due, last).await {
                return Ok(Some(position));
            }
            after = Some(last);
        }
    }

    /// Asks DNS about the domains of these tenants that are due (rules 1 and 2 of
    /// `docs/authority.md`). What the time does not suffice for is due at the next round too.
    async fn check_domains(&mut self, tenants: &[TenantId]) -> Result<(), StoreError> {
        let now = self.app.clock.now();
        let store = &self.app.store;
        let claims = stream::iter(tenants.to_vec()).map(|tenant| async move {
            let claims = store.claims(tenant).await?;
            let due = claims.into_iter().filter(|stored| is_check_due(&stored.claim, now));
            Ok::<_, StoreError>(due.map(|stored| (tenant, stored.claim.domain)).collect())
        });
        let due: Vec<Vec<(TenantId, Domain)>> = claims.buffered(CONCURRENCY).try_collect().await?;
        let due: Vec<(TenantId, Domain)> = due.into_iter().flatten().collect();
        if due.is_empty() {
            return Ok(());
        }
        let dns = match DnsClient::new(self.app.config.dns) {
            Ok(dns) => dns,
            Err(error) => {
                tracing::error!(reason = %ErrorChain(&error), "could not check domains");
                return Ok(());
            }
        };
        let (app, dns, ends_at) = (self.app, &dns, self.ends_at);
        let checks = stream::iter(due)
            .take_while(|_| std::future::ready(Instant::now() < ends_at))
            .map(|(tenant, domain)| async move {
                let checked = check_domain(app, dns, tenant, &domain, SCHEDULE, now).await;
                (domain, checked)
            });
        let checks: Vec<_> = checks.buffered(CONCURRENCY).collect().await;
        for (domain, checked) in checks {
            match checked {
                Ok(_) => self.view.checked_domains.push(domain),
                Err(error) => {
                    let reason = ErrorChain(&error).to_string();
                    tracing::warn!(%domain, reason, "could not check a domain");
                    self.view.unchecked_domains.push(FailedView { domain, reason });
                }
            }
        }
        Ok(())
    }

    /// Returns the connections of the tenant that are due, ordered by domain.
    async fn due_connections(&self, tenant: TenantId) -> Result<Vec<StoredConnection>, StoreError> {
        let now = self.app.clock.now();
        let mut connections = self.app.store.connections(tenant).await?;
        for StoredConnection { connection, .. } in &connections {
            warn_of_expiry(connection, now);
        }
        connections.retain(|stored| is_due(&stored.connection, now));
        Ok(connections)
    }

    /// Refreshes these connections; `last` is the last tenant among them and those without a due
    /// connection. Returns the position if time or limit ends.
    async fn refresh(&mut self, due: Vec<StoredConnection>, last: TenantId) -> Option<Position> {
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            let batch: Vec<StoredConnection> =
                due.by_ref().take(CONCURRENCY.min(self.remaining)).collect();
            self.remaining = self.remaining.saturating_sub(batch.len());
            let position = batch.last().map(|StoredConnection { connection, .. }| Position {
                tenant: connection.tenant,
                domain: Some(connection.domain.clone()),
            });
            let refreshes =
                batch.into_iter().map(|stored| refresh(self.app, &self.base_url, stored));
            for result in join_all(refreshes).await {
                match result {
                    Ok(domain) => self.view.refreshed.push(domain),
                    Err(failed) => self.view.failed.push(failed),
                }
            }
            if self.is_over() && due.peek().is_some() {
                return position;
            }
        }
        self.is_over().then_some(Position { tenant: last, domain: None })
    }

    fn is_over(&self) -> bool {
        self.remaining == 0 || Instant::now() >= self.ends_at
    }
}

async fn refresh(
    app: &AppState,
    base_url: &BaseUrl,
    stored: StoredConnection,
) -> Result<Domain, FailedView> {
    let Connection { tenant, domain, .. } = stored.connection.clone();
    match refresh_connection(app, base_url, stored).await {
        Ok(_) => Ok(domain),
        Err(error) => {
            let reason = error.into_problem().detail;
            tracing::warn!(tenant.id = %tenant, %domain, reason, "could not refresh metadata");
            Err(FailedView { domain, reason })
        }
    }
}

fn is_due(connection: &Connection, now: Timestamp) -> bool {
    connection.trust.as_ref().is_some_and(|trust| {
        trust.metadata_url.is_some() && now.duration_since(trust.read_at) >= AGE
    })
}

/// Logs a warning if the last certificate of an identity provider expires within [`NOTICE`].
///
/// Expiry does not affect verification. But an identity provider replaces an expiring certificate,
/// and the new one must be in the metadata by then.
fn warn_of_expiry(connection: &Connection, now: Timestamp) {
    for provider in connection.trust.iter().flat_map(|trust| &trust.providers) {
        let last = provider.certificates().filter_map(|certificate| certificate.not_after).max();
        if last.is_some_and(|last| last > now && last.duration_since(now) < NOTICE) {
            tracing::warn!(
                code = "certificate.expiring",
                tenant.id = %connection.tenant,
                domain = %connection.domain,
                "the last certificate of an identity provider expires soon"
            );
        }
    }
}

/// Age at which metadata is due: twice within the day that identity providers allow for a change.
const AGE: SignedDuration = SignedDuration::from_hours(12);

/// A connection that is started within this time is complete before API Gateway ends the request at
/// 29 s: fetching takes at most five seconds, and the table needs some more.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Number of concurrent fetches. Bounded by the memory of the function: a document has up to a
/// megabyte.
const CONCURRENCY: usize = 8;

/// The actor of activities that the round causes.
const SCHEDULE: &str = "schedule";

const TENANTS_PER_PAGE: usize = 100;

/// Time for an admin to react: a month.
const NOTICE: SignedDuration = SignedDuration::from_hours(30 * 24);
