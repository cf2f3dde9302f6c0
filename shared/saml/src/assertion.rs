//! Reads the claims of an assertion from its element (SAML core §2). Checks nothing: the checks are
//! in [`crate::response`].
//!
//! Invariant (*claims from signed bytes*): `Claims::read` is called only on the root of a fresh
//! parse of signed text, or of a plaintext whose ciphertext a verified response covers.

use roxmltree::Node;

use super::decryption::{DecryptionError, Encrypted};
use super::names::{ASSERTION, BEARER};
use super::xml::{
    XmlError, child_elements, children_named, collapsed_attribute, collapsed_text_of, has_name,
    optional_child, qualified_name, required_child, text_of, truncate,
};

/// The claims of one assertion, as received.
pub(super) struct Claims {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) issue_instant: String,
    pub(super) issuer: String,
    pub(super) name_id: Option<NameId>,
    /// The `EncryptedID` in place of a `NameID`.
    pub(super) encrypted_id: Option<Result<Encrypted, DecryptionError>>,
    /// The first [`MAX_ENCRYPTED_ATTRIBUTES`].
    pub(super) encrypted_attributes: Vec<Result<Encrypted, DecryptionError>>,
    /// All of them.
    pub(super) encrypted_attribute_count: usize,
    pub(super) bearers: Vec<BearerConfirmation>,
    /// `None` if the assertion has no `Conditions`.
    pub(super) conditions: Option<Conditions>,
    pub(super) statements: Vec<AuthnStatement>,
    pub(super) attributes: Vec<Attribute>,
}

/// A name identifier (SAML core §2.2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameId {
    /// The identifier, trimmed.
    pub value: String,
    /// `Format`, a URI.
    pub format: Option<String>,
    /// `SPNameQualifier`: the entity id that the identifier is for.
    pub sp_name_qualifier: Option<String>,
}

/// A subject confirmation with the bearer method (SAML core §2.4.1.1).
pub(super) struct BearerConfirmation {
    pub(super) recipient: Option<String>,
    pub(super) not_before: bool,
    pub(super) not_on_or_after: Option<String>,
    pub(super) in_response_to: Option<String>,
}

/// The conditions of use (SAML core §2.5).
pub(super) struct Conditions {
    pub(super) not_before: Option<String>,
    pub(super) not_on_or_after: Option<String>,
    /// The audiences of each restriction; every restriction must name us.
    pub(super) audiences: Vec<Vec<String>>,
}

/// A statement about the sign-in at the provider (SAML core §2.7.2).
pub(super) struct AuthnStatement {
    pub(super) instant: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<String>,
    pub(super) context: Option<String>,
}

/// An attribute with its values (SAML core §2.7.3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// `Name`. `FriendlyName` is not read, because it identifies nothing.
    pub name: String,
    /// `NameFormat`.
    pub name_format: Option<String>,
    /// The values, in order. Values with child elements are left out.
    pub values: Vec<String>,
}

impl Claims {
    /// Reads `assertion`, the root of signed text.
    pub(super) fn read(assertion: Node<'_, '_>) -> Result<Self, XmlError> {
        let subject = optional_child(assertion, ASSERTION, "Subject")?;
        let mut claims = Self {
            id: attribute(assertion, "ID").ok_or(XmlError::Missing("Assertion ID"))?,
            version: attribute(assertion, "Version").unwrap_or_default(),
            issue_instant: attribute(assertion, "IssueInstant").unwrap_or_default(),
            issuer: collapsed_text_of(required_child(assertion, ASSERTION, "Issuer")?)?,
            name_id: None,
            encrypted_id: None,
            encrypted_attributes: Vec::new(),
            encrypted_attribute_count: 0,
            bearers: Vec::new(),
            conditions: optional_child(assertion, ASSERTION, "Conditions")?
                .map(Conditions::read)
                .transpose()?,
            statements: children_named(assertion, ASSERTION, "AuthnStatement")
                .map(AuthnStatement::read)
                .collect::<Result<_, _>>()?,
            attributes: Vec::new(),
        };
        if let Some(subject) = subject {
            claims.name_id =
                optional_child(subject, ASSERTION, "NameID")?.map(NameId::read).transpose()?;
            claims.encrypted_id =
                optional_child(subject, ASSERTION, "EncryptedID")?.map(Encrypted::read);
            if claims.name_id.is_some() && claims.encrypted_id.is_some() {
                return Err(XmlError::Repeated("NameID"));
            }
            claims.bearers = children_named(subject, ASSERTION, "SubjectConfirmation")
                .filter(|node| collapsed_attribute(*node, "Method").as_deref() == Some(BEARER))
                .map(BearerConfirmation::read)
                .collect::<Result<_, _>>()?;
        }
        for statement in children_named(assertion, ASSERTION, "AttributeStatement") {
            for attribute in children_named(statement, ASSERTION, "Attribute") {
                claims.attributes.push(Attribute::read(attribute)?);
            }
            for attribute in children_named(statement, ASSERTION, "EncryptedAttribute") {
                claims.encrypted_attribute_count =
                    claims.encrypted_attribute_count.saturating_add(1);
                // Each costs operations with our private keys.
                if claims.encrypted_attributes.len() < MAX_ENCRYPTED_ATTRIBUTES {
                    claims.encrypted_attributes.push(Encrypted::read(attribute));
                }
            }
        }
        Ok(claims)
    }
}

impl NameId {
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        Ok(Self {
            value: text_of(node)?.trim().to_owned(),
            format: collapsed_attribute(node, "Format"),
            sp_name_qualifier: attribute(node, "SPNameQualifier"),
        })
    }
}

impl BearerConfirmation {
    fn read(confirmation: Node<'_, '_>) -> Result<Self, XmlError> {
        let data = optional_child(confirmation, ASSERTION, "SubjectConfirmationData")?;
        let data_attribute = |name| data.and_then(|data| collapsed_attribute(data, name));
        Ok(Self {
            recipient: data_attribute("Recipient"),
            not_before: data_attribute("NotBefore").is_some(),
            not_on_or_after: data_attribute("NotOnOrAfter"),
            in_response_to: data_attribute("InResponseTo"),
        })
    }
}

impl Conditions {
    fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        let mut audiences = Vec::new();
        for condition in child_elements(node) {
            if has_name(condition, ASSERTION, "AudienceRestriction") {
                let names = children_named(condition, ASSERTION, "Audience");
                audiences.push(names.map(collapsed_text_of).collect::<Result<_, XmlError>>()?);
            } else if !has_name(condition, ASSERTION, "OneTimeUse")
                && !has_name(condition, ASSERTION, "ProxyRestriction")
            {
                // SAML core §2.5.1: an unknown condition makes an assertion invalid. Using each
                // assertion once, and only ourselves, satisfies the two above.
                return Err(XmlError::Misplaced(qualified_name(condition)));
            }
        }
        Ok(Self {
            not_before: attribute(node, "NotBefore"),
            not_on_or_after: attribute(node, "NotOnOrAfter"),
            audiences,
        })
    }
}

impl AuthnStatement {
    fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        let context = optional_child(node, ASSERTION, "AuthnContext")?;
        let class = match context {
            Some(context) => optional_child(context, ASSERTION, "AuthnContextClassRef")?,
            None => None,
        };
        Ok(Self {
            instant: attribute(node, "AuthnInstant"),
            session_index: attribute(node, "SessionIndex"),
            session_not_on_or_after: attribute(node, "SessionNotOnOrAfter"),
            context: class.map(collapsed_text_of).transpose()?,
        })
    }
}

impl Attribute {
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        let name = attribute(node, "Name").ok_or(XmlError::Missing("Attribute Name"))?;
        let mut values = Vec::new();
        for value in children_named(node, ASSERTION, "AttributeValue") {
            if child_elements(value).next().is_none() {
                values.push(text_of(value)?);
            } else if let Some(name_id) = optional_child(value, ASSERTION, "NameID")? {
                // eduPersonTargetedID, for example, has a NameID as value.
                values.push(text_of(name_id)?.trim().to_owned());
            }
        }
        Ok(Self { name, name_format: collapsed_attribute(node, "NameFormat"), values })
    }

    /// The name, truncated, for a list of received attributes.
    pub fn short_name(&self) -> String {
        truncate(&self.name, 128)
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

/// Encrypted attributes that are decrypted.
pub(super) const MAX_ENCRYPTED_ATTRIBUTES: usize = 8;
