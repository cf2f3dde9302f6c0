//! PUT (RFC 7644 §3.5.1).

use serde_json::{Map, Value};

use super::write_schemas;
use crate::licence;
use crate::schema::ResourceType;

/// What a PUT of `new` makes of the `stored` resource, both normalised.
///
/// What the body leaves out is cleared, with two exceptions that RFC 7644 §3.5.1 allows as values
/// the service asserts: a client that says nothing of `active` neither deactivates nor reactivates
/// anybody, and one that says nothing of the licence changes nobody's seat. `id` and `meta` are no
/// part of a stored resource.
pub fn replace(
    of: &ResourceType,
    stored: &Map<String, Value>,
    mut new: Map<String, Value>,
) -> Map<String, Value> {
    keep_active(of, stored, &mut new);
    licence::keep(stored, &mut new);
    write_schemas(of, &mut new);
    new
}

/// Carries `active` of the stored user over to one that does not say it.
///
/// Who has no `active` may sign in, so to clear it would let somebody in who was shut out, and take
/// a seat.
fn keep_active(of: &ResourceType, stored: &Map<String, Value>, new: &mut Map<String, Value>) {
    if of.schema.attribute("active").is_some()
        && !new.contains_key("active")
        && let Some(active) = stored.get("active")
    {
        new.insert("active".to_owned(), active.clone());
    }
}
