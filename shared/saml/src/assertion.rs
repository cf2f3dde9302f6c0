//! What an assertion says, read from one element (SAML core §2).
//!
//! Invariant (*claims from signed bytes*): `Claims::read` is called on the root of a fresh parse
//! of signed text only; see [`super::response`]. It reads and does not judge.

use roxmltree::Node;

use super::names::{ASSERTION, BEARER};
use super::xml::{
    XmlError, at_most_one, clipped, described, elements, exactly_one, is, named, text,
};

/// The claims of one assertion, as sent.
pub(super) struct Claims {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) issue_instant: String,
    pub(super) issuer: String,
    pub(super) name_id: Option<NameId>,
    pub(super) encrypted_id: bool,
    pub(super) bearers: Vec<Bearer>,
    /// None when the assertion has no `Conditions` at all.
    pub(super) conditions: Option<Conditions>,
    pub(super) statements: Vec<AuthnStatement>,
    pub(super) attributes: Vec<Attribute>,
}

/// A name identifier (SAML core §2.2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameId {
    /// The identifier, without white space around it.
    pub value: String,
    /// The format URI, when one is given.
    pub format: Option<String>,
    /// The domain that qualifies it.
    pub name_qualifier: Option<String>,
    /// The service provider that qualifies it.
    pub sp_name_qualifier: Option<String>,
}

/// A subject confirmation with the bearer method.
pub(super) struct Bearer {
    pub(super) recipient: Option<String>,
    pub(super) not_before: bool,
    pub(super) not_on_or_after: Option<String>,
    pub(super) in_response_to: Option<String>,
}

/// The conditions of use (SAML core §2.5).
pub(super) struct Conditions {
    pub(super) not_before: Option<String>,
    pub(super) not_on_or_after: Option<String>,
    /// One list for each restriction; all of them must name us.
    pub(super) audiences: Vec<Vec<String>>,
}

/// That somebody signed in (SAML core §2.7.2).
pub(super) struct AuthnStatement {
    pub(super) instant: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<String>,
    pub(super) context: Option<String>,
}

/// One attribute with its values (SAML core §2.7.3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// The name, as sent. `FriendlyName` is not read: it identifies nothing.
    pub name: String,
    /// The format of the name.
    pub name_format: Option<String>,
    /// The values, in order. A value that is XML itself is left out.
    pub values: Vec<String>,
}

impl Claims {
    /// Reads `assertion`, which is the root of signed text.
    pub(super) fn read(assertion: Node<'_, '_>) -> Result<Self, XmlError> {
        let subject = at_most_one(assertion, ASSERTION, "Subject")?;
        let mut claims = Self {
            id: attribute(assertion, "ID").ok_or(XmlError::Missing("Assertion ID"))?,
            version: attribute(assertion, "Version").unwrap_or_default(),
            issue_instant: attribute(assertion, "IssueInstant").unwrap_or_default(),
            issuer: text(exactly_one(assertion, ASSERTION, "Issuer")?)?,
            name_id: None,
            encrypted_id: false,
            bearers: Vec::new(),
            conditions: at_most_one(assertion, ASSERTION, "Conditions")?
                .map(Conditions::read)
                .transpose()?,
            statements: named(assertion, ASSERTION, "AuthnStatement")
                .map(AuthnStatement::read)
                .collect::<Result<_, _>>()?,
            attributes: Vec::new(),
        };
        if let Some(subject) = subject {
            claims.name_id =
                at_most_one(subject, ASSERTION, "NameID")?.map(NameId::read).transpose()?;
            claims.encrypted_id = at_most_one(subject, ASSERTION, "EncryptedID")?.is_some();
            claims.bearers = named(subject, ASSERTION, "SubjectConfirmation")
                .filter(|confirmation| confirmation.attribute("Method") == Some(BEARER))
                .map(Bearer::read)
                .collect::<Result<_, _>>()?;
        }
        for statement in named(assertion, ASSERTION, "AttributeStatement") {
            for attribute in named(statement, ASSERTION, "Attribute") {
                claims.attributes.push(Attribute::read(attribute)?);
            }
        }
        Ok(claims)
    }
}

impl NameId {
    fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        Ok(Self {
            value: text(node)?.trim().to_owned(),
            format: attribute(node, "Format"),
            name_qualifier: attribute(node, "NameQualifier"),
            sp_name_qualifier: attribute(node, "SPNameQualifier"),
        })
    }
}

impl Bearer {
    fn read(confirmation: Node<'_, '_>) -> Result<Self, XmlError> {
        let data = at_most_one(confirmation, ASSERTION, "SubjectConfirmationData")?;
        let of = |name| data.and_then(|data| attribute(data, name));
        Ok(Self {
            recipient: of("Recipient"),
            not_before: of("NotBefore").is_some(),
            not_on_or_after: of("NotOnOrAfter"),
            in_response_to: of("InResponseTo"),
        })
    }
}

impl Conditions {
    fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        let mut audiences = Vec::new();
        for condition in elements(node) {
            if is(condition, ASSERTION, "AudienceRestriction") {
                let names = named(condition, ASSERTION, "Audience");
                let names = names.map(|name| Ok(text(name)?.trim().to_owned()));
                audiences.push(names.collect::<Result<_, XmlError>>()?);
            } else if !is(condition, ASSERTION, "OneTimeUse")
                && !is(condition, ASSERTION, "ProxyRestriction")
            {
                // SAML core §2.5.1: an assertion with a condition that is not understood is not
                // valid. The two above are kept by using each assertion once, for ourselves.
                return Err(XmlError::Misplaced(described(condition)));
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
        let context = at_most_one(node, ASSERTION, "AuthnContext")?;
        let class = match context {
            Some(context) => at_most_one(context, ASSERTION, "AuthnContextClassRef")?,
            None => None,
        };
        Ok(Self {
            instant: attribute(node, "AuthnInstant"),
            session_index: attribute(node, "SessionIndex"),
            session_not_on_or_after: attribute(node, "SessionNotOnOrAfter"),
            context: class.map(text).transpose()?.map(|class| class.trim().to_owned()),
        })
    }
}

impl Attribute {
    fn read(node: Node<'_, '_>) -> Result<Self, XmlError> {
        let name = attribute(node, "Name").ok_or(XmlError::Missing("Attribute Name"))?;
        let mut values = Vec::new();
        for value in named(node, ASSERTION, "AttributeValue") {
            if elements(value).next().is_none() {
                values.push(text(value)?);
            } else if let Some(name_id) = at_most_one(value, ASSERTION, "NameID")? {
                // eduPersonTargetedID and its kind carry a NameID.
                values.push(text(name_id)?.trim().to_owned());
            }
        }
        Ok(Self { name, name_format: attribute(node, "NameFormat"), values })
    }

    /// The name for a list of what came.
    pub fn listed(&self) -> String {
        clipped(&self.name, 128)
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}
