//! Schemas, attributes and resource types as data (RFC 7643 §2, §3.1, §6, §7).
//!
//! The documents under `schemas/` are what `/Schemas` serves and what validation, PATCH, filters
//! and projection go by, so the service cannot declare one thing and do another.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// URN of the core User schema (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of our licence extension.
pub const LICENCE_USER: &str = "urn:gatehouse:params:scim:schemas:extension:licence:1.0:User";
/// URN of the extension that spells the licence `canEdit`.
pub const LUCIDCHART_USER: &str = "urn:ietf:params:scim:schemas:extension:lucidchart:1.0:User";
/// URN of the extension that spells the licence `productLicenses`.
pub const LUCID_USER: &str = "urn:ietf:params:scim:schemas:extension:lucid:2.0:User";

/// A schema document (RFC 7643 §7).
#[derive(Debug, Deserialize, Serialize)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// One sentence on what it is for.
    pub description: String,
    /// Its attributes, in the order of the document.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of that name, in any letter case (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        by_name(&self.attributes, name)
    }
}

/// One attribute or sub-attribute with its characteristics (RFC 7643 §2.2, §7).
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// The name, in the letter case that we answer with.
    pub name: String,
    /// The data type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether the value is a list.
    pub multi_valued: bool,
    /// What it holds.
    pub description: String,
    /// Whether a resource cannot be without it.
    pub required: bool,
    /// Suggested values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether strings compare with letter case.
    pub case_exact: bool,
    /// Who may change it, and when.
    pub mutability: Mutability,
    /// When it is part of an answer.
    pub returned: Returned,
    /// Whether two resources may have the same value.
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// The parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Self>,
}

impl Attribute {
    /// The sub-attribute of that name, in any letter case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Self> {
        by_name(&self.sub_attributes, name)
    }
}

/// A data type (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Decimal,
    /// A whole number.
    Integer,
    /// A date and time of XML Schema.
    DateTime,
    /// Bytes in base64.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may change an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the service sets it.
    ReadOnly,
    /// Clients may set it at any time.
    ReadWrite,
    /// Clients may set it once.
    Immutable,
    /// Clients may set it and never read it.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Always, whatever was asked for.
    Always,
    /// Never.
    Never,
    /// Unless the request leaves it out.
    Default,
    /// Only if the request names it.
    Request,
}

/// Whether two resources may have the same value (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// They may.
    None,
    /// Not within one tenant.
    Server,
    /// Nowhere.
    Global,
}

/// A resource type (RFC 7643 §6).
#[derive(Debug)]
pub struct ResourceType {
    /// The name, which is also the id.
    pub name: &'static str,
    /// Where the resources are, below the base URL.
    pub endpoint: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The core schema.
    pub schema: &'static Schema,
    /// The extensions, none of them required.
    pub extensions: Vec<&'static Schema>,
}

impl ResourceType {
    /// Users.
    pub fn user() -> &'static Self {
        &USER_TYPE
    }

    /// Groups.
    pub fn group() -> &'static Self {
        &GROUP_TYPE
    }

    /// Both, in the order in which `/ResourceTypes` lists them.
    pub fn all() -> [&'static Self; 2] {
        [Self::user(), Self::group()]
    }

    /// The core or common attribute of that name, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| COMMON.attribute(name))
    }

    /// The core schema or extension of that URN. URNs compare without case (RFC 7643 §10.3).
    pub fn resolve_schema(&self, urn: &str) -> Option<&'static Schema> {
        if self.schema.id.eq_ignore_ascii_case(urn) {
            return Some(self.schema);
        }
        self.extension(urn)
    }

    /// The extension of that URN.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Whether a URN goes on after that of a schema of ours, so that it is none of its own.
    pub fn is_below_schema(&self, urn: &str) -> bool {
        self.extensions.iter().chain([&self.schema]).any(|schema| {
            let (start, rest) = urn.split_at_checked(schema.id.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(&schema.id) && rest.starts_with(':')
        })
    }

    /// The attribute at `schema:name.sub`; without a schema, the core and common attributes.
    pub fn attribute_at(
        &self,
        schema: Option<&str>,
        name: &str,
        sub: Option<&str>,
    ) -> Option<&'static Attribute> {
        let attribute = match schema {
            Some(urn) if !self.schema.id.eq_ignore_ascii_case(urn) => {
                self.extension(urn)?.attribute(name)?
            }
            Some(_) | None => self.attribute(name)?,
        };
        match sub {
            Some(sub) => attribute.sub_attribute(sub),
            None => Some(attribute),
        }
    }
}

/// Every schema that `/Schemas` lists.
pub fn all() -> &'static [Schema] {
    &SCHEMAS
}

/// The listed schema of that URN, in any letter case.
pub fn schema(urn: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
}

fn by_name<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[expect(clippy::expect_used, reason = "the documents are compiled in and a test reads each one")]
fn parse(document: &str) -> Schema {
    serde_json::from_str(document).expect("a schema document of this crate")
}

#[expect(clippy::expect_used, reason = "the list is compiled in and a test looks each URN up")]
fn listed(urn: &str) -> &'static Schema {
    schema(urn).expect("a listed schema")
}

static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    [
        include_str!("schemas/user.json"),
        include_str!("schemas/group.json"),
        include_str!("schemas/enterprise_user.json"),
        include_str!("schemas/licence_user.json"),
        include_str!("schemas/lucidchart_user.json"),
        include_str!("schemas/lucid_user.json"),
    ]
    .into_iter()
    .map(parse)
    .collect()
});

/// `schemas`, `id`, `externalId` and `meta`: attributes of every resource that belong to no schema
/// (RFC 7643 §3.1), so `/Schemas` does not list them.
static COMMON: LazyLock<Schema> = LazyLock::new(|| parse(include_str!("schemas/common.json")));

static USER_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "User account",
    schema: listed(USER),
    extensions: [ENTERPRISE_USER, LICENCE_USER, LUCIDCHART_USER, LUCID_USER].map(listed).to_vec(),
});

static GROUP_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "Group",
    schema: listed(GROUP),
    extensions: Vec::new(),
});

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_document_reads_and_writes_back_as_it_is() {
        for (schema, document) in all().iter().zip([
            include_str!("schemas/user.json"),
            include_str!("schemas/group.json"),
            include_str!("schemas/enterprise_user.json"),
            include_str!("schemas/licence_user.json"),
            include_str!("schemas/lucidchart_user.json"),
            include_str!("schemas/lucid_user.json"),
        ]) {
            let document: Value = serde_json::from_str(document).unwrap();
            assert_eq!(serde_json::to_value(schema).unwrap(), document, "{}", schema.id);
        }
        assert_eq!(ResourceType::all().map(|of| of.endpoint), ["/Users", "/Groups"]);
    }

    #[test]
    fn names_and_urns_are_found_in_any_letter_case() {
        let user = ResourceType::user();
        let name = |schema: Option<&str>, name, sub| {
            user.attribute_at(schema, name, sub).map(|attribute| attribute.name.as_str())
        };
        assert_eq!(name(None, "USERNAME", None), Some("userName"));
        assert_eq!(name(None, "externalid", None), Some("externalId"));
        assert_eq!(name(None, "Name", Some("FAMILYNAME")), Some("familyName"));
        assert_eq!(name(Some(USER), "emails", Some("Value")), Some("value"));
        assert_eq!(
            name(Some(&ENTERPRISE_USER.to_uppercase()), "Manager", Some("$REF")),
            Some("$ref")
        );
        assert_eq!(name(Some(ENTERPRISE_USER), "userName", None), None);
        assert_eq!(name(Some(GROUP), "displayName", None), None);
        assert_eq!(name(None, "manager", None), None);
        assert_eq!(ResourceType::group().attribute("members").map(|a| a.multi_valued), Some(true));
    }

    #[test]
    fn a_complex_attribute_has_parts_and_no_other_has() {
        for schema in all() {
            for attribute in &schema.attributes {
                assert_eq!(
                    attribute.kind == Kind::Complex,
                    !attribute.sub_attributes.is_empty(),
                    "{}:{}",
                    schema.id,
                    attribute.name
                );
            }
        }
    }
}
