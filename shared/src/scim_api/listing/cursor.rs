//! Pages by cursor (RFC 9865). A cursor is the id of the last resource of its page, sealed by
//! [`scim::cursor`].
//!
//! A filter with lookups finds all matches and returns a part of them. Any other filter scans the
//! collection in the order of ids from the cursor on, until the page is full or as many resources
//! are examined as one request may.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::caller::Caller;
use super::super::error::ScimApiError;
use super::super::join_bounded::MAX_CONCURRENT;
use super::super::listed::ListedResource;
use super::super::memberships::FilterMemberships;
use super::lookup::{read_after, read_total};
use super::{find_matches, render};
use scim::cursor::CursorScope;
use scim::error::ScimError;
use scim::filter::Filter;
use scim::list_response::ListResponse;
use scim::lookup_plan::LookupPlan;
use scim::matcher;
use scim::query::ListQuery;
use scim::schema::{ResourceKind, ResourceType};
use types::ids::ResourceId;

/// A page, its last id if more resources follow, and the number of matches if it is known.
struct CursorPage {
    resources: Vec<ListedResource>,
    next: Option<ResourceId>,
    total: Option<u64>,
}

/// Returns the page that follows `cursor`, or the first one, of at most `count` resources.
///
/// # Errors
///
/// [`ScimError::InvalidCursor`] or [`ScimError::ExpiredCursor`].
pub(super) async fn list_by_cursor(
    caller: &Caller,
    kind: ResourceKind,
    query: &ListQuery,
    cursor: Option<&str>,
    count: usize,
) -> Result<ListResponse<Box<RawValue>>, ScimApiError> {
    let resource_type = kind.resource_type();
    let key = caller.cursor_key().await?;
    let scope = CursorScope {
        tenant: caller.tenant,
        resource_type: resource_type.name(),
        query: query.digest(),
    };
    let last = match cursor.filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => {
            let position = key.open(scope, cursor, caller.now)?;
            Some(position.parse().map_err(|_| ScimError::InvalidCursor)?)
        }
    };
    let has_lookup = query
        .filter
        .as_ref()
        .is_some_and(|filter| LookupPlan::new(filter, resource_type) != LookupPlan::Scan);
    let page = if has_lookup {
        page_of_matches(caller, kind, query, last, count).await?
    } else {
        page_of_scan(caller, kind, query.filter.as_ref(), last, count).await?
    };
    let next = page.next.map(|last| key.seal(scope, &last.to_string(), caller.now));
    let resources = render(caller, &query.projection, &page.resources).await?;
    Ok(ListResponse::by_cursor(page.total, None, next, resources))
}

/// Returns a page of the matches that the lookups find.
async fn page_of_matches(
    caller: &Caller,
    kind: ResourceKind,
    query: &ListQuery,
    last: Option<ResourceId>,
    count: usize,
) -> Result<CursorPage, ScimApiError> {
    let matches = find_matches(caller, &[kind], query).await?;
    let total = Some(matches.len() as u64);
    let mut rest = matches.into_iter().filter(|stored| last.is_none_or(|last| stored.id() > last));
    let resources: Vec<ListedResource> = rest.by_ref().take(count).collect();
    let has_more = rest.next().is_some();
    let next = resources.last().map(ListedResource::id).filter(|_| has_more);
    Ok(CursorPage { resources, next, total })
}

/// Returns a page of the collection.
async fn page_of_scan(
    caller: &Caller,
    kind: ResourceKind,
    filter: Option<&Filter>,
    last: Option<ResourceId>,
    count: usize,
) -> Result<CursorPage, ScimApiError> {
    let memberships = FilterMemberships::load(caller, kind, filter).await?;
    let max_examined = memberships.max_candidates();
    let resource_type = kind.resource_type();
    let page = Vec::new();
    let mut scan = Scan { caller, resource_type, filter, memberships, count, page, last };
    let mut examined = 0;
    let mut has_more = count > 0;
    while has_more && scan.missing() > 0 && examined < max_examined {
        let wanted = if filter.is_some() { CHUNK } else { scan.missing() };
        let chunk = read_after(caller, kind, scan.last, wanted).await?;
        let is_full = chunk.len() == wanted;
        examined += chunk.len();
        has_more = scan.add_matches(chunk).await? || is_full;
    }
    let total = if filter.is_none() { Some(read_total(caller, kind).await?) } else { None };
    Ok(CursorPage { resources: scan.page, next: scan.last.filter(|_| has_more), total })
}

/// A scan of a collection in the order of ids, which ends with a full page.
struct Scan<'a> {
    caller: &'a Caller,
    resource_type: &'static ResourceType,
    filter: Option<&'a Filter>,
    memberships: FilterMemberships,
    count: usize,
    page: Vec<ListedResource>,
    /// The last resource that was examined.
    last: Option<ResourceId>,
}

impl Scan<'_> {
    /// Returns the number of resources that the page still lacks.
    const fn missing(&self) -> usize {
        self.count.saturating_sub(self.page.len())
    }

    /// Adds the matches among the resources of a chunk. Returns whether the page was full before
    /// the end of the chunk.
    async fn add_matches(&mut self, chunk: Vec<ListedResource>) -> Result<bool, ScimApiError> {
        let mut rest = chunk.into_iter();
        while self.missing() > 0 {
            let batch: Vec<ListedResource> = rest.by_ref().take(MAX_CONCURRENT).collect();
            if batch.is_empty() {
                break;
            }
            for (stored, resource) in self.memberships.complete(self.caller, batch).await? {
                if self.missing() == 0 {
                    return Ok(true);
                }
                self.last = Some(stored.id());
                if self.matches(&resource) {
                    self.page.push(stored);
                }
            }
        }
        Ok(rest.len() > 0)
    }

    fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.filter.is_none_or(|filter| matcher::matches(filter, self.resource_type, resource))
    }
}

/// Number of resources that a scan with a filter reads at a time.
const CHUNK: usize = 500;
