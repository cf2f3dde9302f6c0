//! Creates, reads, replaces, patches and deletes users (RFC 7644 §3.3 to §3.6).
//!
//! Each function loads the user, lets the core in [`scim`] compute the change, stores it and
//! replies. A change is retried if another request writes the user in between.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::{ScimApiError, StoreContext as _};
use super::reply::Reply;
use super::request::{IfNoneMatch, Preconditions};
use super::retry::retry_on_conflict;
use super::stored::{attributes, location, render_stored, render_stored_text};
use crate::clock::random_uuid;
use crate::store::{StoredGroup, StoredUser, UserKeys, UserWrite};
use scim::error::ScimError;
use scim::normalize::normalize;
use scim::patch;
use scim::patch_request::PatchRequest;
use scim::projection::Projection;
use scim::resource::{self, etag};
use scim::schema::{ResourceKind, ResourceType};
use types::ids::ResourceId;

/// Creates a user.
pub(super) async fn create(
    caller: &Caller,
    projection: &Projection,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let mut resource = normalize(ResourceType::user(), body, caller.mode)?;
    // A new user may sign in unless the client says otherwise; clients read the value back.
    resource.entry("active").or_insert(Value::Bool(true));
    let id = ResourceId::new(random_uuid());
    let write = UserWrite::of(caller.now, caller.origin.clone(), None, resource);
    caller.meter.charge_resource(write.document.len());
    let outcome = caller.app.store.create_user(caller.tenant, id, &write).await;
    let user = outcome.context("create a user")?.user;
    reply_to_write(caller, StatusCode::CREATED, projection, &user).await
}

/// Reads a user.
pub(super) async fn read(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_none_match: &IfNoneMatch,
) -> Result<Reply, ScimApiError> {
    let user = read_user(caller, id).await?;
    // A change of memberships leaves the version, so a response with `groups` has no 304.
    let has_groups = projection.needs(ResourceType::user(), "groups");
    if !has_groups && if_none_match.has(user.resource.version) {
        return Ok(Reply::not_modified(etag(user.resource.version)));
    }
    reply(caller, StatusCode::OK, projection, &user).await
}

/// Replaces a user.
pub(super) async fn replace(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    preconditions: &Preconditions,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let new = normalize(ResourceType::user(), body, caller.mode)?;
    let user = update(caller, id, preconditions, |stored| {
        Ok(resource::replace(ResourceType::user(), stored, new.clone()))
    });
    reply_to_write(caller, StatusCode::OK, projection, &user.await?).await
}

/// Applies a `PatchOp` to a user.
pub(super) async fn patch(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    preconditions: &Preconditions,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let request = PatchRequest::parse(body)?;
    let user = update(caller, id, preconditions, |stored| {
        patch::apply(ResourceType::user(), stored, &request, caller.mode)
    });
    reply_to_write(caller, StatusCode::OK, projection, &user.await?).await
}

/// Deletes a user.
pub(super) async fn delete(
    caller: &Caller,
    id: &str,
    preconditions: &Preconditions,
) -> Result<Reply, ScimApiError> {
    retry_on_conflict(|| async {
        let user = read_user(caller, id).await?;
        preconditions.check(user.resource.version)?;
        let keys = UserKeys::of(&attributes(ResourceKind::User, &user.resource)?);
        let Caller { app, tenant, now, origin, .. } = caller;
        let deleted = app.store.delete_user(*tenant, &user, &keys, *now, origin).await;
        deleted.context("delete a user")?;
        Ok(Reply::no_content())
    })
    .await
}

/// Reads a user, computes its new attributes with `change`, and stores them if they differ, or if a
/// sign-in wrote the user last.
async fn update(
    caller: &Caller,
    id: &str,
    preconditions: &Preconditions,
    change: impl Fn(&Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
) -> Result<StoredUser, ScimApiError> {
    retry_on_conflict(|| async {
        let user = read_user(caller, id).await?;
        preconditions.check(user.resource.version)?;
        let before = attributes(ResourceKind::User, &user.resource)?;
        let after = change(&before)?;
        // From now on sign-ins leave the user to SCIM, so this is a change all the same.
        let takes_over = user.sign_in_groups.is_some();
        if after == before && !takes_over {
            return Ok(user);
        }
        let keys = UserKeys::of(&before);
        let write = UserWrite::of(caller.now, caller.origin.clone(), Some((&user, &before)), after);
        caller.meter.charge_resource(write.document.len());
        let outcome = caller.app.store.replace_user(caller.tenant, &user, &keys, &write).await;
        Ok(outcome.context("update a user")?.user)
    })
    .await
}

async fn read_user(caller: &Caller, id: &str) -> Result<StoredUser, ScimApiError> {
    let not_found = || ScimError::NotFound(ResourceKind::User.as_str().to_owned());
    let id: ResourceId = id.parse().map_err(|_| not_found())?;
    let user = caller.app.store.user(caller.tenant, id).await.context("read a user")?;
    let user = user.ok_or_else(not_found)?;
    caller.meter.charge_resource(user.resource.document.len());
    Ok(user)
}

/// As [`reply`], but without the user if that costs too much: the write has happened, so the reply must
/// not be an error.
async fn reply_to_write(
    caller: &Caller,
    status: StatusCode,
    projection: &Projection,
    user: &StoredUser,
) -> Result<Reply, ScimApiError> {
    match reply(caller, status, projection, user).await {
        Err(ScimApiError::Scim(ScimError::TooMany(_))) => Ok(Reply {
            status: if status == StatusCode::CREATED { status } else { StatusCode::NO_CONTENT },
            etag: Some(etag(user.resource.version)),
            location: Some(location(caller, ResourceKind::User, &user.resource)),
            body: None,
        }),
        replied => replied,
    }
}

async fn reply(
    caller: &Caller,
    status: StatusCode,
    projection: &Projection,
    user: &StoredUser,
) -> Result<Reply, ScimApiError> {
    Ok(Reply {
        status,
        etag: Some(etag(user.resource.version)),
        location: Some(location(caller, ResourceKind::User, &user.resource)),
        body: Some(render(caller, projection, user).await?),
    })
}

/// Renders a user as JSON text: with `id`, `meta` and the attributes that the client selects.
pub(super) async fn render(
    caller: &Caller,
    projection: &Projection,
    user: &StoredUser,
) -> Result<String, ScimApiError> {
    let resource_type = ResourceType::user();
    if projection.is_default() {
        return Ok(render_stored_text(caller, ResourceKind::User, &user.resource));
    }
    let mut resource = render_stored(caller, ResourceKind::User, &user.resource)?;
    if projection.needs(resource_type, "groups") {
        let groups = read_groups(caller, user.resource.id).await?;
        insert_groups(caller, &mut resource, &groups);
    }
    caller.project(projection, resource_type, &mut resource)?;
    Ok(Value::Object(resource).to_string())
}

/// A group that a user is a member of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct GroupOfUser {
    pub(super) id: ResourceId,
    /// `displayName` of the group. `None` if it is not read, since no one asks for it.
    pub(super) display: Option<String>,
}

/// Reads the groups that a user is a member of, with their names.
pub(super) async fn read_groups(
    caller: &Caller,
    user: ResourceId,
) -> Result<Vec<GroupOfUser>, ScimApiError> {
    let groups = caller.app.store.groups_of(caller.tenant, user).await;
    let groups = groups.context("read the groups of a user")?;
    caller.charge_memberships(groups.len());
    let with_name = |group: &StoredGroup| {
        let attributes = attributes(ResourceKind::Group, &group.resource)?;
        let display = resource::display_name(&attributes).map(str::to_owned);
        Ok(GroupOfUser { id: group.resource.id, display })
    };
    groups.iter().map(with_name).collect()
}

/// Adds `groups` to a rendered user.
pub(super) fn insert_groups(
    caller: &Caller,
    user: &mut Map<String, Value>,
    groups: &[GroupOfUser],
) {
    let groups = groups.iter().map(|GroupOfUser { id, display }| {
        let location = format!("{}/Groups/{id}", caller.scim_url);
        let mut group = json!({"value": id, "$ref": location, "type": "direct"});
        if let (Value::Object(group), Some(display)) = (&mut group, display) {
            group.insert("display".to_owned(), display.as_str().into());
        }
        group
    });
    user.insert("groups".to_owned(), groups.collect());
}
