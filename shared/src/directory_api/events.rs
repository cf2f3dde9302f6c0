//! `/directory/v1/events`: the feed of events.

use std::collections::{BTreeSet, HashMap};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::caller::Caller;
use super::error::DirectoryApiError;
use super::params::{FilterValue, Limit, Query};
use super::tenants::find_tenant;
use crate::event_view::{self, render};
use crate::http::answer_size::{MAX_PAGE, length_in_response};
use crate::http::json::Json;
use crate::runtime::state::AppState;
use crate::store::{FeedHead, FeedPage, PublishedEvent, Tenant};
use directory::cursor::Cursor;
use directory::event::EventType;
use types::ids::TenantId;

/// Query parameters of the feed.
#[derive(Debug, Deserialize)]
pub(super) struct EventsQuery {
    /// `next` of an earlier answer, or `now`; without it, the oldest event that is kept.
    after: Option<FilterValue>,
    /// Id of a tenant, or `ext:` and its external id.
    tenant: Option<FilterValue>,
    /// Names of types, separated by commas.
    types: Option<FilterValue>,
    limit: Option<Limit<1_000>>,
}

/// A part of the feed.
#[derive(Debug, Serialize)]
pub(super) struct EventPage {
    items: Vec<Box<RawValue>>,
    /// The cursor for the next call. It moves past events that the request does not select.
    next: String,
}

pub(super) async fn list(
    _: Caller,
    State(app): State<AppState>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<EventPage>, DirectoryApiError> {
    let EventsQuery { after, tenant, types, limit } = query;
    let selection = Selection::new(&app, tenant, types).await?;
    let limit = Limit::or(limit, DEFAULT_LIMIT);
    let now = app.clock.now();
    let head = app.store.feed_head().await?;
    let after = match after.as_ref().map(|FilterValue(after)| after.as_str()) {
        None => app.store.oldest_position(head, now).await?,
        Some("now") => head.position,
        Some(cursor) => position(head, cursor)?,
    };
    let FeedPage::Events(events) = app.store.events_after(head, after, limit, now).await? else {
        return Err(DirectoryApiError::Expired);
    };
    Ok(Json(page(&app, head, after, &events, &selection).await?))
}

/// Returns the position that a cursor of this feed holds.
fn position(head: FeedHead, cursor: &str) -> Result<u64, DirectoryApiError> {
    let cursor = Cursor::decode(cursor);
    let cursor = cursor.map_err(|error| DirectoryApiError::Invalid(format!("after is {error}")))?;
    event_view::position(head, cursor).ok_or_else(|| {
        let other = "after is a cursor of another feed, of another deployment or of a table that \
                     was restored since; read the directory anew, and go on with after=now";
        DirectoryApiError::Invalid(other.to_owned())
    })
}

async fn page(
    app: &AppState,
    head: FeedHead,
    after: u64,
    events: &[PublishedEvent],
    selection: &Selection,
) -> Result<EventPage, DirectoryApiError> {
    let selected: Vec<&PublishedEvent> =
        events.iter().filter(|event| selection.has(event)).collect();
    let tenants: BTreeSet<TenantId> = selected.iter().map(|event| event.tenant).collect();
    let tenants = app.store.tenants_among(&tenants).await?;
    let tenants: HashMap<TenantId, Tenant> =
        tenants.into_iter().map(|tenant| (tenant.id, tenant)).collect();
    let cursor = |position| event_view::cursor(head, position);
    let mut items: Vec<Box<RawValue>> = Vec::new();
    let mut size = 0_usize;
    for event in &selected {
        let item = render(event, cursor(event.position), tenants.get(&event.tenant))
            .map_err(DirectoryApiError::Document)?;
        let item = to_raw_value(&item).map_err(DirectoryApiError::Item)?;
        size = size.saturating_add(length_in_response(item.get())).saturating_add(1);
        if size > MAX_PAGE && !items.is_empty() {
            return Ok(EventPage { items, next: cursor(event.position - 1).encode() });
        }
        items.push(item);
    }
    let last = events.last().map_or(after, |event| event.position);
    Ok(EventPage { items, next: cursor(last).encode() })
}

/// The events that a request selects.
struct Selection {
    tenant: Option<TenantId>,
    types: Option<Vec<EventType>>,
}

impl Selection {
    async fn new(
        app: &AppState,
        tenant: Option<FilterValue>,
        types: Option<FilterValue>,
    ) -> Result<Self, DirectoryApiError> {
        let parse = |name: &str| {
            let unknown =
                |_| DirectoryApiError::Invalid(format!("types: {name:?} is no event type"));
            name.parse().map_err(unknown)
        };
        let types = types.map(|FilterValue(types)| types.split(',').map(parse).collect());
        let tenant = match tenant {
            Some(FilterValue(tenant)) => Some(find_tenant(app, &tenant).await?.id),
            None => None,
        };
        Ok(Self { tenant, types: types.transpose()? })
    }

    fn has(&self, event: &PublishedEvent) -> bool {
        let is_of_type =
            |types: &Vec<EventType>| types.iter().any(|wanted| wanted.as_str() == event.event_type);
        self.tenant.is_none_or(|tenant| tenant == event.tenant)
            && self.types.as_ref().is_none_or(is_of_type)
    }
}

/// Number of events without the parameter `limit`.
const DEFAULT_LIMIT: usize = 100;
