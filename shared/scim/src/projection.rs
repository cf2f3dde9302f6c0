//! Selects the attributes of a response: `attributes` and `excludedAttributes` (RFC 7644 §3.9),
//! within what `returned` of each attribute allows (RFC 7643 §7).

use serde_json::{Map, Value};

use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::schema::{Attribute, ResourceType, Returned};
use crate::target::{Schemas, Target, check_path};

/// The attributes that a request selects for its response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Projection {
    /// No selection: every attribute that is returned by default.
    #[default]
    Default,
    /// `attributes`: these attributes and those that are always returned.
    Only(Vec<AttrPath>),
    /// `excludedAttributes`: the attributes that are returned by default, except these.
    Except(Vec<AttrPath>),
}

impl Projection {
    /// Parses the two query parameters. Empty ones count as absent.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidValue`] if both are present, which RFC 7644 §3.9 calls mutually
    /// exclusive, or if a list is too long; [`ScimError::InvalidPath`] for an invalid attribute
    /// name.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        Self::new(
            parse_names(attributes.unwrap_or_default())?,
            parse_names(excluded.unwrap_or_default())?,
        )
    }

    /// Parses the two members of a message body (RFC 7644 §3.4.3), each an array of names.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], and [`ScimError::InvalidValue`] if a member is not an array of strings.
    pub fn from_json(
        attributes: Option<&Value>,
        excluded: Option<&Value>,
    ) -> Result<Self, ScimError> {
        Self::new(
            parse_json_names("attributes", attributes)?,
            parse_json_names("excludedAttributes", excluded)?,
        )
    }

    /// Returns whether the request selects nothing. A resource without attributes that are returned
    /// only on request then needs no projection.
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }

    /// Checks the names, each of which must have a meaning for one of the resource types.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] for a name like ours that names nothing.
    pub fn check(&self, resource_types: &[&ResourceType]) -> Result<(), ScimError> {
        self.paths().iter().try_for_each(|path| check_path(path, resource_types))
    }

    /// Returns whether the response includes any part of a core attribute, which then has to be
    /// loaded.
    pub fn needs(&self, resource_type: &ResourceType, attribute: &str) -> bool {
        let definition = resource_type.attribute(attribute);
        let targets = self.resolve(Schemas::of_type(resource_type));
        !matches!(self.select(&targets, None, attribute, definition), Selection::Nothing)
    }

    /// Removes the attributes that are not part of the response.
    pub fn apply(&self, resource_type: &ResourceType, resource: &mut Map<String, Value>) {
        let targets = self.resolve(Schemas::of_resource(resource_type, resource));
        resource.retain(|name, value| {
            if !name.contains(':') {
                let attribute = resource_type.attribute(name);
                return self.select(&targets, None, name, attribute).apply(attribute, value);
            }
            let Value::Object(values) = value else {
                return self.keeps_whole(&targets, name);
            };
            let schema = resource_type.extension(name);
            let was_empty = values.is_empty();
            values.retain(|inner, value| {
                let attribute = schema.and_then(|schema| schema.attribute(inner));
                self.select(&targets, Some(name), inner, attribute).apply(attribute, value)
            });
            was_empty && self.keeps_whole(&targets, name) || !values.is_empty()
        });
    }

    fn new(attributes: Vec<AttrPath>, excluded: Vec<AttrPath>) -> Result<Self, ScimError> {
        match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(attributes)),
            (true, false) => Ok(Self::Except(excluded)),
            (false, false) => Err(ScimError::InvalidValue(
                "attributes and excludedAttributes exclude each other (RFC 7644 section 3.9)"
                    .to_owned(),
            )),
        }
    }

    /// Returns the units of [`Meter`](crate::work::Meter) to apply the projection to a resource: each
    /// path is resolved once, against the extensions of the resource, and then compared with every
    /// name of the resource.
    pub fn cost(&self, resource: &Map<String, Value>) -> usize {
        let within = resource.values().filter_map(Value::as_object).map(Map::len).sum::<usize>();
        let names = resource.len() + within;
        let resolved = self.paths().iter().map(|path| match path {
            AttrPath::Qualified(_) => RESOLVE + resource.len() * NAME,
            AttrPath::Plain { .. } => 0,
        });
        let resolved = resolved.sum::<usize>();
        resolved + names.saturating_mul(self.paths().len() * NAME)
    }

    fn paths(&self) -> &[AttrPath] {
        match self {
            Self::Default => &[],
            Self::Only(paths) | Self::Except(paths) => paths,
        }
    }

    /// Resolves the names. One that has no meaning for the resource type selects nothing of it.
    fn resolve(&self, schemas: Schemas<'_>) -> Vec<Target<'_>> {
        self.paths().iter().filter_map(|path| Target::resolve(path, schemas).ok()).collect()
    }

    /// Returns how much of one attribute is part of the response.
    fn select<'a>(
        &self,
        targets: &[Target<'a>],
        extension: Option<&str>,
        name: &str,
        attribute: Option<&Attribute>,
    ) -> Selection<'a> {
        let returned = attribute.map_or(Returned::Default, |attribute| attribute.returned);
        match returned {
            Returned::Never => return Selection::Nothing,
            Returned::Always => return Selection::Everything,
            Returned::Default | Returned::Request => {}
        }
        let mut subs = Vec::new();
        for target in targets {
            if !same_schema(target.extension.as_deref(), extension) {
                continue;
            }
            match (target.name, target.sub) {
                (Some(own), _) if !own.eq_ignore_ascii_case(name) => {}
                (_, Some(sub)) => subs.push(sub),
                // Naming a whole schema selects what it returns by default.
                (None, None) if returned == Returned::Request => {}
                (_, None) => return self.select_whole(),
            }
        }
        match self {
            Self::Only(_) if subs.is_empty() => Selection::Nothing,
            Self::Only(_) => Selection::Only(subs),
            Self::Default | Self::Except(_) if returned == Returned::Request => Selection::Nothing,
            Self::Default | Self::Except(_) if subs.is_empty() => Selection::Everything,
            Self::Default | Self::Except(_) => Selection::Except(subs),
        }
    }

    /// Returns what naming a whole attribute selects.
    const fn select_whole<'a>(&self) -> Selection<'a> {
        match self {
            Self::Default | Self::Only(_) => Selection::Everything,
            Self::Except(_) => Selection::Nothing,
        }
    }

    /// Returns whether the response includes a value under the key of an extension that is not an
    /// object.
    fn keeps_whole(&self, targets: &[Target<'_>], extension: &str) -> bool {
        !matches!(self.select(targets, Some(extension), "", None), Selection::Nothing)
    }
}

/// How much of an attribute is part of the response.
enum Selection<'a> {
    Nothing,
    Everything,
    /// Only these sub-attributes.
    Only(Vec<&'a str>),
    /// All sub-attributes except these.
    Except(Vec<&'a str>),
}

impl Selection<'_> {
    /// Prunes a value. Returns false if nothing is left of it.
    fn apply(&self, attribute: Option<&Attribute>, value: &mut Value) -> bool {
        if matches!(self, Self::Nothing) {
            return false;
        }
        let has_pruned_sub_attributes = attribute.is_some_and(|attribute| {
            attribute
                .sub_attributes
                .iter()
                .any(|sub| matches!(sub.returned, Returned::Never | Returned::Request))
        });
        if matches!(self, Self::Everything) && !has_pruned_sub_attributes {
            return true;
        }
        self.prune(attribute, value)
    }

    fn prune(&self, attribute: Option<&Attribute>, value: &mut Value) -> bool {
        match value {
            Value::Object(parts) => {
                parts.retain(|name, _| {
                    self.keeps(name, attribute.and_then(|attribute| attribute.sub_attribute(name)))
                });
                !parts.is_empty()
            }
            Value::Array(values) => {
                values.retain_mut(|value| self.prune(attribute, value));
                !values.is_empty()
            }
            // A simple value counts as its own `value`.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.keeps("value", None)
            }
        }
    }

    fn keeps(&self, name: &str, sub: Option<&Attribute>) -> bool {
        let named = |subs: &[&str]| subs.iter().any(|sub| sub.eq_ignore_ascii_case(name));
        match sub.map_or(Returned::Default, |sub| sub.returned) {
            Returned::Never => false,
            Returned::Always => true,
            Returned::Request => matches!(self, Self::Only(subs) if named(subs)),
            Returned::Default => match self {
                Self::Nothing => false,
                Self::Everything => true,
                Self::Only(subs) => named(subs),
                Self::Except(subs) => !named(subs),
            },
        }
    }
}

fn same_schema(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn parse_json_names(member: &str, value: Option<&Value>) -> Result<Vec<AttrPath>, ScimError> {
    let invalid = || ScimError::InvalidValue(format!("{member} must be an array of strings"));
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => parse_names(text),
        Some(Value::Array(values)) => collect_limited(
            values.iter().map(|value| parse_name(value.as_str().ok_or_else(invalid)?)),
        ),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(invalid()),
    }
}

/// Splits a list at its commas, except those within `[…]`.
fn parse_names(text: &str) -> Result<Vec<AttrPath>, ScimError> {
    let mut depth = 0_usize;
    let items = text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    collect_limited(items.filter(|item| !item.trim().is_empty()).map(parse_name))
}

/// Parses one name. Tolerance: `attributes=emails[type eq "work"]`, which Microsoft's SCIM test
/// collection sends, counts as `emails`. The RFC has no value filters here.
fn parse_name(text: &str) -> Result<AttrPath, ScimError> {
    AttrPath::parse(text.split_once('[').map_or(text, |(name, _)| name))
}

fn collect_limited(
    names: impl Iterator<Item = Result<AttrPath, ScimError>>,
) -> Result<Vec<AttrPath>, ScimError> {
    let names: Vec<AttrPath> = names.take(MAX_NAMES + 1).collect::<Result<_, _>>()?;
    if names.len() > MAX_NAMES {
        return Err(ScimError::InvalidValue(format!("more than {MAX_NAMES} attribute names")));
    }
    Ok(names)
}

/// Units to resolve a path with a URN, and to compare it with one name of a resource.
const RESOLVE: usize = 400;
const NAME: usize = 10;

/// Maximum number of names in one list. Every resource of a response is compared with each.
const MAX_NAMES: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{ENTERPRISE_USER, USER};

    fn ada() -> Map<String, Value> {
        let user = json!({
            "schemas": [USER],
            "id": "1",
            "userName": "ada",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"type": "work", "value": "a@b"}, {"value": "c@d"}],
            "groups": [{"value": "g"}],
            "custom": 1,
            "meta": {"resourceType": "User", "location": "/Users/1"},
            ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "2"}},
            "urn:x:1.0:User": {"a": 1, "b": 2},
        });
        let Value::Object(user) = user else { panic!("not an object") };
        user
    }

    #[track_caller]
    fn check(attributes: &str, excluded: &str, expected: &Value) {
        let projection = Projection::parse(Some(attributes), Some(excluded)).unwrap();
        let mut user = ada();
        projection.apply(ResourceType::user(), &mut user);
        assert_eq!(Value::Object(user), *expected);
    }

    /// Returns a resource of `schemas`, `id` and these attributes.
    fn with(more: Value) -> Value {
        let mut user =
            Map::from_iter([("schemas".to_owned(), json!([USER])), ("id".to_owned(), json!("1"))]);
        let Value::Object(more) = more else { panic!("not an object") };
        user.extend(more);
        Value::Object(user)
    }

    #[test]
    fn attributes_selects_these_and_those_always_returned() {
        check("userName", "", &with(json!({"userName": "ada"})));
        check(" USERNAME , id,,", "", &with(json!({"userName": "ada"})));
        check("nope", "", &with(json!({})));
        check("name.familyName", "", &with(json!({"name": {"familyName": "Lovelace"}})));
        check("emails.type", "", &with(json!({"emails": [{"type": "work"}]})));
        check("meta.location", "", &with(json!({"meta": {"location": "/Users/1"}})));
        check("groups", "", &with(json!({"groups": [{"value": "g"}]})));
        check("custom", "", &with(json!({"custom": 1})));
        check(&format!("{USER}:userName"), "", &with(json!({"userName": "ada"})));
    }

    #[test]
    fn attributes_may_name_an_extension_or_its_attribute() {
        let department = json!({ENTERPRISE_USER: {"department": "R&D"}});
        check(&format!("{ENTERPRISE_USER}:department"), "", &with(department));
        let manager = json!({ENTERPRISE_USER: {"manager": {"value": "2"}}});
        check(&format!("{ENTERPRISE_USER}:manager.value"), "", &with(manager));
        let whole = json!({ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "2"}}});
        check(&ENTERPRISE_USER.to_lowercase(), "", &with(whole));
        check("urn:x:1.0:User", "", &with(json!({"urn:x:1.0:User": {"a": 1, "b": 2}})));
        check("urn:x:1.0:User:b", "", &with(json!({"urn:x:1.0:User": {"b": 2}})));
        let mut core = ada();
        core.retain(|name, _| !name.contains(':') && name != "groups");
        check(USER, "", &Value::Object(core));
    }

    #[test]
    fn a_value_filter_in_attributes_counts_as_its_attribute() {
        let emails = json!({"emails": [{"type": "work", "value": "a@b"}, {"value": "c@d"}]});
        check(r#"emails[type eq "a,b"],emails[value eq "x"]"#, "", &with(emails));
    }

    #[test]
    fn excluded_attributes_omits_these_except_those_always_returned() {
        let mut user = ada();
        user.retain(|name, _| !["groups", "emails", "urn:x:1.0:User"].contains(&&**name));
        user.insert("name".to_owned(), json!({"givenName": "Ada"}));
        user.insert(ENTERPRISE_USER.to_owned(), json!({"manager": {"value": "2"}}));
        check(
            "",
            &format!(
                "id,schemas,emails,name.familyName,urn:x:1.0:User,{ENTERPRISE_USER}:department"
            ),
            &Value::Object(user),
        );
    }

    #[test]
    fn the_default_omits_attributes_returned_on_request() {
        let mut user = ada();
        user.remove("groups");
        check("", "", &Value::Object(user));
        assert!(Projection::parse(Some(""), None).unwrap().is_default());
    }

    #[test]
    fn needs_returns_whether_an_attribute_must_be_loaded() {
        let needs = |attributes: &str, excluded: &str, name: &str| {
            Projection::parse(Some(attributes), Some(excluded))
                .unwrap()
                .needs(ResourceType::group(), name)
        };
        assert!(needs("", "", "members"));
        assert!(!needs("", "Members", "members"));
        assert!(needs("", "members.display", "members"));
        assert!(!needs("id,displayName", "", "members"));
        assert!(needs("members.value", "", "members"));
        let user = |projection: &Projection| projection.needs(ResourceType::user(), "groups");
        assert!(!user(&Projection::Default));
        assert!(user(&Projection::parse(Some("groups.value"), None).unwrap()));
    }

    #[test]
    fn a_body_has_the_names_in_arrays() {
        let projection = Projection::from_json(Some(&json!(["userName", "emails.value"])), None);
        assert_eq!(projection, Projection::parse(Some("userName,emails.value"), None));
        assert_eq!(Projection::from_json(None, Some(&json!(null))), Ok(Projection::Default));
    }

    #[test]
    fn an_invalid_list_of_names_is_rejected() {
        let error = |projection: Result<Projection, ScimError>| projection.unwrap_err().to_string();
        insta::assert_snapshot!(error(Projection::parse(Some("a"), Some("b"))), @"attributes and excludedAttributes exclude each other (RFC 7644 section 3.9)");
        insta::assert_snapshot!(error(Projection::parse(Some("a b"), None)), @r#"path: "a b" is not an attribute name (RFC 7644 section 3.10)"#);
        insta::assert_snapshot!(error(Projection::parse(Some(&"a,".repeat(101)), None)), @"more than 100 attribute names");
        insta::assert_snapshot!(error(Projection::from_json(Some(&json!([1])), None)), @"attributes must be an array of strings");
        insta::assert_snapshot!(error(Projection::from_json(Some(&json!({})), None)), @"attributes must be an array of strings");
    }
}
