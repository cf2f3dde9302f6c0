//! Creates, reads, replaces, patches and deletes groups (RFC 7644 §3.3 to §3.6).
//!
//! Each function loads the group, lets the core in [`scim`] compute the change, stores it and
//! replies. Members are rows of their own, which `members` reads and changes. So no operation costs
//! more in a large group, except those that return or replace all of its members.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::{ScimApiError, StoreContext as _};
use super::members::{self, MemberBudget, MemberChange, RenderedMembers};
use super::reply::Reply;
use super::request::{IfNoneMatch, Preconditions};
use super::retry::retry_on_conflict;
use super::stored::{attributes, location, render_stored};
use crate::clock::random_uuid;
use crate::store::{GroupWrite, StoredGroup};
use scim::error::ScimError;
use scim::fold::fold;
use scim::members::{MemberOp, NetChange, has_members, net_change, separate_members, take_members};
use scim::normalize::normalize;
use scim::patch;
use scim::patch_request::PatchRequest;
use scim::projection::Projection;
use scim::resource::{self, etag};
use scim::schema::{ResourceKind, ResourceType};
use types::ids::ResourceId;

/// Creates a group with its members. One that does not exist is left out or refused, see
/// [`scim::quirks::ignores_unknown_members`].
pub(super) async fn create(
    caller: &Caller,
    projection: &Projection,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let mut resource = normalize(ResourceType::group(), body, caller.mode)?;
    let requested = take_members(&mut resource)?.unwrap_or_default();
    let write = group_write(caller, &resource);
    let group = retry_on_conflict(|| async {
        let members = members::find_new(caller, &requested).await?;
        let id = ResourceId::new(random_uuid());
        let created = caller.app.store.create_group(caller.tenant, id, &write, &members).await;
        created.context("create a group with its members")
    });
    reply(caller, StatusCode::CREATED, projection, &group.await?).await
}

/// Reads a group.
pub(super) async fn read(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_none_match: &IfNoneMatch,
) -> Result<Reply, ScimApiError> {
    let group = read_group(caller, id).await?;
    if if_none_match.has(group.resource.version) {
        return Ok(Reply::not_modified(etag(group.resource.version)));
    }
    reply(caller, StatusCode::OK, projection, &group).await
}

/// Replaces a group. A body without `members` keeps them: renaming must not empty a group
/// (RFC 7644 §3.5.1 lets the service decide). Okta sends an empty list when the last member leaves.
pub(super) async fn replace(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    preconditions: &Preconditions,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let resource_type = ResourceType::group();
    let has_members = has_members(&body);
    let mut new = normalize(resource_type, body, caller.mode)?;
    let requested = take_members(&mut new)?.or_else(|| has_members.then(Vec::new));
    let members = net_change(requested.map(MemberOp::Replace).into_iter().collect());
    let group = update(caller, id, preconditions, &members, |stored| {
        Ok(resource::replace(resource_type, stored, new.clone()))
    });
    reply(caller, StatusCode::OK, projection, &group.await?).await
}

/// Applies a `PatchOp` to a group. Replies with 200 and the group, or with 204 if it has more
/// members than one bounded read returns, so that the cost does not grow with the group.
pub(super) async fn patch(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    preconditions: &Preconditions,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let (request, operations) = separate_members(PatchRequest::parse(body)?, caller.mode)?;
    let members = net_change(operations);
    let group = update(caller, id, preconditions, &members, |stored| {
        patch::apply(ResourceType::group(), stored, &request, caller.mode)
    });
    let group = group.await?;
    match render(caller, projection, &group, &mut MemberBudget::for_patch()).await {
        Ok(resource) => Ok(reply_with(caller, StatusCode::OK, &group, resource)),
        Err(ScimApiError::Scim(ScimError::TooMany(_))) => {
            Ok(Reply { etag: Some(etag(group.resource.version)), ..Reply::no_content() })
        }
        Err(error) => Err(error),
    }
}

/// Deletes a group. Its members stay.
pub(super) async fn delete(
    caller: &Caller,
    id: &str,
    preconditions: &Preconditions,
) -> Result<Reply, ScimApiError> {
    retry_on_conflict(|| async {
        let group = read_group(caller, id).await?;
        preconditions.check(group.resource.version)?;
        let Caller { app, tenant, now, origin, .. } = caller;
        let deleted = app.store.delete_group(*tenant, &group, *now, origin).await;
        deleted.context("delete a group")?;
        Ok(Reply::no_content())
    })
    .await
}

/// Reads a group, computes its new attributes with `change`, and stores them and the change of its
/// members. Also retried if one of the new members was deleted in between.
async fn update(
    caller: &Caller,
    id: &str,
    preconditions: &Preconditions,
    members: &NetChange,
    change: impl Fn(&Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
) -> Result<StoredGroup, ScimApiError> {
    retry_on_conflict(|| async {
        let group = read_group(caller, id).await?;
        preconditions.check(group.resource.version)?;
        let before = attributes(ResourceKind::Group, &group.resource)?;
        let after = change(&before)?;
        let rows = members::plan_change(caller, group.resource.id, members).await?;
        if after == before && rows.is_empty() {
            return Ok(group);
        }
        let MemberChange { add, remove } = &rows;
        let write = group_write(caller, &after);
        let store = &caller.app.store;
        let updated = store.replace_group(caller.tenant, &group, &write, add, remove).await;
        updated.context("update a group and its members")
    })
    .await
}

async fn read_group(caller: &Caller, id: &str) -> Result<StoredGroup, ScimApiError> {
    let not_found = || ScimError::NotFound(ResourceKind::Group.as_str().to_owned());
    let id: ResourceId = id.parse().map_err(|_| not_found())?;
    let group = caller.app.store.group(caller.tenant, id).await.context("read a group")?;
    let group = group.ok_or_else(not_found)?;
    caller.meter.charge_resource(group.resource.document.len());
    Ok(group)
}

fn group_write(caller: &Caller, resource: &Map<String, Value>) -> GroupWrite {
    let document = Value::Object(resource.clone()).to_string();
    caller.meter.charge_resource(document.len());
    GroupWrite {
        last_modified: caller.now,
        origin: caller.origin.clone(),
        display_name: resource::display_name(resource).map(fold).unwrap_or_default(),
        external_id: resource::external_id(resource).map(str::to_owned),
        document,
    }
}

async fn reply(
    caller: &Caller,
    status: StatusCode,
    projection: &Projection,
    group: &StoredGroup,
) -> Result<Reply, ScimApiError> {
    let resource = render(caller, projection, group, &mut MemberBudget::default()).await?;
    Ok(reply_with(caller, status, group, resource))
}

fn reply_with(caller: &Caller, status: StatusCode, group: &StoredGroup, body: String) -> Reply {
    Reply {
        status,
        etag: Some(etag(group.resource.version)),
        location: Some(location(caller, ResourceKind::Group, &group.resource)),
        body: Some(body),
    }
}

/// Renders a group as JSON text: with `id`, `meta` and the attributes that the client selects. Reads
/// the members only if they are selected.
async fn render(
    caller: &Caller,
    projection: &Projection,
    group: &StoredGroup,
    budget: &mut MemberBudget,
) -> Result<String, ScimApiError> {
    let members = if projection.needs(ResourceType::group(), "members") {
        members::read_all(caller, group.resource.id, budget).await?
    } else {
        RenderedMembers::NONE
    };
    render_with(caller, projection, group, members)
}

/// Renders a group with these members.
fn render_with(
    caller: &Caller,
    projection: &Projection,
    group: &StoredGroup,
    members: RenderedMembers,
) -> Result<String, ScimApiError> {
    let resource_type = ResourceType::group();
    let mut resource = render_stored(caller, ResourceKind::Group, &group.resource)?;
    match members {
        RenderedMembers::Full(members) => {
            insert_members(&mut resource, members);
            caller.project(projection, resource_type, &mut resource)?;
            Ok(Value::Object(resource).to_string())
        }
        RenderedMembers::Brief(ids) => {
            // All have the same form, so that the first tells whether the client selects them.
            let first = ids.first().map(|id| json!({"value": id}));
            insert_members(&mut resource, first.into_iter().collect());
            caller.project(projection, resource_type, &mut resource)?;
            let is_selected = resource.shift_remove("members").is_some();
            let text = Value::Object(resource).to_string();
            Ok(if is_selected { with_brief_members(text, &ids) } else { text })
        }
    }
}

/// Adds `members` that have only a `value` to the JSON text of a group, which is not empty.
fn with_brief_members(mut group: String, ids: &[ResourceId]) -> String {
    // The closing brace, which comes last.
    group.pop();
    group.reserve(ids.len() * MEMBER_BYTES);
    let mut separator = ",\"members\":[";
    for id in ids {
        group.push_str(separator);
        group.push_str("{\"value\":\"");
        group.push_str(&id.to_string());
        group.push_str("\"}");
        separator = ",";
    }
    group.push_str("]}");
    group
}

/// Bytes of a member with its `value` alone.
const MEMBER_BYTES: usize = 49;

/// Renders groups of a page, up to the one whose members do not fit in the response any more.
///
/// # Errors
///
/// `tooMany` if the members of the first group of the page do not fit.
pub(super) async fn render_page(
    caller: &Caller,
    projection: &Projection,
    groups: &[&StoredGroup],
    budget: &mut MemberBudget,
) -> Result<Vec<String>, ScimApiError> {
    let ids: Vec<ResourceId> = groups.iter().map(|group| group.resource.id).collect();
    if !projection.needs(ResourceType::group(), "members") {
        let render =
            |group: &&StoredGroup| render_with(caller, projection, group, RenderedMembers::NONE);
        return groups.iter().map(render).collect();
    }
    let members = members::read_page(caller, &ids, budget).await?.into_iter();
    groups
        .iter()
        .zip(members)
        .map(|(group, members)| render_with(caller, projection, group, members))
        .collect()
}

/// Adds `members` to a rendered group, unless there are none.
pub(super) fn insert_members(group: &mut Map<String, Value>, members: Vec<Value>) {
    if !members.is_empty() {
        group.insert("members".to_owned(), members.into());
    }
}
