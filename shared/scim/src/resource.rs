//! Stored resources: their invariants, the attributes that the store indexes, and their response
//! form.
//!
//! A resource is a JSON object in normal form. It has `schemas`, `externalId`, the attributes that
//! the schemas declare and, in lenient mode, those that the client added. It never has `id`,
//! `meta`, `groups` or `password`. [`crate::normalize`] and [`crate::patch`] make resources and
//! pass each one to `complete`.

mod limits;
mod read;
mod render;
mod replace;

use serde_json::{Map, Value};

pub use self::limits::MAX_EMAILS;
pub use self::read::{active, display_name, emails, external_id, primary_email, user_name};
pub use self::render::{Meta, etag, render, render_text};
pub use self::replace::replace;
use crate::error::ScimError;
use crate::licence;
use crate::schema::ResourceType;

/// Completes a resource: writes `schemas`, and checks required attributes, licence and limits.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if a required attribute is missing, the licence is unknown, or a
/// limit is exceeded.
pub(crate) fn complete(
    resource_type: &ResourceType,
    resource: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    for attribute in &resource_type.schema.attributes {
        if attribute.required && !resource.get(&attribute.name).is_some_and(has_content) {
            return Err(ScimError::InvalidValue(format!("{} is required", attribute.name)));
        }
    }
    licence::check(resource)?;
    write_schemas(resource_type, resource);
    limits::check(resource_type, resource)
}

/// Lists in `schemas` the core schema and every extension with a value (RFC 7643 §3).
///
/// An undeclared extension is an object under a URN.
fn write_schemas(resource_type: &ResourceType, resource: &mut Map<String, Value>) {
    let mut schemas = vec![Value::from(resource_type.schema.id.as_str())];
    schemas.extend(
        resource
            .iter()
            .filter(|(name, value)| name.contains(':') && value.is_object())
            .map(|(name, _)| Value::from(name.as_str())),
    );
    resource.insert("schemas".to_owned(), Value::Array(schemas));
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}
