//! The licence that a user asks for and the one that was granted.
//!
//! Three spellings mean the same thing: `license` of our extension, `canEdit`, and
//! `productLicenses.Lucidchart`. Clients use whichever their connector maps; a resource never
//! answers two that disagree. Whether a licence takes a seat is the store's business.

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::schema::{LICENCE_USER, LUCID_USER, LUCIDCHART_USER};

/// A licence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Licence {
    /// May do everything; uses a seat while the user is active.
    Full,
    /// May look; free.
    ViewOnly,
}

impl Licence {
    /// The value of `license`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ViewOnly => "view_only",
        }
    }

    /// Reads the value of `license`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::ViewOnly].into_iter().find(|licence| licence.as_str() == text)
    }
}

/// The licence that a normalised user asks for, `None` if it does not say.
///
/// `stored` is the user before the request. A spelling that the request changed wins over one that
/// it only carried along, as a client that reads, changes `canEdit` and writes everything back
/// does; among equals `license` wins, then `canEdit`.
pub fn requested(
    stored: Option<&Map<String, Value>>,
    resource: &Map<String, Value>,
) -> Option<Licence> {
    let changed = |spelling: &Spelling| {
        let now = spelling.read(resource);
        now.filter(|_| now != stored.and_then(|stored| spelling.read(stored)))
    };
    SPELLINGS
        .iter()
        .find_map(changed)
        .or_else(|| SPELLINGS.iter().find_map(|spelling| spelling.read(resource)))
}

/// Makes every spelling that the user has say `licence`.
///
/// A user whose client never mentions licences gets no attribute, and a client that removed one
/// does not find it again.
pub fn agree(resource: &mut Map<String, Value>, licence: Licence) {
    for spelling in &SPELLINGS {
        if let Some(value) = spelling.value_mut(resource) {
            *value = spelling.spell(licence);
        }
    }
}

/// Refuses a licence of no known name.
pub(crate) fn check(resource: &Map<String, Value>) -> Result<(), ScimError> {
    for spelling in &SPELLINGS {
        if spelling.value(resource).is_some() && spelling.read(resource).is_none() {
            return Err(ScimError::InvalidValue(format!(
                "{} must be {}",
                spelling.path.last().copied().unwrap_or_default(),
                spelling.values
            )));
        }
    }
    Ok(())
}

/// Carries the licence of the stored user over to one that does not mention it.
pub(crate) fn keep(stored: &Map<String, Value>, new: &mut Map<String, Value>) {
    if SPELLINGS.iter().any(|spelling| spelling.value(new).is_some()) {
        return;
    }
    for spelling in &SPELLINGS {
        if let Some(value) = spelling.value(stored) {
            spelling.insert(new, value.clone());
        }
    }
}

/// One way to write a licence.
struct Spelling {
    /// Where it is.
    path: &'static [&'static str],
    /// How it is written, for a message.
    values: &'static str,
    full: Written,
    view_only: Written,
}

#[derive(Clone, Copy)]
enum Written {
    Text(&'static str),
    Boolean(bool),
}

impl Spelling {
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
        let is = |written| match (written, value) {
            (Written::Text(text), Value::String(value)) => value.eq_ignore_ascii_case(text),
            (Written::Boolean(boolean), value) => value.as_bool() == Some(boolean),
            (Written::Text(_), _) => false,
        };
        if is(self.full) {
            Some(Licence::Full)
        } else {
            is(self.view_only).then_some(Licence::ViewOnly)
        }
    }

    fn spell(&self, licence: Licence) -> Value {
        let written = match licence {
            Licence::Full => self.full,
            Licence::ViewOnly => self.view_only,
        };
        match written {
            Written::Text(text) => text.into(),
            Written::Boolean(boolean) => boolean.into(),
        }
    }

    fn insert(&self, resource: &mut Map<String, Value>, value: Value) {
        let Some((last, parents)) = self.path.split_last() else { return };
        let mut at = resource;
        for parent in parents {
            let below = at.entry(*parent).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else { return };
            at = below;
        }
        at.insert((*last).to_owned(), value);
    }
}

const SPELLINGS: [Spelling; 3] = [
    Spelling {
        path: &[LICENCE_USER, "license"],
        values: "\"full\" or \"view_only\"",
        full: Written::Text(Licence::Full.as_str()),
        view_only: Written::Text(Licence::ViewOnly.as_str()),
    },
    Spelling {
        path: &[LUCIDCHART_USER, "canEdit"],
        values: "true or false",
        full: Written::Boolean(true),
        view_only: Written::Boolean(false),
    },
    Spelling {
        path: &[LUCID_USER, "productLicenses", "Lucidchart"],
        values: "\"True\" or \"False\"",
        full: Written::Text("True"),
        view_only: Written::Text("False"),
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
    fn every_spelling_is_read() {
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
    fn a_changed_spelling_wins_over_one_carried_along() {
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
    fn the_granted_licence_is_told_in_every_spelling_in_use() {
        let mut resource = user(&json!({
            LICENCE_USER: {"license": "full"},
            LUCID_USER: {"productLicenses": {"Lucidchart": "True", "Lucidspark": "x"}},
        }));
        agree(&mut resource, Licence::ViewOnly);
        assert_eq!(
            Value::Object(resource),
            json!({
                LICENCE_USER: {"license": "view_only"},
                LUCID_USER: {"productLicenses": {"Lucidchart": "False", "Lucidspark": "x"}},
            })
        );
    }

    #[test]
    fn a_licence_of_no_known_name_is_refused() {
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
