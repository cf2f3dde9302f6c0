//! The form in which a resource is answered.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::schema::ResourceType;
use types::ids::ResourceId;

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

    fn to_json(self, of: &ResourceType) -> Value {
        json!({
            "resourceType": of.name,
            "created": format!("{:.3}", self.created),
            "lastModified": format!("{:.3}", self.last_modified),
            "location": self.location(of),
            "version": self.etag(),
        })
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
    answer.insert("meta".to_owned(), meta.to_json(of));
    answer
}

/// The same for the text of a stored resource, without reading it: what is asked for most, a whole
/// user or a page of them, then costs no parsing.
///
/// The text must be that of a JSON object with at least one member, as every stored one has.
pub fn answer_text(of: &ResourceType, resource: &str, meta: &Meta<'_>) -> String {
    let members = resource.strip_prefix('{').unwrap_or(resource);
    let members = members.strip_suffix('}').unwrap_or(members);
    format!("{{\"id\":\"{}\",{members},\"meta\":{}}}", meta.id, meta.to_json(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_answer_says_what_the_answer_says() {
        let of = ResourceType::user();
        let stored = json!({"schemas": [of.schema.id], "userName": "a\"}{", "name": {}});
        let meta = Meta {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            created: Timestamp::UNIX_EPOCH,
            last_modified: Timestamp::UNIX_EPOCH,
            version: 3,
            base_url: "https://id.example/\"",
        };
        let text = answer_text(of, &stored.to_string(), &meta);
        let Value::Object(stored) = stored else { panic!("an object") };
        assert_eq!(
            serde_json::from_str::<Map<String, Value>>(&text).unwrap(),
            answer(of, stored, &meta)
        );
    }
}
