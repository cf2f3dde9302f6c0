//! The attributes and the response form of a stored resource of either kind.

use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::ScimApiError;
use crate::store::Versioned;
use scim::resource::{Meta, render, render_text};
use scim::schema::ResourceKind;

/// Parses the attributes of a stored resource.
pub(super) fn attributes(
    kind: ResourceKind,
    stored: &Versioned,
) -> Result<Map<String, Value>, ScimApiError> {
    serde_json::from_str(&stored.document).map_err(|source| ScimApiError::Document { kind, source })
}

/// Renders the attributes of a stored resource with `id` and `meta`. It has no memberships:
/// `groups` of a user and `members` of a group are rows of their own.
pub(super) fn render_stored(
    caller: &Caller,
    kind: ResourceKind,
    stored: &Versioned,
) -> Result<Map<String, Value>, ScimApiError> {
    Ok(render(kind.resource_type(), attributes(kind, stored)?, &meta(caller, stored)))
}

/// As [`render_stored`], but as JSON text and without parsing the document.
pub(super) fn render_stored_text(
    caller: &Caller,
    kind: ResourceKind,
    stored: &Versioned,
) -> String {
    render_text(kind.resource_type(), &stored.document, &meta(caller, stored))
}

/// Returns the URL of a stored resource.
pub(super) fn location(caller: &Caller, kind: ResourceKind, stored: &Versioned) -> String {
    meta(caller, stored).location(kind.resource_type())
}

fn meta<'a>(caller: &'a Caller, stored: &Versioned) -> Meta<'a> {
    Meta {
        id: stored.id,
        created: stored.created,
        last_modified: stored.last_modified,
        version: stored.version,
        base_url: &caller.scim_url,
    }
}
