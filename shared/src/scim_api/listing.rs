//! Lists and searches (RFC 7644 §3.4.2, §3.4.3).
//!
//! A list without filter and sort costs as much as its page. A filter by a unique value, an address
//! or a membership costs its lookups. Any other filter, and every sort, examines the whole
//! collection, up to [`FilterMemberships::max_candidates`] resources; beyond that the client must
//! page by cursor, which examines as many per page. The meter of the request counts the bytes that
//! are read and compared, and ends a search before large resources or many terms cost more than that.
//! `lookup` has the reads of the store, `candidates` their sequence, `cursor` the pages by cursor.
//!
//! A page also ends before the resource that would make the response larger than Lambda allows. It
//! then has fewer resources than asked for, as RFC 7644 §3.4.2.4 permits.

mod candidates;
mod cursor;
mod lookup;

use serde_json::value::RawValue;

use self::candidates::Candidates;
use self::cursor::list_by_cursor;
use self::lookup::read_page;
use super::answer_size::{MAX_PAGE, length_in_response, too_large};
use super::caller::Caller;
use super::error::ScimApiError;
use super::join_bounded::{MAX_CONCURRENT, join_bounded};
use super::listed::ListedResource;
use super::members::MemberBudget;
use super::memberships::{FilterMemberships, MAX_CANDIDATES, too_many};
use super::reply::Reply;
use super::{groups, users};
use scim::error::ScimError;
use scim::list_response::ListResponse;
use scim::matcher::Matcher;
use scim::projection::Projection;
use scim::query::{ListQuery, Paging};
use scim::schema::ResourceKind;
use scim::sort::Sort;

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
///
/// # Errors
///
/// `tooMany` if more resources would have to be examined than one request may, or if they and the
/// comparisons use up the meter.
async fn find_matches(
    caller: &Caller,
    kinds: &[ResourceKind],
    query: &ListQuery,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let filter = query.filter.as_ref();
    let matcher = filter.map(Matcher::new);
    let mut found = Vec::new();
    for kind in kinds {
        let resource_type = kind.resource_type();
        let memberships = FilterMemberships::load(caller, *kind, filter).await?;
        let mut candidates = Candidates::find(caller, *kind, filter, &memberships).await?;
        let mut examined = 0;
        while let Some(chunk) = candidates.next_chunk(caller, CHUNK).await? {
            examined += chunk.len();
            memberships.check_candidates(examined)?;
            let mut rest = chunk.into_iter();
            while rest.len() > 0 {
                let batch = rest.by_ref().take(memberships.batch()).collect();
                for (stored, resource) in memberships.complete(caller, batch).await? {
                    caller.meter.check()?;
                    let is_match = matcher.as_ref().is_none_or(|matcher| {
                        matcher.matches(resource_type, &resource, &caller.meter)
                    });
                    if is_match {
                        let key = |sort: &Sort| sort.key(resource_type, &resource, &caller.meter);
                        found.push((query.sort.as_ref().map(key), stored));
                    }
                }
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

/// Renders the resources of a page as JSON texts: as many, from the first on, as fit in a response.
///
/// # Errors
///
/// `tooMany` if the first one does not fit.
async fn render(
    caller: &Caller,
    projection: &Projection,
    page: &[ListedResource],
) -> Result<Vec<Box<RawValue>>, ScimApiError> {
    let mut members = MemberBudget::default();
    let mut left = MAX_PAGE;
    let mut rendered = Vec::with_capacity(page.len());
    for batch in page.chunks(MAX_CONCURRENT) {
        let resources = match render_batch(caller, projection, batch, &mut members).await {
            // The page ends before the batch that costs too much.
            Err(ScimApiError::Scim(ScimError::TooMany(_))) if !rendered.is_empty() => break,
            resources => resources?,
        };
        let is_complete = resources.len() == batch.len();
        for resource in resources {
            let length = length_in_response(&resource);
            if length > left {
                return if rendered.is_empty() { Err(too_large().into()) } else { Ok(rendered) };
            }
            left -= length;
            rendered.push(RawValue::from_string(resource).map_err(ScimApiError::Response)?);
        }
        if !is_complete {
            break;
        }
    }
    Ok(rendered)
}

/// Renders resources as JSON texts, up to the group whose members are too many.
async fn render_batch(
    caller: &Caller,
    projection: &Projection,
    batch: &[ListedResource],
    members: &mut MemberBudget,
) -> Result<Vec<String>, ScimApiError> {
    let mut groups = Vec::new();
    let mut users = Vec::new();
    for stored in batch {
        match stored {
            ListedResource::User(user) => users.push(users::render(caller, projection, user)),
            ListedResource::Group(group) => groups.push(group),
        }
    }
    let mut users = join_bounded(users).await?.into_iter();
    let groups = groups::render_page(caller, projection, &groups, members).await?;
    let mut groups = groups.into_iter();
    let next = |stored: &ListedResource| match stored {
        ListedResource::User(_) => users.next(),
        ListedResource::Group(_) => groups.next(),
    };
    Ok(batch.iter().map_while(next).collect())
}

/// Number of resources that a search reads at a time. DynamoDB returns at most 1 MB at once.
const CHUNK: usize = 1_000;
