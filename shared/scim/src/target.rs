//! Resolves attribute paths against schemas (RFC 7644 §3.10). Bodies, PATCH, filters, projections
//! and sorting all resolve their names here.
//!
//! A path with a URN is matched with the schemas of the resource type in every form that
//! `schema_urn` knows. A URN that is none of ours belongs to an extension of the client: the
//! longest one that the resource has or the request names in `schemas`, else the one that its form
//! suggests.

mod client_extension;

use std::borrow::Cow;

use serde_json::{Map, Value};

use self::client_extension::{find_extension, guess_extension};
use crate::attr_path::{AttrPath, split_name, strip_kind};
use crate::error::ScimError;
use crate::mode::Mode;
use crate::quirks;
use crate::schema::{Attribute, ResourceType};
use crate::schema_urn::{NoSuchSchema, SchemaPrefix, find_schema};

/// The schemas that paths are matched with.
#[derive(Clone, Copy, Debug)]
pub struct Schemas<'a> {
    /// Declares the attributes.
    pub resource_type: &'a ResourceType,
    /// The resource, whose objects under a URN are extensions.
    pub resource: Option<&'a Map<String, Value>>,
    /// `schemas` of the request, which may name extensions that the resource does not have yet.
    pub named: &'a [String],
}

impl<'a> Schemas<'a> {
    /// Returns the schemas of a resource type alone.
    pub const fn of_type(resource_type: &'a ResourceType) -> Self {
        Self { resource_type, resource: None, named: &[] }
    }

    /// Returns the schemas of a resource type and the extensions of a resource.
    pub const fn of_resource(
        resource_type: &'a ResourceType,
        resource: &'a Map<String, Value>,
    ) -> Self {
        Self { resource_type, resource: Some(resource), named: &[] }
    }
}

/// A resolved attribute path: schema, attribute and sub-attribute with their definitions.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// URN of the extension, in the letter case of its schema if declared, else of the resource.
    /// `None` for core and common attributes.
    pub extension: Option<Cow<'a, str>>,
    /// Name of the attribute. `None` for a whole schema.
    pub name: Option<&'a str>,
    /// Name of the sub-attribute.
    pub sub: Option<&'a str>,
    /// Definition of the attribute, if a schema declares it.
    pub attribute: Option<&'static Attribute>,
    /// Definition of the sub-attribute, if a schema declares it.
    pub sub_attribute: Option<&'static Attribute>,
    /// Whether the path has the form of RFC 7644 §3.10, with the URN of its schema.
    pub is_exact: bool,
}

impl<'a> Target<'a> {
    /// Resolves a path.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] if the path looks like a name of ours, but names nothing that the
    /// resource type has: another type's URN, a misspelt URN, a sub-attribute after a colon. It is
    /// never taken for an extension of the client, since a change would then be put aside.
    pub fn resolve(path: &'a AttrPath, schemas: Schemas<'_>) -> Result<Self, ScimError> {
        Self::resolve_for(path, schemas, None)
    }

    /// Resolves the path of a value. A URN that is not known is a whole extension if the value is
    /// an object.
    ///
    /// # Errors
    ///
    /// As [`Self::resolve`].
    pub fn resolve_for(
        path: &'a AttrPath,
        schemas: Schemas<'_>,
        value: Option<&Value>,
    ) -> Result<Self, ScimError> {
        let text = match path {
            AttrPath::Plain { name, sub } => {
                return Ok(Self::plain(schemas.resource_type, name, sub.as_deref()));
            }
            AttrPath::Qualified(text) => text,
        };
        let unknown = || {
            let name = schemas.resource_type.name();
            ScimError::InvalidPath(format!("{text} names no attribute of a {name}"))
        };
        if let Some((kind, rest)) = strip_kind(text) {
            let (name, sub) = split_name(rest).ok_or_else(unknown)?;
            let target = Self::plain(schemas.resource_type, name, sub);
            if kind == schemas.resource_type.kind && target.attribute.is_some() {
                return Ok(Self { is_exact: false, ..target });
            }
            return Self::own_attribute(text, schemas).ok_or_else(unknown);
        }
        match find_schema(schemas.resource_type, text) {
            Ok(Some(prefix)) => Self::within(schemas.resource_type, prefix).ok_or_else(unknown),
            Ok(None) => Ok(Self::of_client(text, schemas, value)),
            Err(NoSuchSchema) => Err(unknown()),
        }
    }

    /// Resolves a name within an extension: `department`, `manager.value`.
    pub(crate) fn in_extension(
        resource_type: &ResourceType,
        urn: &'a str,
        name: &'a str,
        sub: Option<&'a str>,
    ) -> Self {
        let attribute =
            resource_type.extension(urn).and_then(|extension| extension.attribute(name));
        Self::named(Some(Cow::Borrowed(urn)), name, sub, attribute)
    }

    /// Returns the definition of the sub-attribute if the path names one, else of the attribute.
    pub fn definition(&self) -> Option<&'static Attribute> {
        match self.sub {
            Some(_) => self.sub_attribute,
            None => self.attribute,
        }
    }

    /// Returns whether this is the core or common attribute of that name, with or without a
    /// sub-attribute.
    pub fn is_core(&self, name: &str) -> bool {
        self.extension.is_none() && self.name.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// Returns whether a tenant accepts the form of the path, see [`quirks::accepts_urn_forms`].
    pub fn is_accepted(&self, mode: Mode) -> bool {
        self.is_exact || quirks::accepts_urn_forms(mode)
    }

    /// Returns whether this is the core schema as a whole.
    pub const fn is_whole_core(&self) -> bool {
        self.extension.is_none() && self.name.is_none()
    }

    /// Resolves a path without a URN: in the core schema, else in the extensions.
    fn plain(resource_type: &ResourceType, name: &'a str, sub: Option<&'a str>) -> Self {
        let attribute = resource_type.attribute(name);
        if attribute.is_none()
            && let Some((extension, attribute)) = quirks::find_unqualified(resource_type, name)
        {
            return Self::named(Some(Cow::Borrowed(&extension.id)), name, sub, Some(attribute));
        }
        Self::named(None, name, sub, attribute)
    }

    /// Resolves the text after the URN of a schema. `None` if it names no attribute.
    fn within(resource_type: &ResourceType, prefix: SchemaPrefix<'a>) -> Option<Self> {
        let SchemaPrefix { schema, is_exact, has_kind, rest } = prefix;
        let is_core = schema.id == resource_type.schema.id;
        let extension = (!is_core).then_some(Cow::Borrowed(&*schema.id));
        let Some(rest) = rest else { return Some(Self::whole(extension, is_exact)) };
        let (name, sub) = split_name(rest)?;
        let attribute =
            if is_core { resource_type.attribute(name) } else { schema.attribute(name) };
        // `urn:scim:schemas:core:2.0:Usr` is rather a misspelt type than an attribute, and so is a
        // second `User`.
        let is_kind = strip_kind(rest).is_some() || resource_type.name().eq_ignore_ascii_case(rest);
        if attribute.is_none() && (!has_kind || is_kind) {
            return None;
        }
        Some(Self { is_exact, ..Self::named(extension, name, sub, attribute) })
    }

    /// Resolves a path with the URN of an extension that we do not declare.
    fn of_client(text: &'a str, schemas: Schemas<'_>, value: Option<&Value>) -> Self {
        let found = find_extension(text, schemas).unwrap_or_else(|| guess_extension(text, value));
        match found.rest {
            None => Self::whole(Some(found.urn), true),
            Some((name, sub)) => Self::named(Some(found.urn), name, sub, None),
        }
    }

    fn named(
        extension: Option<Cow<'a, str>>,
        name: &'a str,
        sub: Option<&'a str>,
        attribute: Option<&'static Attribute>,
    ) -> Self {
        let sub_attribute =
            attribute.zip(sub).and_then(|(attribute, sub)| attribute.sub_attribute(sub));
        Self { extension, name: Some(name), sub, attribute, sub_attribute, is_exact: true }
    }

    /// Resolves `group.name` if the client gave the resource an attribute `group`, in this letter
    /// case.
    fn own_attribute(text: &'a str, schemas: Schemas<'_>) -> Option<Self> {
        let (name, sub) = split_name(text)?;
        schemas.resource?.get(name)?;
        Some(Self::named(None, name, sub, None))
    }

    const fn whole(extension: Option<Cow<'a, str>>, is_exact: bool) -> Self {
        let (attribute, sub_attribute) = (None, None);
        Self { extension, name: None, sub: None, attribute, sub_attribute, is_exact }
    }
}

/// Checks a path of a query, which must have a meaning for one of the resource types.
///
/// # Errors
///
/// As [`Target::resolve`].
pub(crate) fn check_path(
    path: &AttrPath,
    resource_types: &[&ResourceType],
) -> Result<(), ScimError> {
    let mut first = Ok(());
    for resource_type in resource_types {
        match Target::resolve(path, Schemas::of_type(resource_type)) {
            Ok(_) => return Ok(()),
            Err(error) => first = first.and(Err(error)),
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{ENTERPRISE_USER, GROUP, USER};

    /// Resolves a path of a user that has extensions.
    #[track_caller]
    fn check(path: &str, extension: Option<&str>, name: Option<&str>, sub: Option<&str>) {
        let resource = json!({
            "userName": "ada",
            "group": {"name": "x"},
            "urn:okta:app:1.0:user:custom": {"a": 1},
            "urn:UserAttributes": {"a": 1},
            "urn:x:1.0": {"a": 1},
            "urn:x:1.0:User": {"a": 1},
            "urn:text": "x",
        });
        let path = AttrPath::parse(path).unwrap();
        let schemas = Schemas {
            named: &["urn:named:thing".to_owned()],
            ..Schemas::of_resource(ResourceType::user(), resource.as_object().unwrap())
        };
        let target = Target::resolve(&path, schemas).unwrap();
        let seen = (target.extension.as_deref(), target.name, target.sub);
        assert_eq!(seen, (extension, name, sub), "{path}");
    }

    #[test]
    fn declared_schemas_decide_where_a_urn_ends() {
        let enterprise = Some(ENTERPRISE_USER);
        check("userName", None, Some("userName"), None);
        check(&format!("{USER}:name.familyName"), None, Some("name"), Some("familyName"));
        check(&format!("{USER}.name.familyName"), None, Some("name"), Some("familyName"));
        check(USER, None, None, None);
        check(ENTERPRISE_USER, enterprise, None, None);
        check(&ENTERPRISE_USER.to_uppercase(), enterprise, None, None);
        check(&format!("{ENTERPRISE_USER}:department"), enterprise, Some("department"), None);
        check(&format!("{ENTERPRISE_USER}.badge"), enterprise, Some("badge"), None);
        check(
            &format!("{ENTERPRISE_USER}:manager.value"),
            enterprise,
            Some("manager"),
            Some("value"),
        );
        check("department", enterprise, Some("department"), None);
        check("User.active", None, Some("active"), None);
        check("user:department", enterprise, Some("department"), None);
        check("group.name", None, Some("group"), Some("name"));
    }

    #[test]
    fn the_extensions_of_the_resource_and_of_the_request_decide_where_a_urn_ends() {
        let okta = Some("urn:okta:app:1.0:user:custom");
        check("urn:okta:app:1.0:user:custom", okta, None, None);
        check("URN:OKTA:APP:1.0:USER:CUSTOM:b.c", okta, Some("b"), Some("c"));
        check("urn:okta:app:1.0:user:custom.b.c", okta, Some("b"), Some("c"));
        check("urn:UserAttributes.b", Some("urn:UserAttributes"), Some("b"), None);
        check("urn:x:1.0:User", Some("urn:x:1.0:User"), None, None);
        check("urn:x:1.0:Title", Some("urn:x:1.0"), Some("Title"), None);
        check("urn:named:thing", Some("urn:named:thing"), None, None);
        check("urn:named:thing:b", Some("urn:named:thing"), Some("b"), None);
    }

    #[test]
    fn a_name_like_ours_that_names_nothing_is_an_error() {
        for path in [
            &format!("{GROUP}:active"),
            GROUP,
            "Group.active",
            "User.nope",
            &format!("{USER}:name:givenName"),
            &format!("{ENTERPRISE_USER}:manager:value"),
            &format!("{USER}2:active"),
            "urn:scim:schemas:core:1.0:nope",
            "urn:ietf:params:scim:schemas:core:2.0:Usr:active",
        ] {
            let parsed = AttrPath::parse(path).unwrap();
            let error = Target::resolve(&parsed, Schemas::of_type(ResourceType::user()));
            assert_eq!(error.unwrap_err().scim_type(), Some("invalidPath"), "{path}");
        }
    }

    #[test]
    fn a_declared_attribute_has_its_definition() {
        let path = AttrPath::parse("EMAILS.Value").unwrap();
        let schemas = Schemas::of_type(ResourceType::user());
        let target = Target::resolve(&path, schemas).unwrap();
        assert!(target.is_core("emails"));
        assert_eq!(target.definition().map(|found| &*found.name), Some("value"));
        let path = AttrPath::parse("emails.nope").unwrap();
        assert!(Target::resolve(&path, schemas).unwrap().definition().is_none());
    }
}
