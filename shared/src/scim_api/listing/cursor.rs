//! Pages by cursor (RFC 9865). A cursor is the id of the last resource of its page, sealed by
//! [`scim::cursor`].
//!
//! A filter with lookups finds all matches and returns a part of them. Any other filter scans the
//! collection in the order of ids from the cursor on, until the page is full, as many resources are
//! examined as one request may, or the meter of the request is used up.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::caller::Caller;
use super::super::error::ScimApiError;
use super::super::listed::ListedResource;
use super::super::memberships::FilterMemberships;
use super::candidates::Candidates;
use super::lookup::read_total;
use super::{find_matches, render};
use crate::store::MAX_PAGE_TEXT;
use scim::cursor::CursorScope;
use scim::error::ScimError;
use scim::filter::Filter;
use scim::list_response::ListResponse;
use scim::lookup_plan::LookupPlan;
use scim::matcher::Matcher;
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
    let resources = render(caller, &query.projection, &page.resources).await?;
    // If not all of them fit in the response, the next page begins with the first that does not.
    let next = if resources.len() < page.resources.len() {
        resources
            .len()
            .checked_sub(1)
            .and_then(|last| page.resources.get(last))
            .map(ListedResource::id)
    } else {
        page.next
    };
    let next = next.map(|last| key.seal(scope, &last.to_string(), caller.now));
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
    let mut scan = Scan {
        caller,
        resource_type: kind.resource_type(),
        matcher: filter.map(Matcher::new),
        memberships: FilterMemberships::load(caller, kind, filter).await?,
        count,
        page: Vec::new(),
        page_bytes: 0,
        last,
        examined: 0,
    };
    let mut candidates = Candidates::of_scan(kind, last);
    let mut has_more = count > 0;
    while has_more && !scan.is_finished() {
        let wanted = if filter.is_some() { CHUNK } else { scan.missing() };
        let Some(chunk) = candidates.next_chunk(caller, wanted).await? else {
            has_more = false;
            break;
        };
        has_more = scan.add_matches(chunk).await? || candidates.has_more();
    }
    let total = if filter.is_none() { Some(read_total(caller, kind).await?) } else { None };
    Ok(CursorPage { resources: scan.page, next: scan.last.filter(|_| has_more), total })
}

/// A scan of a collection in the order of ids.
struct Scan<'a> {
    caller: &'a Caller,
    resource_type: &'static ResourceType,
    matcher: Option<Matcher<'a>>,
    memberships: FilterMemberships,
    count: usize,
    page: Vec<ListedResource>,
    /// Bytes of the documents of the page.
    page_bytes: usize,
    /// The last resource that was examined.
    last: Option<ResourceId>,
    /// Number of resources that were examined.
    examined: usize,
}

impl Scan<'_> {
    /// Returns the number of resources that the page still lacks.
    const fn missing(&self) -> usize {
        self.count.saturating_sub(self.page.len())
    }

    /// Returns whether the page ends here. Each page examines at least one resource.
    fn is_finished(&self) -> bool {
        self.missing() == 0
            || self.page_bytes > MAX_PAGE_TEXT
            || self.examined >= self.memberships.max_candidates()
            || self.examined > 0 && self.caller.meter.is_used_up()
    }

    /// Adds the matches among the resources of a chunk. Returns whether the scan is finished before
    /// the end of the chunk.
    async fn add_matches(&mut self, chunk: Vec<ListedResource>) -> Result<bool, ScimApiError> {
        let mut rest = chunk.into_iter();
        while rest.len() > 0 && !self.is_finished() {
            let batch = rest.by_ref().take(self.memberships.batch()).collect();
            for (stored, resource) in self.memberships.complete(self.caller, batch).await? {
                if self.is_finished() {
                    return Ok(true);
                }
                self.last = Some(stored.id());
                self.examined += 1;
                if self.matches(&resource) {
                    self.page_bytes += stored.length();
                    self.page.push(stored);
                }
            }
        }
        Ok(rest.len() > 0)
    }

    fn matches(&self, resource: &Map<String, Value>) -> bool {
        let meter = &self.caller.meter;
        self.matcher
            .as_ref()
            .is_none_or(|matcher| matcher.matches(self.resource_type, resource, meter))
    }
}

/// Number of resources that a scan with a filter reads at a time.
const CHUNK: usize = 500;
