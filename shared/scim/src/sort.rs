//! Sorts the resources of a list (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::fold::fold;
use crate::json::member;
use crate::matcher::{compare_numbers, fold_cost, parse_instant};
use crate::schema::{Attribute, DataType, ResourceType};
use crate::target::{Schemas, Target};
use crate::work::Meter;

/// `sortBy` with its `sortOrder`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sort {
    /// Attribute to sort by.
    pub by: AttrPath,
    /// Direction.
    pub order: SortOrder,
}

/// `sortOrder`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortOrder {
    /// Smallest first, resources without a value last.
    #[default]
    Ascending,
    /// Largest first, resources without a value first.
    Descending,
}

/// The value that a resource is sorted by. Booleans come first, then numbers, instants and texts,
/// then absent values.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey(SortValue);

#[derive(Clone, Debug, PartialEq)]
enum SortValue {
    Boolean(bool),
    Number(Number),
    Instant(Timestamp),
    Text(String),
    Absent,
}

impl Sort {
    /// Parses the two parameters. Without `sortBy` there is no order, whatever `sortOrder` says.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidValue`] for an unknown order, [`ScimError::InvalidPath`] for an invalid
    /// attribute name.
    pub fn parse(by: Option<&str>, order: Option<&str>) -> Result<Option<Self>, ScimError> {
        let order = match order.map(str::trim) {
            None | Some("") => SortOrder::default(),
            Some(text) if text.eq_ignore_ascii_case("ascending") => SortOrder::Ascending,
            Some(text) if text.eq_ignore_ascii_case("descending") => SortOrder::Descending,
            Some(_) => {
                return Err(ScimError::InvalidValue(
                    "sortOrder must be ascending or descending".to_owned(),
                ));
            }
        };
        match by.map(str::trim) {
            None | Some("") => Ok(None),
            Some(by) => Ok(Some(Self { by: AttrPath::parse(by)?, order })),
        }
    }

    /// Sorts items by keys from [`Sort::key`]. Items with equal keys keep their order.
    pub fn sort<T, K: Ord>(&self, items: &mut [T], key: impl Fn(&T) -> &K) {
        match self.order {
            SortOrder::Ascending => items.sort_by(|a, b| key(a).cmp(key(b))),
            SortOrder::Descending => items.sort_by(|a, b| key(b).cmp(key(a))),
        }
    }

    /// Returns the value that this resource is sorted by, and charges for it.
    pub fn key(
        &self,
        resource_type: &ResourceType,
        resource: &Map<String, Value>,
        meter: &Meter,
    ) -> SortKey {
        let schemas = Schemas::of_resource(resource_type, resource);
        let Ok(target) = Target::resolve(&self.by, schemas) else {
            return SortKey(SortValue::Absent);
        };
        let values = match target.extension.as_deref() {
            Some(urn) => member(resource, urn).and_then(Value::as_object),
            None => Some(resource),
        };
        let value = values.zip(target.name).and_then(|(values, name)| member(values, name));
        let key = value.map_or(SortValue::Absent, |value| key(value, target.sub, target.attribute));
        meter
            .charge(KEY + if let SortValue::Text(text) = &key { fold_cost(text, text) } else { 0 });
        SortKey(key)
    }
}

/// Returns the key of a value: of a list, the key of its primary or first element; of a complex
/// value without a sub-attribute, the key of its `value`.
fn key(value: &Value, sub: Option<&str>, definition: Option<&Attribute>) -> SortValue {
    match value {
        Value::Array(values) => {
            let primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
            let chosen = values.iter().find(primary).or_else(|| values.first());
            match chosen {
                Some(Value::Array(_)) | None => SortValue::Absent,
                Some(chosen) => key(chosen, sub, definition),
            }
        }
        Value::Object(parts) => {
            let sub = sub.unwrap_or("value");
            let definition = definition.and_then(|complex| complex.sub_attribute(sub));
            match member(parts, sub) {
                Some(Value::Object(_) | Value::Array(_)) | None => SortValue::Absent,
                Some(part) => key(part, None, definition),
            }
        }
        Value::Null => SortValue::Absent,
        Value::Bool(value) => SortValue::Boolean(*value),
        Value::Number(value) => SortValue::Number(value.clone()),
        Value::String(text) if text.is_empty() => SortValue::Absent,
        Value::String(text) => text_key(text, definition),
    }
}

fn text_key(text: &str, definition: Option<&Attribute>) -> SortValue {
    let is_time = definition.is_some_and(|definition| definition.data_type == DataType::DateTime);
    match parse_instant(text) {
        Some(instant) if is_time => SortValue::Instant(instant),
        _ if definition.is_some_and(|definition| definition.case_exact) => {
            SortValue::Text(text.to_owned())
        }
        _ => SortValue::Text(fold(text)),
    }
}

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (SortValue::Boolean(left), SortValue::Boolean(right)) => left.cmp(right),
            // JSON has no NaN, so two numbers always have an order.
            (SortValue::Number(left), SortValue::Number(right)) => {
                compare_numbers(left, right).unwrap_or(Ordering::Equal)
            }
            (SortValue::Instant(left), SortValue::Instant(right)) => left.cmp(right),
            (SortValue::Text(left), SortValue::Text(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }
}

impl SortValue {
    const fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Number(_) => 1,
            Self::Instant(_) => 2,
            Self::Text(_) => 3,
            Self::Absent => 4,
        }
    }
}

/// Units of [`Meter`] to find and compare the key of a resource.
const KEY: usize = 1_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Sorts by `by` and compares the order of the ids.
    #[track_caller]
    fn check(resources: &Value, by: &str, order: &str, expected: &str) {
        let mut resources: Vec<Map<String, Value>> =
            serde_json::from_value(resources.clone()).unwrap();
        let sort = Sort::parse(Some(by), Some(order)).unwrap().unwrap();
        let mut keyed: Vec<(SortKey, Map<String, Value>)> = resources
            .drain(..)
            .map(|resource| {
                (sort.key(ResourceType::user(), &resource, &Meter::default()), resource)
            })
            .collect();
        sort.sort(&mut keyed, |(key, _)| key);
        let ids: Vec<&str> = keyed.iter().map(|(_, r)| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids.join(" "), expected, "{by} {order}");
    }

    #[test]
    fn texts_sort_by_caseexact_of_their_schema_and_absent_values_last() {
        let users = json!([
            {"id": "1", "userName": "b", "externalId": "b"},
            {"id": "2", "userName": "C", "externalId": "C"},
            {"id": "3"},
            {"id": "4", "userName": "a", "externalId": ""},
            {"id": "5", "userName": "B"},
        ]);
        check(&users, "userName", "", "4 1 5 2 3");
        check(&users, "USERNAME", "Descending", "3 2 1 5 4");
        check(&users, "externalId", "ascending", "2 1 3 4 5");
        check(&users, "nope", "", "1 2 3 4 5");
    }

    #[test]
    fn a_list_sorts_by_its_primary_or_first_value() {
        let users = json!([
            {"id": "1", "emails": [{"value": "z"}, {"value": "b", "primary": true}]},
            {"id": "2", "emails": [{"value": "a"}, {"value": "z"}]},
            {"id": "3", "emails": []},
        ]);
        check(&users, "emails", "", "2 1 3");
        check(&users, "emails.value", "descending", "3 1 2");
    }

    #[test]
    fn booleans_numbers_and_times_sort_by_value() {
        let users = json!([
            {"id": "1", "active": true, "n": 10, "meta": {"created": "2020-01-01T00:00:00+02:00"}},
            {"id": "2", "active": false, "n": 9, "meta": {"created": "2019-12-31T23:00:00Z"}},
            {"id": "3", "n": 9.5, "meta": {"created": "2019-12-31T22:30:00Z"}},
        ]);
        check(&users, "active", "", "2 1 3");
        check(&users, "n", "", "2 3 1");
        check(&users, "meta.created", "", "1 3 2");
    }

    #[test]
    fn lists_sort_by_sub_attributes_and_extensions() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let users = json!([
            {"id": "1", "name": {"familyName": "b"}, enterprise: {"department": "x"}},
            {"id": "2", "name": {"familyName": "A"}, enterprise: {"department": "Y"}},
        ]);
        check(&users, "name.familyName", "", "2 1");
        check(&users, &format!("{enterprise}:department"), "", "1 2");
        check(&users, "name", "", "1 2");
    }

    #[test]
    fn an_order_without_attribute_is_ignored_and_an_unknown_order_is_rejected() {
        assert_eq!(Sort::parse(None, Some("descending")), Ok(None));
        assert_eq!(Sort::parse(Some(" "), None), Ok(None));
        assert!(Sort::parse(Some("userName"), Some("up")).is_err());
        assert!(Sort::parse(Some("a b"), None).is_err());
    }
}
