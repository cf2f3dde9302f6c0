//! Builds the discovery documents: `/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes`
//! (RFC 7644 §4, RFC 7643 §5 to §7, RFC 9865 §4).
//!
//! The documents of two deployments differ only in their base URL. The limits that they announce
//! are constants here.

use serde_json::{Value, json};

use crate::schema::{self, ResourceType, Schema};

/// Maximum number of operations in one bulk request.
pub const BULK_MAX_OPERATIONS: usize = 1_000;
/// Maximum size of a request body, in bytes; announced as `bulk.maxPayloadSize` (RFC 7644 §3.7.4).
pub const MAX_BODY_BYTES: usize = 1_048_576;
/// Maximum number of resources in one response; also the largest page.
pub const MAX_RESULTS: usize = 1_000;
/// Number of resources per page if the request has no `count`.
pub const DEFAULT_PAGE_SIZE: usize = 100;
/// Lifetime of a cursor, in seconds.
pub const CURSOR_TIMEOUT_SECONDS: u32 = 3_600;
/// Schema URN of a list response (RFC 7644 §3.4.2).
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Returns `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4).
pub fn service_provider_config(base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": BULK_MAX_OPERATIONS,
            "maxPayloadSize": MAX_BODY_BYTES,
        },
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_PAGE_SIZE,
            "maxPageSize": MAX_RESULTS,
            "cursorTimeout": CURSOR_TIMEOUT_SECONDS,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A SCIM token from the portal, in the header Authorization (RFC 6750).",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    })
}

/// Returns `/Schemas` (RFC 7643 §7).
pub fn schemas(base_url: &str) -> Value {
    let documents: Vec<_> =
        schema::all().iter().map(|schema| schema_document(schema, base_url)).collect();
    list(&documents)
}

/// Returns `/Schemas/{urn}`, in any letter case; `None` for an unknown URN.
pub fn schema(urn: &str, base_url: &str) -> Option<Value> {
    schema::schema(urn).map(|schema| schema_document(schema, base_url))
}

/// Returns `/ResourceTypes` (RFC 7643 §6).
pub fn resource_types(base_url: &str) -> Value {
    list(&ResourceType::all().map(|known| resource_type_document(known, base_url)))
}

/// Returns `/ResourceTypes/{name}`; `None` for an unknown name.
pub fn resource_type(name: &str, base_url: &str) -> Option<Value> {
    let found = ResourceType::all().into_iter().find(|known| known.name() == name)?;
    Some(resource_type_document(found, base_url))
}

fn schema_document(schema: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes,
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base_url}/Schemas/{}", schema.id),
        },
    })
}

fn resource_type_document(resource_type: &ResourceType, base_url: &str) -> Value {
    let name = resource_type.name();
    let extensions: Vec<_> = resource_type
        .extensions
        .iter()
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{name}"),
        },
    })
}

fn list(resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER, GROUP, USER};

    const BASE: &str = "https://id.example/scim/v2";

    #[test]
    fn every_schema_is_listed_and_found_by_its_urn() {
        let listed = schemas(BASE);
        assert_eq!(listed["totalResults"], 9);
        for document in listed["Resources"].as_array().unwrap() {
            let urn = document["id"].as_str().unwrap();
            assert_eq!(schema(&urn.to_uppercase(), BASE).as_ref(), Some(document));
            assert_eq!(document["meta"]["location"], format!("{BASE}/Schemas/{urn}"));
        }
        assert_eq!(schema("urn:example", BASE), None);
    }

    #[test]
    fn a_schema_is_served_as_its_document() {
        let document: Value = serde_json::from_str(include_str!("schemas/group.json")).unwrap();
        assert_eq!(schema(GROUP, BASE).unwrap()["attributes"], document["attributes"]);
    }

    /// Names the members of a document that its schema does not declare.
    fn undeclared(document: &Value) -> Vec<&str> {
        let schema = schema(document["schemas"][0].as_str().unwrap(), BASE).unwrap();
        let declared: Vec<_> = schema["attributes"].as_array().unwrap().iter().collect();
        let is_declared = |name: &str| declared.iter().any(|known| known["name"] == name);
        let names = document.as_object().unwrap().keys().map(String::as_str);
        names.filter(|name| !["schemas", "meta"].contains(name) && !is_declared(name)).collect()
    }

    #[test]
    fn the_discovery_documents_have_schemas_that_declare_their_members() {
        assert_eq!(undeclared(&service_provider_config(BASE)), [""; 0]);
        assert_eq!(undeclared(&resource_type("User", BASE).unwrap()), [""; 0]);
        assert_eq!(undeclared(&schema(GROUP, BASE).unwrap()), [""; 0]);
    }

    #[test]
    fn resource_types_name_their_schemas() {
        let user = resource_type("User", BASE).unwrap();
        assert_eq!(user["schema"], USER);
        assert_eq!(user["schemaExtensions"][0]["schema"], ENTERPRISE_USER);
        assert_eq!(resource_types(BASE)["Resources"][0], user);
        assert_eq!(resource_type("Device", BASE), None);
    }

    #[test]
    fn the_configuration_announces_both_ways_to_page() {
        let config = service_provider_config(BASE);
        assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
        assert_eq!(config["pagination"]["cursor"], true);
        assert_eq!(config["patch"]["supported"], true);
        assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
    }
}
