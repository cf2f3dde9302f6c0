//! Schemas, attributes and resource types as data (RFC 7643 §2, §3.1, §6, §7).
//!
//! The documents under `schemas/` drive validation, PATCH, filters and projection, and
//! [`crate::discovery`] serves them as `/Schemas`. What the service declares is therefore what it
//! does.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// URN of the core User schema (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of the Gatehouse licence extension.
pub const LICENCE_USER: &str = "urn:gatehouse:params:scim:schemas:extension:licence:1.0:User";
/// URN of the extension that writes the licence as `canEdit`.
pub const LUCIDCHART_USER: &str = "urn:ietf:params:scim:schemas:extension:lucidchart:1.0:User";
/// URN of the extension that writes the licence as `productLicenses`.
pub const LUCID_USER: &str = "urn:ietf:params:scim:schemas:extension:lucid:2.0:User";

/// A schema document (RFC 7643 §7).
#[derive(Debug, Deserialize, Serialize)]
pub struct Schema {
    /// URN.
    pub id: String,
    /// Human-readable name.
    pub name: String,
    /// Purpose, in one sentence.
    pub description: String,
    /// Attributes, in the order of the document.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// Returns the attribute of that name, in any letter case (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        by_name(&self.attributes, name)
    }
}

/// An attribute or sub-attribute with its characteristics (RFC 7643 §2.2, §7).
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Name, in the letter case of stored and returned resources.
    pub name: String,
    /// Data type.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Whether the attribute holds a list of values.
    pub multi_valued: bool,
    /// Meaning of the value.
    pub description: String,
    /// Whether every resource must have a value.
    pub required: bool,
    /// Suggested values, such as `work` and `home`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether strings compare case-sensitively.
    pub case_exact: bool,
    /// Whether and when clients may change the value.
    pub mutability: Mutability,
    /// Whether responses include the attribute.
    pub returned: Returned,
    /// Scope in which the value is unique.
    pub uniqueness: Uniqueness,
    /// Resource types that a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Self>,
}

impl Attribute {
    /// Returns the sub-attribute of that name, in any letter case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Self> {
        by_name(&self.sub_attributes, name)
    }
}

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DataType {
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

/// Whether and when clients may change an attribute (RFC 7643 §7).
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

/// Whether responses include an attribute (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Always, whatever the request selects.
    Always,
    /// Never.
    Never,
    /// Unless the request excludes it.
    Default,
    /// Only if the request names it.
    Request,
}

/// Scope in which the value of an attribute is unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Not unique.
    None,
    /// Unique within a tenant.
    Server,
    /// Unique everywhere.
    Global,
}

/// The two kinds of resources. The `type` of a group member is the name of its kind.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ResourceKind {
    /// A user (RFC 7643 §4.1).
    User,
    /// A group (RFC 7643 §4.2).
    Group,
}

impl ResourceKind {
    /// Both kinds, in the order in which `/ResourceTypes` lists them.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Returns the name of the resource type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Returns the resource type.
    pub fn resource_type(self) -> &'static ResourceType {
        match self {
            Self::User => ResourceType::user(),
            Self::Group => ResourceType::group(),
        }
    }
}

/// A resource type (RFC 7643 §6).
#[derive(Debug)]
pub struct ResourceType {
    /// Kind of its resources.
    pub kind: ResourceKind,
    /// Path of the collection below the base URL, as `/Users`.
    pub endpoint: &'static str,
    /// Human-readable description.
    pub description: &'static str,
    /// Core schema.
    pub schema: &'static Schema,
    /// Schema extensions, none of them required.
    pub extensions: Vec<&'static Schema>,
}

impl ResourceType {
    /// Returns the resource type `User`.
    pub fn user() -> &'static Self {
        &USER_TYPE
    }

    /// Returns the resource type `Group`.
    pub fn group() -> &'static Self {
        &GROUP_TYPE
    }

    /// Returns both resource types, in the order in which `/ResourceTypes` lists them.
    pub fn all() -> [&'static Self; 2] {
        ResourceKind::ALL.map(ResourceKind::resource_type)
    }

    /// Returns the name, which is also the id.
    pub const fn name(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Returns the core schema and the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        std::iter::once(self.schema).chain(self.extensions.iter().copied())
    }

    /// Returns the core or common attribute of that name, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| COMMON.attribute(name))
    }

    /// Returns the core schema or extension of that URN. URNs compare without letter case
    /// (RFC 7643 §10.3).
    pub fn resolve_schema(&self, urn: &str) -> Option<&'static Schema> {
        if self.schema.id.eq_ignore_ascii_case(urn) {
            return Some(self.schema);
        }
        self.extension(urn)
    }

    /// Returns the extension of that URN.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

/// Returns every schema that `/Schemas` lists.
pub fn all() -> &'static [Schema] {
    &SCHEMAS
}

/// Returns the listed schema of that URN, in any letter case.
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

/// The schemas as documents. The last three describe the discovery documents; some clients do not
/// connect without them.
const DOCUMENTS: [&str; 9] = [
    include_str!("schemas/user.json"),
    include_str!("schemas/group.json"),
    include_str!("schemas/enterprise_user.json"),
    include_str!("schemas/licence_user.json"),
    include_str!("schemas/lucidchart_user.json"),
    include_str!("schemas/lucid_user.json"),
    include_str!("schemas/service_provider_config.json"),
    include_str!("schemas/resource_type.json"),
    include_str!("schemas/schema.json"),
];

static SCHEMAS: LazyLock<Vec<Schema>> =
    LazyLock::new(|| DOCUMENTS.into_iter().map(parse).collect());

/// `schemas`, `id`, `externalId` and `meta`: attributes of every resource that belong to no schema
/// (RFC 7643 §3.1), so `/Schemas` does not list them.
static COMMON: LazyLock<Schema> = LazyLock::new(|| parse(include_str!("schemas/common.json")));

static USER_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
    kind: ResourceKind::User,
    endpoint: "/Users",
    description: "User account",
    schema: listed(USER),
    extensions: [ENTERPRISE_USER, LICENCE_USER, LUCIDCHART_USER, LUCID_USER].map(listed).to_vec(),
});

static GROUP_TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
    kind: ResourceKind::Group,
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
    fn every_schema_document_round_trips() {
        for (schema, document) in all().iter().zip(DOCUMENTS) {
            let document: Value = serde_json::from_str(document).unwrap();
            assert_eq!(serde_json::to_value(schema).unwrap(), document, "{}", schema.id);
        }
        assert_eq!(
            ResourceType::all().map(|resource_type| resource_type.endpoint),
            ["/Users", "/Groups"]
        );
    }

    #[test]
    fn names_and_urns_are_found_in_any_letter_case() {
        let user = ResourceType::user();
        let name = |attribute: Option<&'static Attribute>| attribute.map(|found| &*found.name);
        let sub_attribute = |attribute: Option<&'static Attribute>, sub| {
            name(attribute.and_then(|attribute| attribute.sub_attribute(sub)))
        };
        assert_eq!(name(user.attribute("USERNAME")), Some("userName"));
        assert_eq!(name(user.attribute("externalid")), Some("externalId"));
        assert_eq!(name(user.attribute("manager")), None);
        assert_eq!(sub_attribute(user.attribute("Name"), "FAMILYNAME"), Some("familyName"));
        let enterprise = user.extension(&ENTERPRISE_USER.to_uppercase()).unwrap();
        assert_eq!(sub_attribute(enterprise.attribute("Manager"), "$REF"), Some("$ref"));
        assert_eq!(name(enterprise.attribute("userName")), None);
        let core = user.resolve_schema(&USER.to_uppercase());
        assert_eq!(core.map(|schema| &*schema.id), Some(USER));
        assert!(user.resolve_schema(GROUP).is_none());
        assert_eq!(ResourceType::group().attribute("members").map(|a| a.multi_valued), Some(true));
    }

    #[test]
    fn only_complex_attributes_have_sub_attributes() {
        for schema in all() {
            for attribute in &schema.attributes {
                assert_eq!(
                    attribute.data_type == DataType::Complex,
                    !attribute.sub_attributes.is_empty(),
                    "{}:{}",
                    schema.id,
                    attribute.name
                );
            }
        }
    }
}
