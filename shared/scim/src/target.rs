//! Resolves attribute paths against the schemas of a resource type (RFC 7644 §3.10).

use std::borrow::Cow;

use crate::attr_path::{AttrPath, is_version};
use crate::quirks;
use crate::schema::{Attribute, ResourceType};

/// A resolved attribute path: schema, attribute and sub-attribute with their definitions.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// URN of the extension, in the letter case of its schema if declared. `None` for core and
    /// common attributes.
    pub extension: Option<Cow<'a, str>>,
    /// Name of the attribute. `None` for a whole schema.
    pub name: Option<&'a str>,
    /// Name of the sub-attribute.
    pub sub: Option<&'a str>,
    /// Definition of the attribute, if a schema declares it.
    pub attribute: Option<&'static Attribute>,
    /// Definition of the sub-attribute, if a schema declares it.
    pub sub_attribute: Option<&'static Attribute>,
}

impl<'a> Target<'a> {
    /// Resolves a path. The declared schemas decide where a URN ends. An undeclared URN that ends
    /// in a version or in a version and one more part (`…:2.0:User`) is a whole extension; any
    /// other names an attribute after its last `:`.
    pub fn resolve(path: &'a AttrPath, resource_type: &ResourceType) -> Self {
        let Some(schema) = path.schema.as_deref() else {
            return Self::core(path, resource_type);
        };
        if resource_type.schema.id.eq_ignore_ascii_case(schema) {
            return Self::core(path, resource_type);
        }
        if let Some(extension) = resource_type.extension(schema) {
            let attribute = extension.attribute(&path.name);
            return Self::named(path, Some(Cow::Borrowed(&extension.id)), attribute);
        }
        if path.sub.is_none() {
            let urn = path.to_string();
            if let Some(known) = resource_type.resolve_schema(&urn) {
                let is_core = known.id == resource_type.schema.id;
                return Self::whole((!is_core).then_some(Cow::Borrowed(&*known.id)));
            }
            let before = schema.rsplit_once(':').map_or(schema, |(_, last)| last);
            if is_version(&path.name) || is_version(before) {
                return Self::whole(Some(Cow::Owned(urn)));
            }
        }
        Self::named(path, Some(Cow::Borrowed(schema)), None)
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

    fn core(path: &'a AttrPath, resource_type: &ResourceType) -> Self {
        let attribute = resource_type.attribute(&path.name);
        if attribute.is_none()
            && path.schema.is_none()
            && let Some((extension, attribute)) =
                quirks::find_unqualified(resource_type, &path.name)
        {
            return Self::named(path, Some(Cow::Borrowed(&extension.id)), Some(attribute));
        }
        Self::named(path, None, attribute)
    }

    fn named(
        path: &'a AttrPath,
        extension: Option<Cow<'a, str>>,
        attribute: Option<&'static Attribute>,
    ) -> Self {
        let sub = path.sub.as_deref();
        let sub_attribute =
            attribute.zip(sub).and_then(|(attribute, sub)| attribute.sub_attribute(sub));
        Self { extension, name: Some(&path.name), sub, attribute, sub_attribute }
    }

    const fn whole(extension: Option<Cow<'a, str>>) -> Self {
        Self { extension, name: None, sub: None, attribute: None, sub_attribute: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER, USER};

    #[track_caller]
    fn check(path: &str, extension: Option<&str>, name: Option<&str>, sub: Option<&str>) {
        let path = AttrPath::parse(path).unwrap();
        let target = Target::resolve(&path, ResourceType::user());
        assert_eq!((target.extension.as_deref(), target.name, target.sub), (extension, name, sub));
    }

    #[test]
    fn declared_schemas_decide_where_a_urn_ends() {
        let enterprise = Some(ENTERPRISE_USER);
        check("userName", None, Some("userName"), None);
        check(&format!("{USER}:name.familyName"), None, Some("name"), Some("familyName"));
        check(USER, None, None, None);
        check(ENTERPRISE_USER, enterprise, None, None);
        check(&ENTERPRISE_USER.to_uppercase(), enterprise, None, None);
        check(&format!("{ENTERPRISE_USER}:department"), enterprise, Some("department"), None);
        check(
            &format!("{ENTERPRISE_USER}:manager.value"),
            enterprise,
            Some("manager"),
            Some("value"),
        );
    }

    #[test]
    fn an_undeclared_schema_ends_after_its_version_and_one_part() {
        check("urn:x:1.0:User", Some("urn:x:1.0:User"), None, None);
        check("urn:x:1.0", Some("urn:x:1.0"), None, None);
        check("urn:x:1.0:User:a", Some("urn:x:1.0:User"), Some("a"), None);
        check("urn:x:1.0:User:a.b", Some("urn:x:1.0:User"), Some("a"), Some("b"));
        check("urn:x:thing", Some("urn:x"), Some("thing"), None);
        check("http://x/ADSCIM/2.0/Group:a", Some("http://x/ADSCIM/2.0/Group"), Some("a"), None);
    }

    #[test]
    fn a_declared_attribute_has_its_definition() {
        let path = AttrPath::parse("EMAILS.Value").unwrap();
        let target = Target::resolve(&path, ResourceType::user());
        assert!(target.is_core("emails"));
        assert_eq!(target.definition().map(|found| &*found.name), Some("value"));
        let path = AttrPath::parse("emails.nope").unwrap();
        assert!(Target::resolve(&path, ResourceType::user()).definition().is_none());
    }
}
