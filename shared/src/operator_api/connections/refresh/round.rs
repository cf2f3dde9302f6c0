//! A round over the connections of all tenants: what was read over twelve hours ago is read again.
//!
//! One call does as much of it as fits into the time of a request, and says where it stopped. A
//! scheduler, whose every call is the same, has the position kept in the table.

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
use super::again;
use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::{StoreError, StoredConnection};
use saml::connection::{Connection, Position};
use types::domain::Domain;
use types::ids::TenantId;

#[derive(Debug, Deserialize)]
pub(in crate::operator_api) struct RoundQuery {
    /// `next_cursor` of the call before.
    cursor: Option<String>,
    /// Go on where the last call with `resume` stopped.
    #[serde(default)]
    resume: bool,
    /// Read at most this many again.
    limit: Option<NonZeroUsize>,
}

/// What a call came to.
#[derive(Debug, Default, Serialize)]
pub(in crate::operator_api) struct RefreshedView {
    /// Read again.
    refreshed: Vec<Domain>,
    /// Not taken over, and why.
    failed: Vec<FailedView>,
    /// Pass it as `cursor` to go on; absent when the round is over.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct FailedView {
    domain: Domain,
    reason: String,
}

/// `POST /v1/connections/refresh`.
pub(in crate::operator_api) async fn refresh_all(
    _: Operator,
    State(app): State<AppState>,
    Query(query): Query<RoundQuery>,
    headers: HeaderMap,
) -> Result<Json<RefreshedView>, Problem> {
    let RoundQuery { cursor, resume, limit } = query;
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    let from = match (cursor, resume) {
        (Some(_), true) => {
            return Err(Problem::Invalid("give cursor or resume, not both".to_owned()));
        }
        (Some(cursor), false) => {
            let not_ours = |_| Problem::Invalid("cursor is not ours".to_owned());
            Some(cursor.parse::<Position>().map_err(not_ours)?)
        }
        (None, true) => app.store.refresh_position().await?,
        (None, false) => None,
    };
    let mut round = Round {
        app: &app,
        base_url: BaseUrl::of(&app.config, &headers),
        ends: Instant::now() + WORK,
        left: limit.map_or(usize::MAX, NonZeroUsize::get),
        view: RefreshedView::default(),
    };
    let stopped = round.go_on(from.clone()).await?;
    let mut view = round.view;
    if resume {
        app.store.move_refresh_position(from.as_ref(), stopped.as_ref()).await?;
    }
    view.next_cursor = stopped.map(|position| position.to_string());
    tracing::info!(
        refreshed = view.refreshed.len(),
        failed = view.failed.len(),
        is_over = view.next_cursor.is_none(),
        "metadata was read again"
    );
    Ok(Json(view))
}

/// One call's part of the round.
struct Round<'a> {
    app: &'a AppState,
    base_url: BaseUrl,
    /// Nothing is begun afterwards.
    ends: Instant,
    /// How many connections may still be read again.
    left: usize,
    view: RefreshedView,
}

impl Round<'_> {
    /// Looks at connections until there are no more, and gives none, or until time or limit is
    /// used up, and gives the position.
    async fn go_on(&mut self, from: Option<Position>) -> Result<Option<Position>, StoreError> {
        let mut after = from.as_ref().map(|position| position.tenant);
        if let Some(Position { tenant, domain: Some(domain) }) = from {
            let mut rest = self.due(tenant).await?;
            rest.retain(|stored| stored.connection.domain > domain);
            if let Some(stopped) = self.refresh(rest, tenant).await {
                return Ok(Some(stopped));
            }
        }
        loop {
            let tenants = self.app.store.tenants(after, TENANTS_AT_A_TIME).await?;
            let Some(last) = tenants.last().map(|tenant| tenant.id) else { return Ok(None) };
            let due = stream::iter(tenants).map(|tenant| self.due(tenant.id));
            let due: Vec<_> = due.buffered(AT_ONCE).try_collect().await?;
            if let Some(stopped) = self.refresh(due.into_iter().flatten().collect(), last).await {
                return Ok(Some(stopped));
            }
            after = Some(last);
        }
    }

    /// The tenant's connections that are due, by domain.
    async fn due(&self, tenant: TenantId) -> Result<Vec<StoredConnection>, StoreError> {
        let now = self.app.clock.now();
        let mut connections = self.app.store.connections(tenant).await?;
        for StoredConnection { connection, .. } in &connections {
            warn_of_expiry(connection, now);
        }
        connections.retain(|stored| is_due(&stored.connection, now));
        Ok(connections)
    }

    /// Reads these again, up to the last tenant among those looked at. Gives the position if that
    /// was all that fits.
    async fn refresh(&mut self, due: Vec<StoredConnection>, last: TenantId) -> Option<Position> {
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            let now: Vec<StoredConnection> = due.by_ref().take(AT_ONCE.min(self.left)).collect();
            self.left = self.left.saturating_sub(now.len());
            let position = now.last().map(|StoredConnection { connection, .. }| Position {
                tenant: connection.tenant,
                domain: Some(connection.domain.clone()),
            });
            join_all(now.into_iter().map(|stored| read_again(self.app, &self.base_url, stored)))
                .await
                .into_iter()
                .for_each(|outcome| match outcome {
                    Ok(domain) => self.view.refreshed.push(domain),
                    Err(failed) => self.view.failed.push(failed),
                });
            if self.is_over() && due.peek().is_some() {
                return position;
            }
        }
        self.is_over().then_some(Position { tenant: last, domain: None })
    }

    fn is_over(&self) -> bool {
        self.left == 0 || Instant::now() >= self.ends
    }
}

async fn read_again(
    app: &AppState,
    base_url: &BaseUrl,
    stored: StoredConnection,
) -> Result<Domain, FailedView> {
    let Connection { tenant, domain, .. } = stored.connection.clone();
    match again(app, base_url, stored).await {
        Ok(_) => Ok(domain),
        Err(problem) => {
            let reason = problem.to_string();
            tracing::warn!(tenant.id = %tenant, %domain, reason, "metadata was not taken over");
            Err(FailedView { domain, reason })
        }
    }
}

fn is_due(connection: &Connection, now: Timestamp) -> bool {
    connection.trust.as_ref().is_some_and(|trust| {
        trust.metadata_url.is_some() && now.duration_since(trust.read_at) >= AGE
    })
}

/// Dates decide nothing here, but providers go by them: when its last certificate runs out, a
/// provider signs with another, which somebody has to have told us.
fn warn_of_expiry(connection: &Connection, now: Timestamp) {
    for provider in connection.trust.iter().flat_map(|trust| &trust.providers) {
        let last = provider.certificates().filter_map(|certificate| certificate.not_after).max();
        if last.is_some_and(|last| last > now && last.duration_since(now) < NOTICE) {
            tracing::warn!(
                code = "certificate.expiring",
                tenant.id = %connection.tenant,
                domain = %connection.domain,
                "the last certificate of an identity provider is about to expire"
            );
        }
    }
}

/// Twice within the day that identity providers allow for a change.
const AGE: SignedDuration = SignedDuration::from_hours(12);

/// What is begun within this time is over before a function or API Gateway gives up at 29 s: a
/// host gets five seconds, and the table some more.
const WORK: Duration = Duration::from_secs(20);

/// Enough to wait for slow hosts together, and little enough for the memory of the function: a
/// document has up to a megabyte.
const AT_ONCE: usize = 8;

const TENANTS_AT_A_TIME: usize = 100;

/// A month, in which an administrator can be found.
const NOTICE: SignedDuration = SignedDuration::from_hours(30 * 24);
