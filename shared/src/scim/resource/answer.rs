//! The form in which a resource is answered.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::ids::ResourceId;
use crate::scim::schema::ResourceType;

/// What the service knows of a resource beside its attributes (RFC 7643 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// The identifier.
    pub id: ResourceId,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// How often it was changed.
    pub version: u64,
    /// What the client reaches us by, up to and without the resource's endpoint.
    pub base_url: &'a str,
}

impl Meta<'_> {
    /// The address of the resource.
    pub fn location(&self, of: &ResourceType) -> String {
        format!("{}{}/{}", self.base_url, of.endpoint, self.id)
    }

    /// The entity tag of the version, weak since an answer may be a projection (RFC 7644 §3.14).
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

/// Adds `id` and `meta` to a stored resource.
pub fn answer(
    of: &ResourceType,
    resource: Map<String, Value>,
    meta: &Meta<'_>,
) -> Map<String, Value> {
    let mut answer = Map::with_capacity(resource.len() + 2);
    let mut id = Some(meta.id.to_string());
    for (name, value) in resource {
        let is_schemas = name == "schemas";
        answer.insert(name, value);
        if is_schemas && let Some(id) = id.take() {
            answer.insert("id".to_owned(), id.into());
        }
    }
    if let Some(id) = id {
        answer.insert("id".to_owned(), id.into());
    }
    answer.insert(
        "meta".to_owned(),
        json!({
            "resourceType": of.name,
            "created": format!("{:.3}", meta.created),
            "lastModified": format!("{:.3}", meta.last_modified),
            "location": meta.location(of),
            "version": meta.etag(),
        }),
    );
    answer
}
