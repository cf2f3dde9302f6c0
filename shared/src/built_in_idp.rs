//! A minimal identity provider of our own: writes its metadata and responses with a signed
//! assertion. Builds text only; it serves no requests and stores nothing.
//!
//! It has two users, each the only service provider that trusts its key: the demo of `local`
//! (`functions/local/src/demo_idp.rs`) and the check of new versions ([`crate::deploy_check`]). No
//! deployed function that serves requests signs assertions.

mod key;

use jiff::{SignedDuration, Timestamp};

pub use self::key::{KeyPair, KeyPairError};
use saml::c14n::{C14nMode, canonicalize};
use saml::crypto::{Digest, digest};
use saml::names::{
    ASSERTION, BEARER, DSIG, EMAIL_ADDRESS, ENVELOPED, EXCLUSIVE_C14N, HTTP_REDIRECT, METADATA,
    PROTOCOL, SHA256, SUCCESS,
};
use saml::xml::{StrictDocument, encode_base64, escape};

/// A person that the identity provider signs in.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// First name.
    pub given_name: &'a str,
    /// Last name.
    pub family_name: &'a str,
    /// E-mail address, which is also the name identifier.
    pub email: &'a str,
    /// Groups.
    pub groups: &'a [&'a str],
}

/// Returns an `EntityDescriptor` with one key and one endpoint (SAML metadata §2.4.3).
pub fn metadata(entity_id: &str, sso_url: &str, certificate: &[u8]) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity_id}\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"{PROTOCOL}\">\
         <md:KeyDescriptor use=\"signing\">{key_info}</md:KeyDescriptor>\
         <md:NameIDFormat>{EMAIL_ADDRESS}</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"{HTTP_REDIRECT}\" Location=\"{sso_url}\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        entity_id = escape(entity_id),
        sso_url = escape(sso_url),
        key_info = key_info(certificate),
    )
}

/// The response about one person to one request.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Entity id of the identity provider.
    pub idp: &'a str,
    /// The person who signed in.
    pub person: &'a Person<'a>,
    /// The `ID` of the request.
    pub in_response_to: &'a str,
    /// The service provider's entity id.
    pub audience: &'a str,
    /// The service provider's ACS URL.
    pub acs_url: &'a str,
    /// Current time.
    pub now: Timestamp,
    /// Random bytes for the `ID`s of the response and the assertion.
    pub ids: [[u8; 20]; 2],
}

impl Response<'_> {
    /// Returns the `samlp:Response` (SAML core §3.3.3) with its assertion signed; `None` if signing
    /// fails.
    pub fn signed_xml(&self, key: &KeyPair) -> Option<String> {
        let [id, assertion_id] = self.ids.map(|bytes| id(&bytes));
        let assertion = sign(&self.assertion(&assertion_id), key)?;
        Some(format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
             Destination=\"{acs_url}\" InResponseTo=\"{in_response_to}\">\
             <saml:Issuer xmlns:saml=\"{ASSERTION}\">{idp}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status>{assertion}</samlp:Response>",
            now = self.now,
            acs_url = escape(self.acs_url),
            in_response_to = escape(self.in_response_to),
            idp = escape(self.idp),
        ))
    }

    fn assertion(&self, id: &str) -> String {
        let Person { given_name, family_name, email, groups } = *self.person;
        let attributes: String = [
            ("User.Email", &[email][..]),
            ("User.FirstName", &[given_name]),
            ("User.LastName", &[family_name]),
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
            end = self.now + VALIDITY,
            idp = escape(self.idp),
            email = escape(email),
            in_response_to = escape(self.in_response_to),
            acs_url = escape(self.acs_url),
            audience = escape(self.audience),
        )
    }
}

fn attribute(name: &str, values: &[&str]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("<saml:AttributeValue>{}</saml:AttributeValue>", escape(value)))
        .collect();
    format!("<saml:Attribute Name=\"{name}\">{}</saml:Attribute>", values.concat())
}

/// Inserts an enveloped signature after the issuer of `assertion`. `SignedInfo` is written in
/// canonical form, so that its text is the signed text.
fn sign(assertion: &str, key: &KeyPair) -> Option<String> {
    let (id, value) = {
        let tree = StrictDocument::parse(assertion.as_bytes()).ok()?;
        let content = canonicalize(tree.root(), C14nMode::Exclusive, &[], None);
        let value = digest(Digest::Sha256, content.as_bytes());
        (tree.root().attribute("ID")?.to_owned(), encode_base64(&value))
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
    let signature = encode_base64(&key.sign(signed.as_bytes())?);
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
        encode_base64(certificate)
    )
}

/// Returns an unguessable XML name. Starts with an underscore, because a name must not start with a
/// digit.
fn id(bytes: &[u8]) -> String {
    bytes.iter().fold("_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

const ISSUER_END: &str = "</saml:Issuer>";

/// Validity of an assertion: as long as our pending sign-ins, since the page of the demo may stay
/// open.
const VALIDITY: SignedDuration = SignedDuration::from_mins(10);

const SKEW: SignedDuration = SignedDuration::from_mins(1);
