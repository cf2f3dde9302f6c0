//! The response message to a list or search request (RFC 7644 §3.4.2, RFC 9865 §2).

use serde::Serialize;

use crate::discovery::LIST_RESPONSE;

/// One page of resources. `R` serialises to a JSON object.
///
/// `Resources` is present even if it is empty: Entra ID, Okta and OneLogin probe with a name that
/// does not exist and expect the empty array.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResponse<R> {
    schemas: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    total_results: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_index: Option<u64>,
    items_per_page: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(rename = "Resources")]
    resources: Vec<R>,
}

impl<R> ListResponse<R> {
    /// Makes a page by index. `start_index` is the requested 1-based index of its first resource.
    pub const fn by_index(total_results: u64, start_index: u64, resources: Vec<R>) -> Self {
        Self {
            schemas: [LIST_RESPONSE],
            total_results: Some(total_results),
            start_index: Some(start_index),
            items_per_page: resources.len(),
            previous_cursor: None,
            next_cursor: None,
            resources,
        }
    }

    /// Makes a page by cursor. A page without `next_cursor` is the last one. The total may be
    /// absent where it would cost more than the page (RFC 9865 §2).
    pub const fn by_cursor(
        total_results: Option<u64>,
        previous_cursor: Option<String>,
        next_cursor: Option<String>,
        resources: Vec<R>,
    ) -> Self {
        Self {
            schemas: [LIST_RESPONSE],
            total_results,
            start_index: None,
            items_per_page: resources.len(),
            previous_cursor,
            next_cursor,
            resources,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_empty_page_by_index_has_every_member() {
        let page = ListResponse::<Value>::by_index(0, 1, Vec::new());
        insta::assert_snapshot!(serde_json::to_string(&page).unwrap(), @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#);
        let page = ListResponse::by_index(7, 3, vec![json!({"id": "1"}), json!({"id": "2"})]);
        insta::assert_snapshot!(serde_json::to_string(&page).unwrap(), @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"startIndex":3,"itemsPerPage":2,"Resources":[{"id":"1"},{"id":"2"}]}"#);
    }

    #[test]
    fn a_page_by_cursor_omits_absent_cursors() {
        let next = Some("abc".to_owned());
        let page = ListResponse::by_cursor(Some(7), None, next, vec![json!({"id": "1"})]);
        insta::assert_snapshot!(serde_json::to_string(&page).unwrap(), @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"itemsPerPage":1,"nextCursor":"abc","Resources":[{"id":"1"}]}"#);
        let page = ListResponse::by_cursor(Some(1), None, None, vec![json!({"id": "1"})]);
        insta::assert_snapshot!(serde_json::to_string(&page).unwrap(), @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"itemsPerPage":1,"Resources":[{"id":"1"}]}"#);
    }
}
