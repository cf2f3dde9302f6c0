//! Parses list and search requests: filter, projection, sort and page (RFC 7644 §3.4.2, §3.4.3).

use std::borrow::Cow;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::discovery::{DEFAULT_PAGE_SIZE, MAX_RESULTS};
use crate::error::ScimError;
use crate::filter::Filter;
use crate::json::member;
use crate::matcher;
use crate::projection::Projection;
use crate::schema::ResourceType;
use crate::sort::{Sort, SortOrder};
use crate::target::check_path;

/// Schema URN of a search request.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A list or search request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListQuery {
    /// Selects the resources. `None` selects all.
    pub filter: Option<Filter>,
    /// Selects the attributes of each resource.
    pub projection: Projection,
    /// Order of the resources. `None` is the order of their ids.
    pub sort: Option<Sort>,
    /// Selects the page.
    pub paging: Paging,
}

/// The requested page of the results.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Paging {
    /// By position (RFC 7644 §3.4.2.4).
    Index {
        /// 1-based index of the first resource.
        start_index: u64,
        /// Maximum number of resources to return, 0 to [`MAX_RESULTS`].
        count: usize,
    },
    /// By cursor (RFC 9865).
    Cursor {
        /// The cursor as sent. `None` is the first page.
        cursor: Option<String>,
        /// Maximum number of resources to return, 0 to [`MAX_RESULTS`].
        count: usize,
    },
}

impl Default for Paging {
    fn default() -> Self {
        Self::Index { start_index: 1, count: DEFAULT_PAGE_SIZE }
    }
}

impl ListQuery {
    /// Parses a raw query string, still percent-encoded, in which `+` is a blank.
    ///
    /// Names compare without letter case. Unknown ones are ignored, among them `aadOptscim062020`,
    /// which administrators of Entra ID add to the base URL.
    ///
    /// Tolerance: in a query that also has `%20`, `+` is a plus, if the query has a meaning then.
    /// Its client encodes blanks as `%20` and left the plus of an address as it is.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidFilter`], [`ScimError::InvalidPath`] or [`ScimError::InvalidValue`] for
    /// a parameter that is malformed, repeated or excludes another one.
    pub fn parse(raw_query: &str) -> Result<Self, ScimError> {
        if raw_query.contains('+') && raw_query.contains("%20") {
            let with_plus = raw_query.replace('+', "%2B");
            if let Ok(query) = Self::parse_form(&with_plus) {
                return Ok(query);
            }
        }
        Self::parse_form(raw_query)
    }

    /// Parses a query string in the form of RFC 1866, in which `+` is a blank.
    fn parse_form(raw_query: &str) -> Result<Self, ScimError> {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(raw_query.as_bytes()) {
            // The decoder writes this where the query is not UTF-8.
            if value.contains(char::REPLACEMENT_CHARACTER) && name.eq_ignore_ascii_case("filter") {
                return Err(ScimError::InvalidFilter("is not UTF-8".to_owned()));
            }
            parameters.set(&name, value)?;
        }
        let Parameters {
            filter,
            attributes,
            excluded_attributes,
            sort_by,
            sort_order,
            start_index,
            count,
            cursor,
        } = parameters;
        Ok(Self {
            filter: parse_filter(filter.as_deref())?,
            projection: Projection::parse(attributes.as_deref(), excluded_attributes.as_deref())?,
            sort: Sort::parse(sort_by.as_deref(), sort_order.as_deref())?,
            paging: parse_paging(
                parse_number("startIndex", start_index.as_deref())?,
                parse_number("count", count.as_deref())?,
                cursor,
            )?,
        })
    }

    /// Parses the body of a `.search` request (RFC 7644 §3.4.3).
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], and [`ScimError::InvalidSyntax`] if the body is another message.
    pub fn from_search(body: &Value) -> Result<Self, ScimError> {
        let body = body.as_object().filter(|body| is_search(body)).ok_or_else(|| {
            ScimError::InvalidSyntax(format!(
                "the body must be an object of schema {SEARCH_REQUEST}"
            ))
        })?;
        let get = |name: &str| member(body, name).filter(|value| !value.is_null());
        let text = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(&**text)),
            Some(_) => Err(ScimError::InvalidValue(format!("{name} must be a string"))),
        };
        let number = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => parse_number(name, Some(text)),
            Some(value) => parse_number(name, Some(&value.to_string())),
        };
        Ok(Self {
            filter: parse_filter(text("filter")?)?,
            projection: Projection::from_json(get("attributes"), get("excludedAttributes"))?,
            sort: Sort::parse(text("sortBy")?, text("sortOrder")?)?,
            paging: parse_paging(
                number("startIndex")?,
                number("count")?,
                text("cursor")?.map(Cow::Borrowed),
            )?,
        })
    }

    /// Checks the names and comparisons of a query for these resource types, see
    /// [`matcher::check()`].
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidFilter`] if a comparison is not defined for its attribute,
    /// [`ScimError::InvalidPath`] if `attributes`, `excludedAttributes` or `sortBy` has a name like
    /// ours that names nothing.
    pub fn check(&self, resource_types: &[&ResourceType]) -> Result<(), ScimError> {
        if let Some(filter) = &self.filter {
            matcher::check(filter, resource_types)?;
        }
        self.projection.check(resource_types)?;
        self.sort.as_ref().map_or(Ok(()), |sort| check_path(&sort.by, resource_types))
    }

    /// Returns a digest of the filter and the order, which bind a cursor to its query. It is the
    /// same for every page and every projection.
    pub fn digest(&self) -> [u8; 32] {
        let filter = self.filter.as_ref().map(ToString::to_string).unwrap_or_default();
        let order = self.sort.as_ref().map(|sort| match sort.order {
            SortOrder::Ascending => format!("{} ascending", sort.by),
            SortOrder::Descending => format!("{} descending", sort.by),
        });
        // No filter prints a line break, so the two parts cannot run into each other.
        let text = format!("{filter}\n{}", order.unwrap_or_default());
        Sha256::digest(text).into()
    }
}

/// The known query parameters, decoded.
#[derive(Default)]
struct Parameters<'q> {
    filter: Option<Cow<'q, str>>,
    attributes: Option<Cow<'q, str>>,
    excluded_attributes: Option<Cow<'q, str>>,
    sort_by: Option<Cow<'q, str>>,
    sort_order: Option<Cow<'q, str>>,
    start_index: Option<Cow<'q, str>>,
    count: Option<Cow<'q, str>>,
    cursor: Option<Cow<'q, str>>,
}

impl<'q> Parameters<'q> {
    fn set(&mut self, name: &str, value: Cow<'q, str>) -> Result<(), ScimError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let list = if is("attributes") {
            Some(&mut self.attributes)
        } else if is("excludedAttributes") {
            Some(&mut self.excluded_attributes)
        } else {
            None
        };
        if let Some(list) = list {
            append_to_list(list, value);
            return Ok(());
        }
        let slot = if is("filter") {
            &mut self.filter
        } else if is("sortBy") {
            &mut self.sort_by
        } else if is("sortOrder") {
            &mut self.sort_order
        } else if is("startIndex") {
            &mut self.start_index
        } else if is("count") {
            &mut self.count
        } else if is("cursor") {
            &mut self.cursor
        } else {
            return Ok(());
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(ScimError::InvalidValue(format!("{name} is sent twice"))),
        }
    }
}

/// Appends to a list that may be sent in several parameters: `attributes=a&attributes=b`.
pub fn append_to_list<'q>(list: &mut Option<Cow<'q, str>>, value: Cow<'q, str>) {
    *list = Some(match list.take() {
        Some(first) => Cow::Owned(format!("{first},{value}")),
        None => value,
    });
}

/// Returns whether a body is a search request. Tolerance: a body without `schemas` is one by its
/// endpoint; only a body that names another schema is rejected.
fn is_search(body: &Map<String, Value>) -> bool {
    match member(body, "schemas") {
        None | Some(Value::Null) => true,
        Some(Value::Array(urns)) => {
            let mut texts = urns.iter().filter_map(Value::as_str);
            urns.is_empty() || texts.any(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST))
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    }
}

/// Parses a filter. Tolerance: `filter=` without a value counts as absent. Clients with a fixed URL
/// template send it if their filter field is empty.
fn parse_filter(text: Option<&str>) -> Result<Option<Filter>, ScimError> {
    text.filter(|text| !text.trim().is_empty()).map(Filter::parse).transpose()
}

/// Parses a whole number. A number beyond 64 bits becomes the nearest limit: it is clamped anyway.
fn parse_number(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let (digits, limit) = match text.strip_prefix('-') {
        Some(digits) => (digits, i64::MIN),
        None => (text, i64::MAX),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::InvalidValue(format!("{name} must be a whole number")));
    }
    Ok(Some(text.parse().unwrap_or(limit)))
}

/// Applies RFC 7644 §3.4.2.4: a `startIndex` below 1 counts as 1, a negative `count` as 0.
fn parse_paging(
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<Cow<'_, str>>,
) -> Result<Paging, ScimError> {
    let count = count.map_or(DEFAULT_PAGE_SIZE, |count| {
        usize::try_from(count).unwrap_or_default().min(MAX_RESULTS)
    });
    match (cursor, start_index) {
        (Some(_), Some(_)) => Err(ScimError::InvalidValue(
            "cursor and startIndex exclude each other (RFC 9865 section 2)".to_owned(),
        )),
        (Some(cursor), None) => {
            let cursor = (!cursor.is_empty()).then(|| cursor.into_owned());
            Ok(Paging::Cursor { cursor, count })
        }
        (None, start_index) => {
            let start_index = start_index.map_or(1, |index| u64::try_from(index).unwrap_or(1));
            Ok(Paging::Index { start_index: start_index.max(1), count })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn page(raw: &str, start_index: u64, count: usize) {
        let query = ListQuery::parse(raw).unwrap();
        assert_eq!(query.paging, Paging::Index { start_index, count }, "{raw}");
    }

    #[track_caller]
    fn filter(raw: &str, expected: &str) {
        let query = ListQuery::parse(raw).unwrap();
        assert_eq!(query.filter.map(|filter| filter.to_string()).as_deref(), Some(expected));
    }

    #[test]
    fn queries_of_the_connectors_are_parsed() {
        filter("filter=userName+eq+%22a%40b%22", r#"userName eq "a@b""#);
        filter("filter=userName%20eq%20%22a%22&startIndex=1&count=100", r#"userName eq "a""#);
        filter("aadOptscim062020&filter=userName+eq+%22a%22", r#"userName eq "a""#);
        filter("aadOptscim062020=&FILTER=userName+eq+%22a%22", r#"userName eq "a""#);
        filter("filter=externalId%20eq%20jyoung", r#"externalId eq "jyoung""#);
        filter("filter=userName%20eq%20%22a+b%40c%22", r#"userName eq "a+b@c""#);
        filter("filter=userName+eq+%22a%2Bb%20c%22", r#"userName eq "a+b c""#);
        filter("filter=title%20eq%20%22a%20b%22&attributes=id,+name", r#"title eq "a b""#);
        filter(
            "filter=displayName%20eq%20%22R%26D%20%5C%22Zo%C3%AB%5C%22%20%2B%20x%22",
            r#"displayName eq "R&D \"Zoë\" + x""#,
        );
        let query =
            ListQuery::parse("attributes=id&filter=id+eq+%22g%22+and+members+eq+%22u%22").unwrap();
        assert!(!query.projection.needs(ResourceType::group(), "members"));
    }

    #[test]
    fn a_query_without_parameters_is_the_default() {
        assert_eq!(ListQuery::parse(""), Ok(ListQuery::default()));
        assert_eq!(
            ListQuery::parse("filter=&attributes=&sortBy=&count="),
            Ok(ListQuery::default())
        );
        assert_eq!(ListQuery::parse("&&=&x=%FF%zz"), Ok(ListQuery::default()));
    }

    #[test]
    fn a_filter_that_is_not_utf_8_is_rejected() {
        let query = ListQuery::parse("filter=userName%20eq%20%22%ff%fe%22");
        assert!(matches!(query, Err(ScimError::InvalidFilter(_))));
    }

    #[test]
    fn page_numbers_are_clamped() {
        page("startIndex=6&count=5", 6, 5);
        page("startindex=0&COUNT=0", 1, 0);
        page("startIndex=-3&count=-5", 1, 0);
        page("count=999999999", 1, 1000);
        page(
            "startIndex=99999999999999999999999&count=99999999999999999999999",
            9_223_372_036_854_775_807,
            1000,
        );
        page("startIndex=-99999999999999999999999", 1, 100);
        for raw in
            ["startIndex=x", "count=1.5", "count=-", "count=1e3", "count=%2B1", "count=1&count=2"]
        {
            assert!(matches!(ListQuery::parse(raw), Err(ScimError::InvalidValue(_))), "{raw}");
        }
    }

    #[test]
    fn an_empty_cursor_selects_paging_by_cursor_too() {
        let paging = |raw: &str| ListQuery::parse(raw).map(|query| query.paging);
        assert_eq!(paging("cursor"), Ok(Paging::Cursor { cursor: None, count: 100 }));
        assert_eq!(
            paging("cursor=abc&count=7"),
            Ok(Paging::Cursor { cursor: Some("abc".to_owned()), count: 7 })
        );
        assert!(matches!(paging("cursor=&startIndex=1"), Err(ScimError::InvalidValue(_))));
    }

    #[test]
    fn lists_of_attributes_may_be_sent_in_several_parameters() {
        let projection = |raw: &str| ListQuery::parse(raw).unwrap().projection;
        assert_eq!(projection("attributes=a&attributes=b"), projection("attributes=a,b"));
    }

    #[test]
    fn a_search_body_is_equivalent_to_a_query_string() {
        let body = json!({
            "schemas": [SEARCH_REQUEST],
            "filter": "userName eq \"a\"",
            "attributes": ["userName"],
            "sortBy": "userName",
            "sortOrder": "descending",
            "startIndex": 3,
            "count": 2,
        });
        assert_eq!(
            ListQuery::from_search(&body),
            ListQuery::parse(
                "filter=userName+eq+%22a%22&attributes=userName&sortBy=userName&sortOrder=descending&startIndex=3&count=2"
            )
        );
        for least in [
            json!({"schemas": [SEARCH_REQUEST], "filter": null}),
            json!({"schemas": []}),
            json!({"schemas": null}),
            json!({}),
        ] {
            assert_eq!(ListQuery::from_search(&least), Ok(ListQuery::default()));
        }
    }

    #[test]
    fn an_invalid_search_body_is_rejected() {
        let error = |more: Value| {
            let mut body = json!({"schemas": [SEARCH_REQUEST]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ListQuery::from_search(&body).unwrap_err().to_string()
        };
        insta::assert_snapshot!(error(json!({"schemas": ["urn:x"]})), @"the body must be an object of schema urn:ietf:params:scim:api:messages:2.0:SearchRequest");
        insta::assert_snapshot!(error(json!({"filter": 1})), @"filter must be a string");
        insta::assert_snapshot!(error(json!({"count": 1.5})), @"count must be a whole number");
        insta::assert_snapshot!(error(json!({"count": []})), @"count must be a whole number");
        insta::assert_snapshot!(error(json!({"cursor": "", "startIndex": 1})), @"cursor and startIndex exclude each other (RFC 9865 section 2)");
        for body in [json!([]), json!({"schemas": SEARCH_REQUEST}), json!({"schemas": [1]})] {
            assert!(ListQuery::from_search(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn the_digest_covers_only_the_filter_and_the_order() {
        let digest = |raw: &str| ListQuery::parse(raw).unwrap().digest();
        let query = digest("filter=title+pr&sortBy=title");
        assert_eq!(query, digest("sortBy=title&filter=(title+PR)&count=3&attributes=id&cursor=x"));
        assert_ne!(query, digest("filter=title+pr"));
        assert_ne!(query, digest("filter=title+pr&sortBy=title&sortOrder=descending"));
        assert_ne!(query, digest("filter=name+pr&sortBy=title"));
    }

    #[test]
    fn an_undefined_comparison_is_rejected_before_any_resource_is_read() {
        let query = ListQuery::parse("filter=active+gt+true").unwrap();
        assert!(query.check(&[ResourceType::user()]).is_err());
        assert!(ListQuery::default().check(&[ResourceType::user()]).is_ok());
    }

    proptest! {
        #[test]
        fn no_query_string_panics_and_no_page_is_out_of_bounds(
            raw in r#"((filter|attributes|excludedAttributes|sortBy|startIndex|count|cursor|x)=([a-z0-9+%,\-\[\]"]|%[0-9A-F]{2}){0,12}&?){0,5}"#
        ) {
            if let Ok(query) = ListQuery::parse(&raw) {
                let (start, count) = match query.paging {
                    Paging::Index { start_index, count } => (start_index, count),
                    Paging::Cursor { count, .. } => (1, count),
                };
                prop_assert!(start >= 1 && count <= MAX_RESULTS, "{}", raw);
            }
        }

        #[test]
        fn no_text_panics(raw in any::<String>()) {
            let _ = ListQuery::parse(&raw);
            let _ = Projection::parse(Some(&raw), None);
        }
    }
}
