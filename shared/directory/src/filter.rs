//! Filters of the lists of users and groups. All that are given must hold.
//!
//! The store finds candidates by the value of one filter; these rules decide.

use jiff::Timestamp;

use super::view::{Group, User};
use scim::fold::fold;
use scim::resource::{display_name, emails, external_id, user_name};

/// Selects users.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserFilter {
    /// The `userName`, folded.
    user_name: Option<String>,
    /// The `externalId`, exactly.
    external_id: Option<String>,
    /// An address, folded.
    email: Option<String>,
    /// Users whose last change is not before this time.
    updated_since: Option<Timestamp>,
}

/// Selects groups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupFilter {
    /// The `displayName`, folded.
    display_name: Option<String>,
    /// The `externalId`, exactly.
    external_id: Option<String>,
}

impl UserFilter {
    /// Makes a filter of the values of a request. `userName` and the address are compared without
    /// letter case, in the form of [`fold`].
    pub fn new(
        user_name: Option<&str>,
        external_id: Option<String>,
        email: Option<&str>,
        updated_since: Option<Timestamp>,
    ) -> Self {
        Self { user_name: user_name.map(fold), external_id, email: email.map(fold), updated_since }
    }

    /// The folded `userName`.
    pub fn user_name(&self) -> Option<&str> {
        self.user_name.as_deref()
    }

    /// The `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// The folded address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Whether every user passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a user passes.
    pub fn matches(&self, user: &User<'_>) -> bool {
        let resource = user.resource;
        let has_name = |name: &String| user_name(resource).map(fold).as_ref() == Some(name);
        let has_id = |id: &String| external_id(resource) == Some(id);
        // Any address of the user, and the one that the view shows, which may be the userName.
        let has_email = |email: &String| {
            emails(resource).contains(email) || user.email().map(fold).as_ref() == Some(email)
        };
        self.user_name.as_ref().is_none_or(has_name)
            && self.external_id.as_ref().is_none_or(has_id)
            && self.email.as_ref().is_none_or(has_email)
            && self.updated_since.is_none_or(|since| user.last_modified >= since)
    }
}

impl GroupFilter {
    /// Makes a filter of the values of a request. `displayName` is compared without letter case, in
    /// the form of [`fold`].
    pub fn new(display_name: Option<&str>, external_id: Option<String>) -> Self {
        Self { display_name: display_name.map(fold), external_id }
    }

    /// The folded `displayName`.
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// The `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// Whether every group passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a group passes.
    pub fn matches(&self, group: &Group<'_>) -> bool {
        let resource = group.resource;
        let has_name = |name: &String| display_name(resource).map(fold).as_ref() == Some(name);
        let has_id = |id: &String| external_id(resource) == Some(id);
        self.display_name.as_ref().is_none_or(has_name)
            && self.external_id.as_ref().is_none_or(has_id)
    }
}

#[cfg(test)]
mod tests {
    use scim::licence::Licence;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_given_value_must_match() {
        let Value::Object(ada) = json!({
            "userName": "Ada@Acme.com",
            "externalId": "00u1",
            "emails": [{"value": "a@acme.com", "primary": true}, {"value": "L@acme.com"}],
        }) else {
            panic!("not an object")
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let user = User {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            resource: &ada,
            active: true,
            licence: Licence::Full,
            created: at(0),
            last_modified: at(100),
            version: 1,
        };
        let check = |user_name, external_id: Option<&str>, email, since: Option<i64>, expect| {
            let id = external_id.map(str::to_owned);
            let filter = UserFilter::new(user_name, id, email, since.map(at));
            assert_eq!(filter.matches(&user), expect, "{filter:?}");
        };
        check(None, None, None, None, true);
        check(Some("ADA@acme.com"), Some("00u1"), Some("A@ACME.COM"), Some(100), true);
        check(Some("ada"), None, None, None, false);
        check(None, Some("00U1"), None, None, false);
        check(None, None, Some("l@acme.com"), None, true);
        check(None, None, None, Some(101), false);
        check(Some("ada@acme.com"), Some("00u2"), None, None, false);
        // There are other addresses, so the userName is none.
        check(None, None, Some("ada@acme.com"), None, false);
    }

    #[test]
    fn a_group_is_found_by_its_name_in_any_letter_case() {
        let Value::Object(group) = json!({"displayName": "Engineers", "externalId": "7"}) else {
            panic!("not an object")
        };
        let group = Group {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            resource: &group,
            created: Timestamp::UNIX_EPOCH,
            last_modified: Timestamp::UNIX_EPOCH,
            version: 1,
        };
        let matches =
            |name, id: Option<&str>| GroupFilter::new(name, id.map(str::to_owned)).matches(&group);
        assert!(matches(Some("ENGINEERS"), Some("7")) && matches(None, None));
        assert!(!matches(Some("Engineer"), None) && !matches(Some("Engineers"), Some("8")));
    }
}
