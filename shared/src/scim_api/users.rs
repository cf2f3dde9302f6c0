//! `/Users`: create, read, replace, patch, delete (RFC 7644 §3.3 to §3.6).

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::ScimApiError;
use super::precondition::{IfMatch, IfNoneMatch, etag};
use super::reply::Reply;
use super::retry::until_first;
use crate::clock::random_uuid;
use crate::store::{StoredUser, UserKeys, UserWrite};
use scim::error::ScimError;
use scim::patch::{self, PatchRequest};
use scim::projection::Projection;
use scim::resource::{self, Meta};
use scim::schema::ResourceType;
use types::ids::ResourceId;

/// Reads a user.
pub(super) async fn read(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_none_match: &IfNoneMatch,
) -> Result<Reply, ScimApiError> {
    let user = stored(caller, id).await?;
    // Memberships change without the user's version, so it says nothing of an answer with them.
    let has_groups = projection.needs(ResourceType::user(), "groups");
    if !has_groups && if_none_match.names(user.resource.version) {
        return Ok(Reply::not_modified(etag(user.resource.version)));
    }
    reply(caller, StatusCode::OK, projection, user).await
}

/// Creates a user.
pub(super) async fn add(
    caller: &Caller,
    projection: &Projection,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let mut resource = resource::normalize(ResourceType::user(), body, caller.mode)?;
    // Who is created without a word about it may sign in, and clients read that back.
    resource.entry("active").or_insert(Value::Bool(true));
    let id = ResourceId::new(random_uuid());
    let write = UserWrite::of(caller.now, None, resource);
    let outcome = caller.app.store.create_user(caller.tenant, id, &write).await?;
    reply(caller, StatusCode::CREATED, projection, outcome.user).await
}

/// Replaces a user.
pub(super) async fn put(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_match: &IfMatch,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let of = ResourceType::user();
    let new = resource::normalize(of, body, caller.mode)?;
    change(caller, projection, id, if_match, |before| {
        Ok(resource::replace(of, before, new.clone()))
    })
    .await
}

/// Applies a `PatchOp` to a user.
pub(super) async fn modify(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_match: &IfMatch,
    body: Value,
) -> Result<Reply, ScimApiError> {
    let request = PatchRequest::parse(body)?;
    change(caller, projection, id, if_match, |before| {
        patch::apply(ResourceType::user(), before, &request, caller.mode)
    })
    .await
}

/// Deletes a user.
pub(super) async fn remove(
    caller: &Caller,
    id: &str,
    if_match: &IfMatch,
) -> Result<Reply, ScimApiError> {
    until_first(|| async {
        let user = stored(caller, id).await?;
        if_match.check(user.resource.version)?;
        let keys = UserKeys::of(&document(&user)?);
        caller.app.store.delete_user(caller.tenant, &user, &keys, caller.now).await?;
        Ok(Reply::no_content())
    })
    .await
}

/// Reads, changes by a pure function, stores; again when somebody else was faster.
async fn change(
    caller: &Caller,
    projection: &Projection,
    id: &str,
    if_match: &IfMatch,
    change: impl Fn(&Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
) -> Result<Reply, ScimApiError> {
    let changed = until_first(|| async {
        let user = stored(caller, id).await?;
        if_match.check(user.resource.version)?;
        let before = document(&user)?;
        let after = change(&before)?;
        if after == before {
            return Ok(user);
        }
        let keys = UserKeys::of(&before);
        let write = UserWrite::of(caller.now, Some((&user, &before)), after);
        Ok(caller.app.store.replace_user(caller.tenant, &user, &keys, &write).await?.user)
    });
    reply(caller, StatusCode::OK, projection, changed.await?).await
}

async fn stored(caller: &Caller, id: &str) -> Result<StoredUser, ScimApiError> {
    let gone = || ScimError::NotFound("User".to_owned());
    let id: ResourceId = id.parse().map_err(|_| gone())?;
    Ok(caller.app.store.user(caller.tenant, id).await?.ok_or_else(gone)?)
}

/// The attributes of a stored user.
pub(super) fn document(user: &StoredUser) -> Result<Map<String, Value>, ScimApiError> {
    serde_json::from_str(&user.resource.document)
        .map_err(|source| ScimApiError::Document { resource_type: "User", source })
}

async fn reply(
    caller: &Caller,
    status: StatusCode,
    projection: &Projection,
    user: StoredUser,
) -> Result<Reply, ScimApiError> {
    let resource = shown(caller, projection, &user).await?;
    Ok(Reply {
        status,
        etag: Some(etag(user.resource.version)),
        location: Some(meta(&user, &caller.scim_url).location(ResourceType::user())),
        body: Some(resource),
    })
}

/// A user as it is answered, as JSON text: with `id` and `meta`, and as much of it as the client
/// asked for.
pub(super) async fn shown(
    caller: &Caller,
    projection: &Projection,
    user: &StoredUser,
) -> Result<String, ScimApiError> {
    let of = ResourceType::user();
    if projection.is_default() {
        return Ok(resource::answer_text(
            of,
            &user.resource.document,
            &meta(user, &caller.scim_url),
        ));
    }
    let mut resource = bare(caller, user)?;
    if projection.needs(of, "groups") {
        let groups = groups_of(caller, user).await?;
        put_groups(caller, &mut resource, &groups);
    }
    projection.apply(of, &mut resource);
    Ok(Value::Object(resource).to_string())
}

/// All attributes but `groups`, which costs a call.
pub(super) fn bare(caller: &Caller, user: &StoredUser) -> Result<Map<String, Value>, ScimApiError> {
    let meta = meta(user, &caller.scim_url);
    Ok(resource::answer(ResourceType::user(), document(user)?, &meta))
}

/// The groups that a user is in.
pub(super) async fn groups_of(
    caller: &Caller,
    user: &StoredUser,
) -> Result<Vec<ResourceId>, ScimApiError> {
    Ok(caller.app.store.group_ids_of(caller.tenant, user.resource.id).await?)
}

/// Shows a user in groups.
pub(super) fn put_groups(caller: &Caller, user: &mut Map<String, Value>, groups: &[ResourceId]) {
    let groups = groups.iter().map(|group| {
        let location = format!("{}/Groups/{group}", caller.scim_url);
        json!({"value": group, "$ref": location, "type": "direct"})
    });
    user.insert("groups".to_owned(), groups.collect());
}

fn meta<'a>(user: &StoredUser, base_url: &'a str) -> Meta<'a> {
    Meta {
        id: user.resource.id,
        created: user.resource.created,
        last_modified: user.resource.last_modified,
        version: user.resource.version,
        base_url,
    }
}
