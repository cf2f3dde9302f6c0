//! Reads the licence that a user's attributes request, and writes the granted one.
//!
//! Three attributes hold the licence: `license` of the Gatehouse extension, `canEdit` and
//! `productLicenses.Lucidchart`. A client uses the one that its connector maps; a response never
//! has two that disagree. The store of the crate `shared` counts the seats.

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::schema::{LICENCE_USER, LUCID_USER, LUCIDCHART_USER};

/// A licence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Licence {
    /// Full access; takes a seat while the user is active.
    Full,
    /// Read access; takes no seat.
    ViewOnly,
}

impl Licence {
    /// Returns the value of `license`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ViewOnly => "view_only",
        }
    }

    /// Parses the value of `license`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::ViewOnly].into_iter().find(|licence| licence.as_str() == text)
    }
}

/// Returns the licence that a normalised user requests; `None` if it has no licence attribute.
///
/// `stored` is the user before the request. An attribute that the request changes wins over one
/// that it repeats: a client may read a user, change `canEdit` and write everything back. Otherwise
/// `license` wins, then `canEdit`.
pub fn requested(
    stored: Option<&Map<String, Value>>,
    resource: &Map<String, Value>,
) -> Option<Licence> {
    let changed = |attribute: &LicenceAttribute| {
        let now = attribute.read(resource);
        now.filter(|_| now != stored.and_then(|stored| attribute.read(stored)))
    };
    ATTRIBUTES
        .iter()
        .find_map(changed)
        .or_else(|| ATTRIBUTES.iter().find_map(|attribute| attribute.read(resource)))
}

/// Writes the granted licence to every licence attribute that the user has.
///
/// An attribute that the user does not have is not added: its client does not use it or has removed
/// it.
pub fn write_granted(resource: &mut Map<String, Value>, licence: Licence) {
    for attribute in &ATTRIBUTES {
        if let Some(value) = attribute.value_mut(resource) {
            *value = attribute.to_value(licence);
        }
    }
}

/// Rejects an unknown licence.
pub(crate) fn check(resource: &Map<String, Value>) -> Result<(), ScimError> {
    for attribute in &ATTRIBUTES {
        if attribute.value(resource).is_some() && attribute.read(resource).is_none() {
            return Err(ScimError::InvalidValue(format!(
                "{} must be {}",
                attribute.path.last().copied().unwrap_or_default(),
                attribute.values
            )));
        }
    }
    Ok(())
}

/// Copies the licence of the stored user to a new one without a licence.
pub(crate) fn carry_over(stored: &Map<String, Value>, new: &mut Map<String, Value>) {
    if ATTRIBUTES.iter().any(|attribute| attribute.value(new).is_some()) {
        return;
    }
    for attribute in &ATTRIBUTES {
        if let Some(value) = attribute.value(stored) {
            attribute.insert(new, value.clone());
        }
    }
}

/// An attribute that holds the licence.
struct LicenceAttribute {
    /// Path of names from the resource.
    path: &'static [&'static str],
    /// Its values, for an error text.
    values: &'static str,
    full: LicenceValue,
    view_only: LicenceValue,
}

#[derive(Clone, Copy)]
enum LicenceValue {
    Text(&'static str),
    Boolean(bool),
}

impl LicenceAttribute {
    fn value<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(resource.get(*first)?, |value, name| value.get(name))
    }

    fn value_mut<'a>(&self, resource: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(resource.get_mut(*first)?, |value, name| value.get_mut(name))
    }

    fn read(&self, resource: &Map<String, Value>) -> Option<Licence> {
        let value = self.value(resource)?;
        let is = |licence| match (licence, value) {
            (LicenceValue::Text(text), Value::String(value)) => value.eq_ignore_ascii_case(text),
            (LicenceValue::Boolean(boolean), value) => value.as_bool() == Some(boolean),
            (LicenceValue::Text(_), _) => false,
        };
        if is(self.full) {
            Some(Licence::Full)
        } else {
            is(self.view_only).then_some(Licence::ViewOnly)
        }
    }

    fn to_value(&self, licence: Licence) -> Value {
        let value = match licence {
            Licence::Full => self.full,
            Licence::ViewOnly => self.view_only,
        };
        match value {
            LicenceValue::Text(text) => text.into(),
            LicenceValue::Boolean(boolean) => boolean.into(),
        }
    }

    fn insert(&self, resource: &mut Map<String, Value>, value: Value) {
        let Some((last, parents)) = self.path.split_last() else { return };
        let mut object = resource;
        for parent in parents {
            let below = object.entry(*parent).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else { return };
            object = below;
        }
        object.insert((*last).to_owned(), value);
    }
}

const ATTRIBUTES: [LicenceAttribute; 3] = [
    LicenceAttribute {
        path: &[LICENCE_USER, "license"],
        values: "\"full\" or \"view_only\"",
        full: LicenceValue::Text(Licence::Full.as_str()),
        view_only: LicenceValue::Text(Licence::ViewOnly.as_str()),
    },
    LicenceAttribute {
        path: &[LUCIDCHART_USER, "canEdit"],
        values: "true or false",
        full: LicenceValue::Boolean(true),
        view_only: LicenceValue::Boolean(false),
    },
    LicenceAttribute {
        path: &[LUCID_USER, "productLicenses", "Lucidchart"],
        values: "\"True\" or \"False\"",
        full: LicenceValue::Text("True"),
        view_only: LicenceValue::Text("False"),
    },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[track_caller]
    fn check(stored: &Value, resource: &Value, expected: Option<Licence>) {
        assert_eq!(requested(Some(&user(stored)), &user(resource)), expected);
    }

    #[test]
    fn every_licence_attribute_is_read() {
        for (resource, expected) in [
            (json!({LICENCE_USER: {"license": "full"}}), Some(Licence::Full)),
            (json!({LICENCE_USER: {"license": "View_Only"}}), Some(Licence::ViewOnly)),
            (json!({LUCIDCHART_USER: {"canEdit": false}}), Some(Licence::ViewOnly)),
            (json!({LUCID_USER: {"productLicenses": {"Lucidchart": "true"}}}), Some(Licence::Full)),
            (json!({LUCID_USER: {"billingCode": "B1"}}), None),
            (json!({}), None),
        ] {
            assert_eq!(requested(None, &user(&resource)), expected, "{resource}");
        }
    }

    #[test]
    fn a_changed_attribute_wins_over_a_repeated_one() {
        let stored = json!({
            LICENCE_USER: {"license": "full"},
            LUCIDCHART_USER: {"canEdit": true},
        });
        check(&stored, &stored, Some(Licence::Full));
        check(
            &stored,
            &json!({LICENCE_USER: {"license": "full"}, LUCIDCHART_USER: {"canEdit": false}}),
            Some(Licence::ViewOnly),
        );
        check(
            &json!({}),
            &json!({LICENCE_USER: {"license": "full"}, LUCIDCHART_USER: {"canEdit": false}}),
            Some(Licence::Full),
        );
        check(&stored, &json!({LUCIDCHART_USER: {"canEdit": true}}), Some(Licence::Full));
        check(&stored, &json!({}), None);
    }

    #[test]
    fn the_granted_licence_is_written_to_every_attribute_in_use() {
        let mut resource = user(&json!({
            LICENCE_USER: {"license": "full"},
            LUCID_USER: {"productLicenses": {"Lucidchart": "True", "Lucidspark": "x"}},
        }));
        write_granted(&mut resource, Licence::ViewOnly);
        assert_eq!(
            Value::Object(resource),
            json!({
                LICENCE_USER: {"license": "view_only"},
                LUCID_USER: {"productLicenses": {"Lucidchart": "False", "Lucidspark": "x"}},
            })
        );
    }

    #[test]
    fn an_unknown_licence_is_rejected() {
        for (resource, detail) in [
            (
                json!({LICENCE_USER: {"license": "gold"}}),
                "license must be \"full\" or \"view_only\"",
            ),
            (
                json!({LUCID_USER: {"productLicenses": {"Lucidchart": "maybe"}}}),
                "Lucidchart must be \"True\" or \"False\"",
            ),
        ] {
            assert_eq!(check_detail(&resource), detail);
        }
    }

    fn check_detail(resource: &Value) -> String {
        super::check(&user(resource)).unwrap_err().to_string()
    }
}
