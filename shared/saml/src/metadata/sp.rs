//! Writes our own metadata (SAML metadata §2.4.4, metadata UI extension §2.1).
//!
//! Keys, requested attributes and the contact use samael's types. The frame is ours: samael's
//! descriptor lacks `UIInfo`, writes attributes in an arbitrary order, and escapes no text.

use jiff::Timestamp;
use samael::key_info::{KeyInfo, X509Data};
use samael::metadata::{
    AttributeConsumingService, ContactPerson, EncryptionMethod, KeyDescriptor, LocalizedName,
    RequestedAttribute,
};
use samael::traits::ToXml;

use crate::crypto::SigningKey;
use crate::names::{EMAIL_ADDRESS, HTTP_POST, METADATA, PROTOCOL};
use crate::sign::{SignError, sign_enveloped};
use crate::xml::{XmlError, encode_base64, escape};

/// Naming of the requested attributes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AttributeNaming {
    /// `User.Email`, name format basic.
    #[default]
    Basic,
    /// `urn:oid:…`, name format uri.
    Oid,
}

/// The technical contact.
#[derive(Clone, Copy, Debug)]
pub struct Contact<'a> {
    /// Name.
    pub name: &'a str,
    /// E-mail address.
    pub email: &'a str,
}

/// The content of our metadata for one connection.
#[derive(Clone, Debug)]
pub struct SpMetadata<'a> {
    /// Our entity id, also the URL of this document.
    pub entity_id: &'a str,
    /// URL of the assertion consumer service, index 0.
    pub acs_url: &'a str,
    /// URL of the assertion consumer service for federations, index 1.
    pub federated_acs_url: &'a str,
    /// Our signing certificates in DER: the current one, and the next one during a rotation.
    pub signing_certificates: &'a [Vec<u8>],
    /// Our encryption certificates, likewise. Empty for unencrypted assertions: AD FS and
    /// Shibboleth encrypt as soon as there is one.
    pub encryption_certificates: &'a [Vec<u8>],
    /// Naming of the requested attributes.
    pub naming: AttributeNaming,
    /// Our name, for pages of the provider.
    pub display_name: &'a str,
    /// Technical contact.
    pub contact: Option<Contact<'a>>,
    /// `validUntil`.
    pub valid_until: Timestamp,
    /// Whether our requests are signed.
    pub requests_signed: bool,
}

impl SpMetadata<'_> {
    /// Returns the document without a signature.
    pub fn xml(&self) -> Result<String, SignError> {
        let keys =
            [("signing", self.signing_certificates), ("encryption", self.encryption_certificates)];
        let mut descriptors = String::new();
        for (purpose, certificates) in keys {
            for der in certificates {
                descriptors.push_str(&write_part(&key_descriptor(purpose, der))?);
            }
        }
        let contact = match &self.contact {
            Some(contact) => write_part(&contact_person(contact))?,
            None => String::new(),
        };
        let name = escape(self.display_name);
        let second = self.valid_until.as_second();
        let valid_until = Timestamp::from_second(second).unwrap_or(self.valid_until);
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
             xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" ID=\"{ID}\" entityID=\"{entity_id}\" validUntil=\"{valid_until}\">\
             <md:SPSSODescriptor AuthnRequestsSigned=\"{requests_signed}\" WantAssertionsSigned=\"true\" \
             protocolSupportEnumeration=\"{PROTOCOL}\"><md:Extensions><mdui:UIInfo>\
             <mdui:DisplayName xml:lang=\"en\">{name}</mdui:DisplayName></mdui:UIInfo></md:Extensions>{descriptors}\
             <md:NameIDFormat>{EMAIL_ADDRESS}</md:NameIDFormat>\
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\
             <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>\
             <md:AssertionConsumerService Binding=\"{HTTP_POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\
             <md:AssertionConsumerService Binding=\"{HTTP_POST}\" Location=\"{federated}\" index=\"1\"/>{attributes}\
             </md:SPSSODescriptor>{contact}</md:EntityDescriptor>",
            entity_id = escape(self.entity_id),
            requests_signed = self.requests_signed,
            acs = escape(self.acs_url),
            federated = escape(self.federated_acs_url),
            attributes = write_part(&self.requested_attributes())?,
        ))
    }

    /// Returns the document with an enveloped signature.
    pub fn signed_xml(
        &self,
        key: &SigningKey,
        certificate_der: &[u8],
    ) -> Result<String, SignError> {
        sign_enveloped(&self.xml()?, key, certificate_der)
    }

    fn requested_attributes(&self) -> AttributeConsumingService {
        let requested = ATTRIBUTES.map(|(basic, oid, friendly, required)| {
            let (name, format) = match self.naming {
                AttributeNaming::Basic => {
                    (basic, "urn:oasis:names:tc:SAML:2.0:attrname-format:basic")
                }
                AttributeNaming::Oid => (oid, "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"),
            };
            RequestedAttribute {
                friendly_name: Some(friendly.to_owned()),
                name: name.to_owned(),
                name_format: Some(format.to_owned()),
                values: None,
                is_required: Some(required),
            }
        });
        AttributeConsumingService {
            index: 0,
            is_default: Some(true),
            service_names: vec![LocalizedName {
                lang: Some("en".to_owned()),
                value: escape(self.display_name),
            }],
            service_descriptions: None,
            request_attributes: requested.to_vec(),
        }
    }
}

fn key_descriptor(purpose: &str, der: &[u8]) -> KeyDescriptor {
    let methods =
        ENCRYPTION_METHODS.map(|algorithm| EncryptionMethod { algorithm: algorithm.to_owned() });
    KeyDescriptor {
        key_use: Some(purpose.to_owned()),
        key_info: KeyInfo {
            id: None,
            x509_data: Some(X509Data { certificates: vec![encode_base64(der)] }),
        },
        encryption_methods: (purpose == "encryption").then(|| methods.to_vec()),
    }
}

fn contact_person(contact: &Contact<'_>) -> ContactPerson {
    ContactPerson {
        contact_type: Some("technical".to_owned()),
        given_name: Some(escape(contact.name)),
        email_addresses: Some(vec![format!("mailto:{}", escape(contact.email))]),
        ..ContactPerson::default()
    }
}

fn write_part<'a, T>(part: &'a T) -> Result<String, SignError>
where
    T: ToXml<'a>,
{
    part.to_string().map_err(|_| SignError::Xml(XmlError::Missing("a part of the metadata")))
}

const ID: &str = "_metadata";

/// Basic name, OID, friendly name, required.
const ATTRIBUTES: [(&str, &str, &str, bool); 3] = [
    ("User.Email", "urn:oid:0.9.2342.19200300.100.1.3", "mail", true),
    ("User.FirstName", "urn:oid:2.5.4.42", "givenName", false),
    ("User.LastName", "urn:oid:2.5.4.4", "sn", false),
];

/// The algorithms that we decrypt, best first.
const ENCRYPTION_METHODS: [&str; 5] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];
