//! Replaces a resource by the body of a PUT (RFC 7644 §3.5.1).

use serde_json::{Map, Value};

use super::write_schemas;
use crate::licence;
use crate::schema::ResourceType;

/// Returns the resource after a PUT of `new` on `stored`, both normalised.
///
/// An attribute that the body omits is cleared, with two exceptions that RFC 7644 §3.5.1 allows as
/// values asserted by the service: a body without `active` neither deactivates nor reactivates the
/// user, and a body without a licence leaves the seat as it is.
pub fn replace(
    resource_type: &ResourceType,
    stored: &Map<String, Value>,
    mut new: Map<String, Value>,
) -> Map<String, Value> {
    keep_active(resource_type, stored, &mut new);
    licence::carry_over(stored, &mut new);
    write_schemas(resource_type, &mut new);
    new
}

/// Copies `active` of the stored user to a new one without it.
///
/// A user without `active` may sign in, so clearing it would reactivate a deactivated user and take
/// a seat.
fn keep_active(
    resource_type: &ResourceType,
    stored: &Map<String, Value>,
    new: &mut Map<String, Value>,
) {
    if resource_type.schema.attribute("active").is_some()
        && !new.contains_key("active")
        && let Some(active) = stored.get("active")
    {
        new.insert("active".to_owned(), active.clone());
    }
}
