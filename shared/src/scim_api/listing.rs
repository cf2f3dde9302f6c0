//! Lists and searches (RFC 7644 §3.4.2, §3.4.3, RFC 9865).
//!
//! A filter that names resources by a unique value, an address or a membership costs lookups.
//! A list without filter and sort costs its page. Anything else reads the collection, up to what
//! [`Sight::most`] says; past that the client must page by cursor, which reads as much a page.
//! What has to be read for each resource by itself is read for several at once.

use serde_json::Value;
use serde_json::value::RawValue;

use super::at_once::{AT_ONCE, at_once};
use super::caller::Caller;
use super::error::ScimApiError;
use super::reply::Reply;
use super::resources::Kind;
use super::seen::{MOST_CANDIDATES, Sight, too_many};
use super::{groups, users};
use crate::store::{StoredGroup, StoredUser};
use scim::cursor::CursorScope;
use scim::error::ScimError;
use scim::filter::Filter;
use scim::fold::fold;
use scim::list_response::ListResponse;
use scim::matcher;
use scim::plan::Plan;
use scim::projection::Projection;
use scim::query::{ListQuery, Paging};
use types::ids::ResourceId;

/// How many are read at a time on the way.
const CHUNK: usize = 500;

/// A stored resource of either kind.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    User(StoredUser),
    Group(StoredGroup),
}

impl Stored {
    fn id(&self) -> ResourceId {
        match self {
            Self::User(user) => user.resource.id,
            Self::Group(group) => group.resource.id,
        }
    }
}

/// Answers a list or search of one collection or, one after the other, of several.
pub(super) async fn list(
    caller: &Caller,
    kinds: &[Kind],
    query: &ListQuery,
) -> Result<Reply, ScimApiError> {
    for kind in kinds {
        query.check(kind.resource_type())?;
    }
    let response = match (&query.paging, kinds) {
        (Paging::Index { start_index, count }, [kind])
            if query.filter.is_none() && query.sort.is_none() =>
        {
            let (page, total) = page(caller, *kind, *start_index, *count).await?;
            let resources = shown(caller, &query.projection, &page).await?;
            ListResponse::by_index(total, *start_index, resources)
        }
        (Paging::Index { start_index, count }, _) => {
            let found = matching(caller, kinds, query).await?;
            let total = found.len() as u64;
            let skip = usize::try_from(start_index.saturating_sub(1)).unwrap_or(usize::MAX);
            let page: Vec<Stored> = found.into_iter().skip(skip).take(*count).collect();
            let resources = shown(caller, &query.projection, &page).await?;
            ListResponse::by_index(total, *start_index, resources)
        }
        (Paging::Cursor { cursor, count }, [kind]) if query.sort.is_none() => {
            by_cursor(caller, *kind, query, cursor.as_deref(), *count).await?
        }
        (Paging::Cursor { .. }, _) => {
            return Err(ScimError::InvalidValue(
                "a cursor goes with one resource type and without sortBy; use startIndex"
                    .to_owned(),
            )
            .into());
        }
    };
    let body = serde_json::to_string(&response).map_err(ScimApiError::Response)?;
    Ok(Reply::document(body))
}

/// Every resource that matches, in the order asked for; in id order without one.
async fn matching(
    caller: &Caller,
    kinds: &[Kind],
    query: &ListQuery,
) -> Result<Vec<Stored>, ScimApiError> {
    let filter = query.filter.as_ref();
    let mut found = Vec::new();
    for kind in kinds {
        let of = kind.resource_type();
        let sight = Sight::of(caller, *kind, filter).await?;
        let candidates = candidates(caller, *kind, filter, &sight).await?;
        for (stored, resource) in sight.see(caller, candidates).await? {
            if filter.is_none_or(|filter| matcher::matches(filter, of, &resource)) {
                let key = query.sort.as_ref().map(|sort| sort.key(of, &resource));
                found.push((key, stored));
            }
        }
        if found.len() > MOST_CANDIDATES {
            return Err(too_many(MOST_CANDIDATES).into());
        }
    }
    if let Some(sort) = &query.sort {
        sort.arrange(&mut found, |(key, _)| key);
    }
    Ok(found.into_iter().map(|(_, stored)| stored).collect())
}

/// What a filter can match: by a lookup, or the whole collection if that is small enough.
async fn candidates(
    caller: &Caller,
    kind: Kind,
    filter: Option<&Filter>,
    sight: &Sight,
) -> Result<Vec<Stored>, ScimApiError> {
    let found = match filter.map(|filter| Plan::of(filter, kind.resource_type())) {
        Some(plan) if plan != Plan::Scan => planned(caller, kind, &plan, sight).await?,
        Some(_) | None => after(caller, kind, None, sight.most() + 1).await?,
    };
    sight.bound(found.len())?;
    Ok(found)
}

/// What a plan finds, in order of id.
async fn planned(
    caller: &Caller,
    kind: Kind,
    plan: &Plan,
    sight: &Sight,
) -> Result<Vec<Stored>, ScimApiError> {
    let lookups = plan.lookups();
    let mut found = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        found.push(look_up(caller, kind, lookup, sight));
    }
    let mut found = at_once(found).await?.concat();
    found.sort_unstable_by_key(Stored::id);
    found.dedup_by_key(|stored| stored.id());
    Ok(found)
}

/// A page by cursor: as many matches as asked for, or as many as [`Sight::most`] hold.
async fn by_cursor(
    caller: &Caller,
    kind: Kind,
    query: &ListQuery,
    cursor: Option<&str>,
    count: usize,
) -> Result<ListResponse<Box<RawValue>>, ScimApiError> {
    let of = kind.resource_type();
    let key = caller.cursor_key().await?;
    let scope =
        CursorScope { tenant: caller.tenant, resource_type: of.name, query: query.digest() };
    let mut last = match cursor.filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => {
            let position = key.open(scope, cursor, caller.now)?;
            Some(position.parse().map_err(|_| ScimError::InvalidCursor)?)
        }
    };
    let seal = |last: ResourceId| key.seal(scope, &last.to_string(), caller.now);
    let filter = query.filter.as_ref();
    if filter.is_some_and(|filter| Plan::of(filter, of) != Plan::Scan) {
        let found = matching(caller, &[kind], query).await?;
        let total = found.len() as u64;
        let rest = |stored: &Stored| last.is_none_or(|last| stored.id() > last);
        let mut rest = found.into_iter().filter(rest);
        let page: Vec<Stored> = rest.by_ref().take(count).collect();
        let more = rest.next().is_some();
        let next = page.last().map(Stored::id).filter(|_| more).map(seal);
        let resources = shown(caller, &query.projection, &page).await?;
        return Ok(ListResponse::by_cursor(Some(total), None, next, resources));
    }
    let sight = Sight::of(caller, kind, filter).await?;
    let mut page = Vec::new();
    let mut looked_at = 0;
    let mut more = count > 0;
    while more && page.len() < count && looked_at < sight.most() {
        let wanted = if filter.is_some() { CHUNK } else { count - page.len() };
        let chunk = after(caller, kind, last, wanted).await?;
        more = chunk.len() == wanted;
        looked_at += chunk.len();
        let mut chunk = chunk.into_iter();
        while page.len() < count {
            let some: Vec<Stored> = chunk.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            for (stored, resource) in sight.see(caller, some).await? {
                if page.len() == count {
                    more = true;
                    break;
                }
                last = Some(stored.id());
                if filter.is_none_or(|filter| matcher::matches(filter, of, &resource)) {
                    page.push(stored);
                }
            }
        }
        more |= chunk.len() > 0;
    }
    let resources = shown(caller, &query.projection, &page).await?;
    let next = last.filter(|_| more).map(seal);
    let total = if filter.is_none() { Some(total(caller, kind).await?) } else { None };
    Ok(ListResponse::by_cursor(total, None, next, resources))
}

/// At most a few resources, by a lookup that the table is keyed for.
async fn look_up(
    caller: &Caller,
    kind: Kind,
    lookup: &Plan,
    sight: &Sight,
) -> Result<Vec<Stored>, ScimApiError> {
    let store = &caller.app.store;
    let tenant = caller.tenant;
    let users = |found: Option<StoredUser>| found.into_iter().map(Stored::User).collect();
    let groups = |found: Vec<StoredGroup>| found.into_iter().map(Stored::Group).collect();
    Ok(match (kind, lookup) {
        (Kind::Users, Plan::Id(id)) => match id.parse() {
            Ok(id) => users(store.user(tenant, id).await?),
            Err(_) => Vec::new(),
        },
        (Kind::Users, Plan::UserName(name)) => {
            users(store.user_by_user_name(tenant, &fold(name)).await?)
        }
        (Kind::Users, Plan::ExternalId(id)) => {
            let found = store.users_by_external_id(tenant, id).await?;
            found.into_iter().map(Stored::User).collect()
        }
        (Kind::Users, Plan::Email(email)) => {
            let found = store.users_by_email(tenant, &fold(email)).await?;
            found.into_iter().map(Stored::User).collect()
        }
        (Kind::Users, Plan::Group(group)) => {
            let members = sight.members_of(caller, group).await?;
            let found = store.users(tenant, members).await?;
            found.into_iter().map(Stored::User).collect()
        }
        (Kind::Groups, Plan::Id(id)) => match id.parse() {
            Ok(id) => groups(store.group(tenant, id).await?.into_iter().collect()),
            Err(_) => Vec::new(),
        },
        (Kind::Groups, Plan::DisplayName(name)) => {
            let found = store.group_by_display_name(tenant, &fold(name)).await?;
            groups(found.into_iter().collect())
        }
        (Kind::Groups, Plan::ExternalId(id)) => {
            groups(store.groups_by_external_id(tenant, id).await?)
        }
        (Kind::Groups, Plan::Member(member)) => match member.parse() {
            Ok(member) => groups(store.groups_of(tenant, member).await?),
            Err(_) => Vec::new(),
        },
        (Kind::Users, Plan::DisplayName(_) | Plan::Member(_))
        | (Kind::Groups, Plan::UserName(_) | Plan::Email(_) | Plan::Group(_))
        | (_, Plan::AnyOf(_) | Plan::Scan) => Vec::new(),
    })
}

/// The answers for a page.
async fn shown(
    caller: &Caller,
    projection: &Projection,
    page: &[Stored],
) -> Result<Vec<Box<RawValue>>, ScimApiError> {
    let mut groups = Vec::new();
    let mut users = Vec::new();
    for stored in page {
        match stored {
            Stored::User(user) => users.push(users::shown(caller, projection, user)),
            Stored::Group(group) => groups.push(group),
        }
    }
    let mut users = at_once(users).await?.into_iter();
    let mut groups = groups::page(caller, projection, &groups).await?.into_iter();
    let mut resources = Vec::with_capacity(page.len());
    for stored in page {
        let resource = match stored {
            Stored::User(_) => users.next(),
            Stored::Group(_) => groups.next().map(|group| Value::Object(group).to_string()),
        };
        let resource = resource.ok_or(ScimError::Internal)?;
        resources.push(RawValue::from_string(resource).map_err(|_| ScimError::Internal)?);
    }
    Ok(resources)
}

async fn page(
    caller: &Caller,
    kind: Kind,
    start_index: u64,
    count: usize,
) -> Result<(Vec<Stored>, u64), ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    Ok(match kind {
        Kind::Users => {
            let page = store.users_page(tenant, start_index, count).await?;
            (page.items.into_iter().map(Stored::User).collect(), page.total)
        }
        Kind::Groups => {
            let page = store.groups_page(tenant, start_index, count).await?;
            (page.items.into_iter().map(Stored::Group).collect(), page.total)
        }
    })
}

async fn after(
    caller: &Caller,
    kind: Kind,
    last: Option<ResourceId>,
    count: usize,
) -> Result<Vec<Stored>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    Ok(match kind {
        Kind::Users => {
            store.users_after(tenant, last, count).await?.into_iter().map(Stored::User).collect()
        }
        Kind::Groups => {
            store.groups_after(tenant, last, count).await?.into_iter().map(Stored::Group).collect()
        }
    })
}

async fn total(caller: &Caller, kind: Kind) -> Result<u64, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    Ok(match kind {
        Kind::Users => store.users_total(tenant).await?,
        Kind::Groups => store.groups_total(tenant).await?,
    })
}
