//! Lists and searches (RFC 7644 §3.4.2, §3.4.3).
//!
//! A list without filter and sort costs as much as its page. A filter by a unique value, an address
//! or a membership costs its lookups. Any other filter, and every sort, examines the whole
//! collection, up to [`FilterMemberships::max_candidates`] resources; beyond that the client must
//! page by cursor, which examines as many per page. `lookup` has the reads of the store, `cursor`
//! the pages by cursor.

mod cursor;
mod lookup;

use serde_json::Value;
use serde_json::value::RawValue;

use self::cursor::list_by_cursor;
use self::lookup::{read_after, read_page, read_planned};
use super::caller::Caller;
use super::error::ScimApiError;
use super::join_bounded::join_bounded;
use super::listed::ListedResource;
use super::memberships::{FilterMemberships, MAX_CANDIDATES, too_many};
use super::reply::Reply;
use super::{groups, users};
use scim::error::ScimError;
use scim::filter::Filter;
use scim::list_response::ListResponse;
use scim::lookup_plan::LookupPlan;
use scim::matcher;
use scim::projection::Projection;
use scim::query::{ListQuery, Paging};
use scim::schema::ResourceKind;

/// Answers a list or search of one collection, or of several in sequence.
pub(super) async fn list(
    caller: &Caller,
    kinds: &[ResourceKind],
    query: &ListQuery,
) -> Result<Reply, ScimApiError> {
    let types: Vec<_> = kinds.iter().map(|kind| kind.resource_type()).collect();
    query.check(&types)?;
    let response = match (&query.paging, kinds) {
        (Paging::Index { start_index, count }, [kind])
            if query.filter.is_none() && query.sort.is_none() =>
        {
            let page = read_page(caller, *kind, *start_index, *count).await?;
            let resources = render(caller, &query.projection, &page.items).await?;
            ListResponse::by_index(page.total, *start_index, resources)
        }
        (Paging::Index { start_index, count }, _) => {
            let matches = find_matches(caller, kinds, query).await?;
            let total = matches.len() as u64;
            let skip = usize::try_from(start_index.saturating_sub(1)).unwrap_or(usize::MAX);
            let page: Vec<ListedResource> = matches.into_iter().skip(skip).take(*count).collect();
            let resources = render(caller, &query.projection, &page).await?;
            ListResponse::by_index(total, *start_index, resources)
        }
        (Paging::Cursor { cursor, count }, [kind]) if query.sort.is_none() => {
            list_by_cursor(caller, *kind, query, cursor.as_deref(), *count).await?
        }
        (Paging::Cursor { .. }, _) => {
            return Err(ScimError::InvalidValue(
                "a cursor requires one resource type and no sortBy; use startIndex".to_owned(),
            )
            .into());
        }
    };
    let body = serde_json::to_string(&response).map_err(ScimApiError::Response)?;
    Ok(Reply::document(body))
}

/// Finds all resources that match, in the requested order; without one, in the order of ids.
async fn find_matches(
    caller: &Caller,
    kinds: &[ResourceKind],
    query: &ListQuery,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let filter = query.filter.as_ref();
    let mut found = Vec::new();
    for kind in kinds {
        let resource_type = kind.resource_type();
        let memberships = FilterMemberships::load(caller, *kind, filter).await?;
        let candidates = find_candidates(caller, *kind, filter, &memberships).await?;
        for (stored, resource) in memberships.complete(caller, candidates).await? {
            if filter.is_none_or(|filter| matcher::matches(filter, resource_type, &resource)) {
                let key = query.sort.as_ref().map(|sort| sort.key(resource_type, &resource));
                found.push((key, stored));
            }
        }
        if found.len() > MAX_CANDIDATES {
            return Err(too_many(MAX_CANDIDATES).into());
        }
    }
    if let Some(sort) = &query.sort {
        sort.sort(&mut found, |(key, _)| key);
    }
    Ok(found.into_iter().map(|(_, stored)| stored).collect())
}

/// Finds the resources that a filter can match: by lookups, or the whole collection if it is small
/// enough.
async fn find_candidates(
    caller: &Caller,
    kind: ResourceKind,
    filter: Option<&Filter>,
    memberships: &FilterMemberships,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let plan =
        filter.map_or(LookupPlan::Scan, |filter| LookupPlan::new(filter, kind.resource_type()));
    let found = if plan == LookupPlan::Scan {
        read_after(caller, kind, None, memberships.max_candidates() + 1).await?
    } else {
        read_planned(caller, kind, &plan, memberships).await?
    };
    memberships.check_candidates(found.len())?;
    Ok(found)
}

/// Renders the resources of a page as JSON texts.
async fn render(
    caller: &Caller,
    projection: &Projection,
    page: &[ListedResource],
) -> Result<Vec<Box<RawValue>>, ScimApiError> {
    let mut groups = Vec::new();
    let mut users = Vec::new();
    for stored in page {
        match stored {
            ListedResource::User(user) => users.push(users::render(caller, projection, user)),
            ListedResource::Group(group) => groups.push(group),
        }
    }
    let mut users = join_bounded(users).await?.into_iter();
    let mut groups = groups::render_page(caller, projection, &groups).await?.into_iter();
    let mut resources = Vec::with_capacity(page.len());
    for stored in page {
        let resource = match stored {
            ListedResource::User(_) => users.next(),
            ListedResource::Group(_) => groups.next().map(|group| Value::Object(group).to_string()),
        };
        let resource = resource.ok_or(ScimError::Internal)?;
        resources.push(RawValue::from_string(resource).map_err(ScimApiError::Response)?);
    }
    Ok(resources)
}
