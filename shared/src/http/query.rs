//! The parameters of a query, read into the fields of a struct.
//!
//! A parameter that the struct does not have is an error: a filter whose name has a typing error
//! must not list everything.

use axum::extract::Query;
use axum::http::Uri;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// Error of reading a query. Its text is for the caller.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum QueryError {
    /// The request does not have this parameter.
    #[error("unknown query parameter {name:?}; this request has {}", listed(known))]
    Unknown {
        /// The name in the query.
        name: String,
        /// The parameters that the request has.
        known: &'static [&'static str],
    },
    /// A parameter is missing, occurs twice, or has an invalid value.
    #[error("the query: {0}")]
    Invalid(String),
}

/// Reads the query of a URI. The names of the fields of `T` are the known parameters.
///
/// `T` is a struct whose fields have types that can be read from a text. It flattens no other
/// struct: Serde does not tell the names of those fields.
pub(crate) fn parse<T: DeserializeOwned>(uri: &Uri) -> Result<T, QueryError> {
    let known = field_names::<T>();
    let query = uri.query().unwrap_or_default();
    let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    if let Some(name) = names.find(|name| !known.contains(&name.as_ref())) {
        return Err(QueryError::Unknown { name: name.into_owned(), known });
    }
    let values = Query::try_from_uri(uri).map(|Query(values)| values);
    values.map_err(|rejection| QueryError::Invalid(rejection.body_text()))
}

fn listed(known: &[&str]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

/// Returns the names of the fields of a struct: a struct tells them to the format that it is read
/// from.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It reads no value, so it always fails, with the names read.
    let _ = T::deserialize(FieldNames(&mut names));
    names
}

/// A format that takes the names of fields and has no values.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("there is no value"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, Eq, PartialEq)]
    struct Page {
        cursor: Option<String>,
        limit: Option<u8>,
    }

    #[derive(Debug, Deserialize, Eq, PartialEq)]
    struct Nothing {}

    fn read<T: DeserializeOwned>(query: &str) -> Result<T, String> {
        let uri: Uri = format!("/v1/tenants{query}").parse().unwrap();
        parse(&uri).map_err(|error| error.to_string())
    }

    #[test]
    fn known_parameters_are_read() {
        for query in ["", "?", "?&"] {
            assert_eq!(read(query), Ok(Page::default()), "{query}");
            assert_eq!(read(query), Ok(Nothing {}), "{query}");
        }
        let page = Page { cursor: Some("a b".to_owned()), limit: Some(7) };
        assert_eq!(read("?limit=7&cursor=a+b"), Ok(page));
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_known_ones() {
        let check = |query: &str, name: &str| {
            let has = format!("unknown query parameter {name}; this request has");
            assert_eq!(read::<Page>(query), Err(format!("{has} cursor, limit")), "{query}");
            assert_eq!(read::<Nothing>(query), Err(format!("{has} none")), "{query}");
        };
        check("?user_name=ada", "\"user_name\"");
        check("?Limit=7", "\"Limit\"");
        check("?limit%20=7", "\"limit \"");
        check("?=7", "\"\"");
        check("?a%0Ab", "\"a\\nb\"");
    }

    #[test]
    fn an_invalid_value_and_a_second_value_are_refused() {
        for query in ["?limit=many", "?limit=256", "?limit=", "?limit=1&limit=1"] {
            let error = read::<Page>(query).unwrap_err();
            assert!(
                error.starts_with("the query: ") && error.contains("limit"),
                "{query}: {error}"
            );
        }
    }
}
