//! What the identity provider says: metadata, and signed assertions about three people.

use jiff::{SignedDuration, Timestamp};
use shared::clock::random_bytes;
use shared::saml::c14n::{Mode, canonicalize};
use shared::saml::crypto::{Digest, digest};
use shared::saml::names::{
    ASSERTION, BEARER, DSIG, EMAIL_ADDRESS, ENVELOPED, EXCLUSIVE_C14N, HTTP_REDIRECT, METADATA,
    PROTOCOL, SHA256, SUCCESS,
};
use shared::saml::xml::{Strict, base64_of, escaped};

use super::key::KeyPair;

/// Somebody who works at Acme.
pub(super) struct Person {
    pub(super) given_name: &'static str,
    pub(super) family_name: &'static str,
    pub(super) email: &'static str,
    pub(super) groups: &'static [&'static str],
}

pub(super) const PEOPLE: [Person; 3] = [
    Person {
        given_name: "Ada",
        family_name: "Lovelace",
        email: "ada@acme.com",
        groups: &["Engineering"],
    },
    Person {
        given_name: "Grace",
        family_name: "Hopper",
        email: "grace@acme.com",
        groups: &["Engineering", "Administrators"],
    },
    Person {
        given_name: "Alan",
        family_name: "Turing",
        email: "alan@acme.com",
        groups: &["Research"],
    },
];

/// An `EntityDescriptor` with one key and one endpoint (SAML metadata §2.4.3).
pub(super) fn metadata(entity_id: &str, sso_url: &str, certificate: &[u8]) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity_id}\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"{PROTOCOL}\">\
         <md:KeyDescriptor use=\"signing\">{key_info}</md:KeyDescriptor>\
         <md:NameIDFormat>{EMAIL_ADDRESS}</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"{HTTP_REDIRECT}\" Location=\"{sso_url}\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        entity_id = escaped(entity_id),
        sso_url = escaped(sso_url),
        key_info = key_info(certificate),
    )
}

/// What is to be said about one person in answer to one request.
pub(super) struct Response<'a> {
    pub(super) idp: &'a str,
    pub(super) person: &'a Person,
    pub(super) in_response_to: &'a str,
    pub(super) audience: &'a str,
    pub(super) acs_url: &'a str,
    pub(super) now: Timestamp,
}

impl Response<'_> {
    /// The `samlp:Response` (SAML core §3.3.3) with its assertion signed; none when no randomness or no signature
    /// can be had.
    pub(super) fn signed(&self, key: &KeyPair) -> Option<String> {
        let assertion = sign(&self.assertion(&new_id()?), key)?;
        Some(format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
             Destination=\"{acs_url}\" InResponseTo=\"{in_response_to}\">\
             <saml:Issuer xmlns:saml=\"{ASSERTION}\">{idp}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>{assertion}</samlp:Response>",
            id = new_id()?,
            now = self.now,
            acs_url = escaped(self.acs_url),
            in_response_to = escaped(self.in_response_to),
            idp = escaped(self.idp),
        ))
    }

    fn assertion(&self, id: &str) -> String {
        let Person { given_name, family_name, email, groups } = self.person;
        let attributes: String = [
            ("User.Email", &[*email][..]),
            ("User.FirstName", &[*given_name]),
            ("User.LastName", &[*family_name]),
            ("groups", groups),
        ]
        .into_iter()
        .map(|(name, values)| attribute(name, values))
        .collect();
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\">\
             <saml:Issuer>{idp}</saml:Issuer><saml:Subject>\
             <saml:NameID Format=\"{EMAIL_ADDRESS}\">{email}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{BEARER}\"><saml:SubjectConfirmationData \
             InResponseTo=\"{in_response_to}\" Recipient=\"{acs_url}\" NotOnOrAfter=\"{end}\"/>\
             </saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{start}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction>\
             <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"{id}\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
             <saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>",
            now = self.now,
            start = self.now - SKEW,
            end = self.now + LIFE,
            idp = escaped(self.idp),
            in_response_to = escaped(self.in_response_to),
            acs_url = escaped(self.acs_url),
            audience = escaped(self.audience),
        )
    }
}

fn attribute(name: &str, values: &[&str]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("<saml:AttributeValue>{}</saml:AttributeValue>", escaped(value)))
        .collect();
    format!("<saml:Attribute Name=\"{name}\">{}</saml:Attribute>", values.concat())
}

/// Puts an enveloped signature behind the issuer of `assertion`. `SignedInfo` is written in canonical form,
/// so that its text is what is signed.
fn sign(assertion: &str, key: &KeyPair) -> Option<String> {
    let (id, value) = {
        let tree = Strict::parse(assertion.as_bytes()).ok()?;
        let content = canonicalize(tree.root(), Mode::Exclusive, &[], None);
        let value = digest(Digest::Sha256, content.as_bytes()).ok()?;
        (tree.root().attribute("ID")?.to_owned(), base64_of(&value))
    };
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{ECDSA_SHA256}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let signed = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}");
    let signature = base64_of(&key.sign(signed.as_bytes()).ok()?);
    let (before, after) = assertion.split_once(ISSUER_END)?;
    Some(format!(
        "{before}{ISSUER_END}<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}\
         <ds:SignatureValue>{signature}</ds:SignatureValue>{}</ds:Signature>{after}",
        key_info(key.certificate())
    ))
}

fn key_info(certificate: &[u8]) -> String {
    format!(
        "<ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo>",
        base64_of(certificate)
    )
}

/// A name for an XML element that nobody can guess; the underscore since it may not begin with a digit.
fn new_id() -> Option<String> {
    let bytes: [u8; 20] = random_bytes().ok()?;
    Some(bytes.iter().fold("_".to_owned(), |id, byte| format!("{id}{byte:02x}")))
}

const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

const ISSUER_END: &str = "</saml:Issuer>";

/// As long as a service provider waits: the page with the buttons may stay open for a while.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

const SKEW: SignedDuration = SignedDuration::from_mins(1);
