//! Renders a stored resource for a response.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::schema::ResourceType;
use types::ids::ResourceId;

/// Data that the service holds about a resource (RFC 7643 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// Value of `id`.
    pub id: ResourceId,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of the last change.
    pub last_modified: Timestamp,
    /// Version, which increases with every change.
    pub version: u64,
    /// Base URL of SCIM as the client reaches it, as `https://example.com/scim/v2`.
    pub base_url: &'a str,
}

impl Meta<'_> {
    /// Returns the URL of the resource.
    pub fn location(&self, resource_type: &ResourceType) -> String {
        format!("{}{}/{}", self.base_url, resource_type.endpoint, self.id)
    }

    fn to_json(self, resource_type: &ResourceType) -> Value {
        json!({
            "resourceType": resource_type.name(),
            "created": format!("{:.3}", self.created),
            "lastModified": format!("{:.3}", self.last_modified),
            "location": self.location(resource_type),
            "version": etag(self.version),
        })
    }
}

/// Returns the entity tag of a version, as `W/"3"`. It is weak, since a response may be a
/// projection (RFC 7644 §3.14).
pub fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// Adds `id` and `meta` to a stored resource.
pub fn render(
    resource_type: &ResourceType,
    resource: Map<String, Value>,
    meta: &Meta<'_>,
) -> Map<String, Value> {
    let mut rendered = Map::with_capacity(resource.len() + 2);
    let mut id = Some(meta.id.to_string());
    for (name, value) in resource {
        let is_schemas = name == "schemas";
        rendered.insert(name, value);
        if is_schemas && let Some(id) = id.take() {
            rendered.insert("id".to_owned(), id.into());
        }
    }
    if let Some(id) = id {
        rendered.insert("id".to_owned(), id.into());
    }
    rendered.insert("meta".to_owned(), meta.to_json(resource_type));
    rendered
}

/// Adds `id` and `meta` to the text of a stored resource. The most frequent responses, a whole user
/// and a page of them, then need no parsing.
///
/// The text must be a JSON object with at least one member, as every stored resource is.
pub fn render_text(resource_type: &ResourceType, resource: &str, meta: &Meta<'_>) -> String {
    let members = resource.strip_prefix('{').unwrap_or(resource);
    let members = members.strip_suffix('}').unwrap_or(members);
    format!("{{\"id\":\"{}\",{members},\"meta\":{}}}", meta.id, meta.to_json(resource_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rendered_text_equals_the_rendered_resource() {
        let resource_type = ResourceType::user();
        let stored = json!({"schemas": [resource_type.schema.id], "userName": "a\"}{", "name": {}});
        let meta = Meta {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            created: Timestamp::UNIX_EPOCH,
            last_modified: Timestamp::UNIX_EPOCH,
            version: 3,
            base_url: "https://id.example/\"",
        };
        let text = render_text(resource_type, &stored.to_string(), &meta);
        let Value::Object(stored) = stored else { panic!("an object") };
        assert_eq!(
            serde_json::from_str::<Map<String, Value>>(&text).unwrap(),
            render(resource_type, stored, &meta)
        );
    }
}
