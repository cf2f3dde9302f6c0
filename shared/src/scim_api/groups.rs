//! `/Groups`: create, read, replace, patch, delete (RFC 7644 §3.3 to §3.6).
//!
//! Members are rows of their own: nothing here costs more in a large group, except reading or
//! replacing all of its members.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::ScimApiError;
use super::members::{self, MemberBudget, MemberChange};
use super::precondition::{IfMatch, IfNoneMatch, etag};
use super::reply::Reply;
use super::retry::until_first;
use crate::clock::random_uuid;
use crate::store::{GroupWrite, StoredGroup};
use scim::error::ScimError;
use scim::fold::fold;
use scim::members::{MemberOp, Net, net, says_members, split, take};
use scim::patch::{self, PatchRequest};
use scim::projection::Projection;
use scim::resource::{self, Meta};
use scim::schema::ResourceType;
use types::ids::ResourceId;

/// Reads a group.
pub(super) async fn read(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_none_match: &IfNoneMatch,
) -> Result<Reply, ScimApiError> {
    let group = stored(caller, id).await?;
    if if_none_match.names(group.resource.version) {
        return Ok(Reply::not_modified(etag(group.resource.version)));
    }
    reply(caller, StatusCode::OK, projection, group).await
}

/// Creates a group, with its members.
pub(super) async fn add(
    caller: &Caller,
    projection: &Projection,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let mut resource = resource::normalize(ResourceType::group(), body, caller.mode)?;
    let wanted = take(&mut resource)?.unwrap_or_default();
    let write = write_of(caller, &resource);
    let created = until_first(|| async {
        let members = members::known(caller, &wanted).await?;
        let id = ResourceId::new(random_uuid());
        Ok(caller.app.store.create_group(caller.tenant, id, &write, &members).await?)
    });
    reply(caller, StatusCode::CREATED, projection, created.await?).await
}

/// Replaces a group. A body without `members` leaves them: renaming must not empty a group
/// (RFC 7644 §3.5.1 lets the service decide). An empty list is Okta's last member leaving.
pub(super) async fn put(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_match: &IfMatch,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let of = ResourceType::group();
    let empties = says_members(&body);
    let mut new = resource::normalize(of, body, caller.mode)?;
    let wanted = take(&mut new)?.or_else(|| empties.then(Vec::new));
    let members = net(wanted.map(MemberOp::Replace).into_iter().collect());
    let changed = change(caller, id, if_match, &members, |before| {
        Ok(resource::replace(of, before, new.clone()))
    });
    reply(caller, StatusCode::OK, projection, changed.await?).await
}

/// Applies a `PatchOp` to a group. Answers 200 with the group, or 204 when it has more members
/// than one bounded read shows, so that the cost does not grow with the group.
pub(super) async fn modify(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_match: &IfMatch,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let (request, operations) = split(PatchRequest::parse(body)?)?;
    let members = net(operations);
    let changed = change(caller, id, if_match, &members, |before| {
        patch::apply(ResourceType::group(), before, &request, caller.mode)
    });
    let group = changed.await?;
    let mut budget = MemberBudget::of_patch();
    match shown(caller, projection, &group, &mut budget).await {
        Ok(resource) => Ok(answer(caller, StatusCode::OK, &group, resource)),
        Err(ScimApiError::Scim(ScimError::TooMany(_))) => {
            Ok(Reply { etag: Some(etag(group.resource.version)), ..Reply::no_content() })
        }
        Err(error) => Err(error),
    }
}

/// Deletes a group; its members stay.
pub(super) async fn remove(
    caller: &Caller,
    id: &str,
    if_match: &IfMatch,
) -> Result<Reply, ScimApiError> {
    until_first(|| async {
        let group = stored(caller, id).await?;
        if_match.check(group.resource.version)?;
        caller.app.store.delete_group(caller.tenant, &group, caller.now).await?;
        Ok(Reply::no_content())
    })
    .await
}

/// Reads, changes attributes by a pure function and members by their operations, stores; again
/// when somebody else was faster, or has deleted one of the members.
async fn change(
    caller: &Caller,
    id: &str,
    if_match: &IfMatch,
    members: &Net,
    change: impl Fn(&Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
) -> Result<StoredGroup, ScimApiError> {
    until_first(|| async {
        let group = stored(caller, id).await?;
        if_match.check(group.resource.version)?;
        let before = document(&group)?;
        let after = change(&before)?;
        let rows = members::change(caller, group.resource.id, members).await?;
        if after == before && rows.is_empty() {
            return Ok(group);
        }
        let MemberChange { add, remove } = &rows;
        let write = write_of(caller, &after);
        Ok(caller.app.store.replace_group(caller.tenant, &group, &write, add, remove).await?)
    })
    .await
}

async fn stored(caller: &Caller, id: &str) -> Result<StoredGroup, ScimApiError> {
    let gone = || ScimError::NotFound("Group".to_owned());
    let id: ResourceId = id.parse().map_err(|_| gone())?;
    Ok(caller.app.store.group(caller.tenant, id).await?.ok_or_else(gone)?)
}

fn document(group: &StoredGroup) -> Result<Map<String, Value>, ScimApiError> {
    serde_json::from_str(&group.resource.document)
        .map_err(|source| ScimApiError::Document { resource_type: "Group", source })
}

fn write_of(caller: &Caller, resource: &Map<String, Value>) -> GroupWrite {
    GroupWrite {
        last_modified: caller.now,
        display_name: resource::display_name(resource).map(fold).unwrap_or_default(),
        external_id: resource::external_id(resource).map(str::to_owned),
        document: Value::Object(resource.clone()).to_string(),
    }
}

async fn reply(
    caller: &Caller,
    status: StatusCode,
    projection: &Projection,
    group: StoredGroup,
) -> Result<Reply, ScimApiError> {
    let mut budget = MemberBudget::default();
    let resource = shown(caller, projection, &group, &mut budget).await?;
    Ok(answer(caller, status, &group, resource))
}

fn answer(
    caller: &Caller,
    status: StatusCode,
    group: &StoredGroup,
    resource: Map<String, Value>,
) -> Reply {
    Reply {
        status,
        etag: Some(etag(group.resource.version)),
        location: Some(meta(group, &caller.scim_url).location(ResourceType::group())),
        body: Some(Value::Object(resource).to_string()),
    }
}

/// A group as it is answered; its members only when the client wants them.
async fn shown(
    caller: &Caller,
    projection: &Projection,
    group: &StoredGroup,
    budget: &mut MemberBudget,
) -> Result<Map<String, Value>, ScimApiError> {
    let mut resource = bare(caller, group)?;
    if projection.needs(ResourceType::group(), "members") {
        put_members(&mut resource, members::all(caller, group.resource.id, budget).await?);
    }
    projection.apply(ResourceType::group(), &mut resource);
    Ok(resource)
}

/// Several groups as one answer shows them.
pub(super) async fn page(
    caller: &Caller,
    projection: &Projection,
    groups: &[&StoredGroup],
) -> Result<Vec<Map<String, Value>>, ScimApiError> {
    let of = ResourceType::group();
    let ids: Vec<ResourceId> = groups.iter().map(|group| group.resource.id).collect();
    let members = if projection.needs(of, "members") {
        members::of_page(caller, &ids).await?
    } else {
        Vec::new()
    };
    let mut members = members.into_iter();
    let mut page = Vec::with_capacity(groups.len());
    for group in groups {
        let mut resource = bare(caller, group)?;
        put_members(&mut resource, members.next().unwrap_or_default());
        projection.apply(of, &mut resource);
        page.push(resource);
    }
    Ok(page)
}

/// All attributes but `members`.
pub(super) fn bare(
    caller: &Caller,
    group: &StoredGroup,
) -> Result<Map<String, Value>, ScimApiError> {
    let meta = meta(group, &caller.scim_url);
    Ok(resource::answer(ResourceType::group(), document(group)?, &meta))
}

/// Shows a group's members, if there are any.
pub(super) fn put_members(group: &mut Map<String, Value>, members: Vec<Value>) {
    if !members.is_empty() {
        group.insert("members".to_owned(), members.into());
    }
}

fn meta<'a>(group: &StoredGroup, base_url: &'a str) -> Meta<'a> {
    Meta {
        id: group.resource.id,
        created: group.resource.created,
        last_modified: group.resource.last_modified,
        version: group.resource.version,
        base_url,
    }
}
