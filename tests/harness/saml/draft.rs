//! A response before signing: every part can be changed, and extra XML inserted anywhere.

use super::encryption::{Encryption, encrypt};
use super::signing::{Signing, sign};
use super::world::{ACS, IDP, NOW, REQUEST, SP};

/// Prefixes and layout, in which identity providers differ.
#[derive(Clone, Debug)]
pub struct Style {
    /// Prefix of protocol elements, with its colon; empty for a default namespace.
    pub protocol: &'static str,
    /// Prefix of assertion elements, likewise.
    pub assertion: &'static str,
    /// Whether it starts with an XML declaration.
    pub declaration: bool,
    /// Whether there are line breaks between elements.
    pub pretty: bool,
    /// Whether attribute values have a type, with `xs` and `xsi` declared.
    pub typed_values: bool,
}

/// An attribute with its values.
#[derive(Clone, Debug)]
pub struct Claim {
    /// `Name`.
    pub name: String,
    /// `NameFormat`.
    pub format: Option<&'static str>,
    /// Values, as XML.
    pub values: Vec<String>,
}

/// A response that can be changed before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Prefixes and layout.
    pub style: Style,
    /// `ID` of the response.
    pub response_id: String,
    /// `ID` of the assertion.
    pub assertion_id: String,
    /// `Issuer` of the response.
    pub response_issuer: Option<String>,
    /// `Issuer` of the assertion.
    pub issuer: String,
    /// Additional XML attributes of the response.
    pub response_attributes: String,
    /// `IssueInstant` of both.
    pub issued: String,
    /// `Version` of the response and of the assertion.
    pub versions: (&'static str, &'static str),
    /// `Destination`.
    pub destination: Option<String>,
    /// `InResponseTo` of the response.
    pub in_response_to: Option<String>,
    /// The whole `Status`, with the placeholders `P:` and `A:` for the prefixes.
    pub status: String,
    /// The whole `NameID`, likewise.
    pub name_id: String,
    /// All subject confirmations, likewise.
    pub confirmations: String,
    /// The whole `Conditions`, likewise.
    pub conditions: String,
    /// All authentication statements, likewise.
    pub authn: String,
    /// Attributes.
    pub claims: Vec<Claim>,
    /// XML at the end of the assertion.
    pub assertion_extra: String,
    /// XML at the end of the response.
    pub response_extra: String,
    /// How the assertion is signed.
    pub sign_assertion: Option<Signing>,
    /// How the assertion is encrypted, after signing.
    pub encrypt: Option<Encryption>,
    /// How the response is signed, as the last step.
    pub sign_response: Option<Signing>,
}

impl Default for Draft {
    fn default() -> Self {
        let style = Style {
            protocol: "samlp:",
            assertion: "saml:",
            declaration: false,
            pretty: false,
            typed_values: false,
        };
        Self {
            style,
            response_id: "_r0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
            assertion_id: "_a0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
            response_issuer: Some(IDP.to_owned()),
            issuer: IDP.to_owned(),
            response_attributes: String::new(),
            issued: at(-2),
            versions: ("2.0", "2.0"),
            destination: Some(ACS.to_owned()),
            in_response_to: Some(REQUEST.to_owned()),
            status: status("urn:oasis:names:tc:SAML:2.0:status:Success"),
            name_id: "<A:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">ada@acme.com</A:NameID>".to_owned(),
            confirmations: bearer(Some(ACS), Some(&at(298)), Some(REQUEST), ""),
            conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[SP]]),
            authn: authn(&at(-10), None),
            claims: vec![
                claim("User.Email", &["ada@acme.com"]),
                claim("User.FirstName", &["Ada"]),
                claim("User.LastName", &["Lovelace"]),
            ],
            assertion_extra: String::new(),
            response_extra: String::new(),
            sign_assertion: Some(Signing::default()),
            encrypt: None,
            sign_response: None,
        }
    }
}

/// Returns the instant `seconds` after the time of verification.
pub fn at(seconds: i64) -> String {
    jiff::Timestamp::from_second(NOW.parse::<jiff::Timestamp>().unwrap().as_second() + seconds)
        .unwrap()
        .to_string()
}

/// Returns a `Status` with one code.
pub fn status(code: &str) -> String {
    format!("<P:Status><P:StatusCode Value=\"{code}\"/></P:Status>")
}

/// Returns an attribute with the basic name format.
pub fn claim(name: &str, values: &[&str]) -> Claim {
    Claim {
        name: name.to_owned(),
        format: Some("urn:oasis:names:tc:SAML:2.0:attrname-format:basic"),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

/// Returns a bearer confirmation. `extra` are additional XML attributes of its data.
pub fn bearer(
    recipient: Option<&str>,
    end: Option<&str>,
    in_response_to: Option<&str>,
    extra: &str,
) -> String {
    let attribute = |name: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
    };
    format!(
        "<A:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <A:SubjectConfirmationData{}{}{}{extra}/></A:SubjectConfirmation>",
        attribute("InResponseTo", in_response_to),
        attribute("NotOnOrAfter", end),
        attribute("Recipient", recipient),
    )
}

/// Returns `Conditions` with a restriction for each list of audiences.
pub fn conditions(start: Option<&str>, end: Option<&str>, audiences: &[&[&str]]) -> String {
    let start = start.map_or_else(String::new, |start| format!(" NotBefore=\"{start}\""));
    let end = end.map_or_else(String::new, |end| format!(" NotOnOrAfter=\"{end}\""));
    let mut inside = String::new();
    for names in audiences {
        let names: Vec<String> =
            names.iter().map(|name| format!("<A:Audience>{name}</A:Audience>")).collect();
        inside += &format!("<A:AudienceRestriction>{}</A:AudienceRestriction>", names.concat());
    }
    format!("<A:Conditions{start}{end}>{inside}</A:Conditions>")
}

/// Returns an authentication statement with the class of a password over TLS.
pub fn authn(instant: &str, session_end: Option<&str>) -> String {
    let end = session_end.map_or_else(String::new, |end| format!(" SessionNotOnOrAfter=\"{end}\""));
    format!(
        "<A:AuthnStatement AuthnInstant=\"{instant}\" SessionIndex=\"_s1\"{end}><A:AuthnContext>\
         <A:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</A:AuthnContextClassRef>\
         </A:AuthnContext></A:AuthnStatement>"
    )
}

impl Draft {
    /// Returns the assertion, signed if [`Self::sign_assertion`] is set.
    pub fn assertion(&self) -> String {
        let plain = self.plain_assertion();
        match &self.sign_assertion {
            Some(signing) => sign(&plain, &self.assertion_id, signing),
            None => plain,
        }
    }

    /// Returns the assertion without a signature.
    pub fn plain_assertion(&self) -> String {
        let types = if self.style.typed_values {
            " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
        } else {
            ""
        };
        let text = format!(
            "<A:Assertion xmlnsA=\"urn:oasis:names:tc:SAML:2.0:assertion\"{types} ID=\"{}\" \
             IssueInstant=\"{}\" Version=\"{}\"><A:Issuer>{}</A:Issuer><A:Subject>{}{}</A:Subject>{}{}{}{}</A:Assertion>",
            self.assertion_id,
            self.issued,
            self.versions.1,
            self.issuer,
            self.name_id,
            self.confirmations,
            self.conditions,
            self.authn,
            self.statement(),
            self.assertion_extra,
        );
        self.styled(&text)
    }

    fn statement(&self) -> String {
        if self.claims.is_empty() {
            return String::new();
        }
        let value_type = if self.style.typed_values { " xsi:type=\"xs:string\"" } else { "" };
        let mut inside = String::new();
        for claim in &self.claims {
            let format =
                claim.format.map_or_else(String::new, |format| format!(" NameFormat=\"{format}\""));
            let values: Vec<String> = claim
                .values
                .iter()
                .map(|value| format!("<A:AttributeValue{value_type}>{value}</A:AttributeValue>"))
                .collect();
            inside += &format!(
                "<A:Attribute Name=\"{}\"{format}>{}</A:Attribute>",
                claim.name,
                values.concat()
            );
        }
        format!("<A:AttributeStatement>{inside}</A:AttributeStatement>")
    }

    /// Returns the response, signed and encrypted as set.
    pub fn response(&self) -> String {
        if let Some(encryption) = &self.encrypt {
            return self.around(&self.styled(&encrypt(&self.assertion(), encryption)));
        }
        // Signed in its place, because inclusive canonicalization includes the context.
        let mut whole = self.unfinished(&self.plain_assertion());
        if let Some(signing) = &self.sign_assertion {
            whole = sign(&whole, &self.assertion_id, signing);
        }
        self.finish(whole)
    }

    /// Returns a response with the given assertions, signed if [`Self::sign_response`] is set.
    pub fn around(&self, assertions: &str) -> String {
        self.finish(self.unfinished(assertions))
    }

    /// Returns a response with the given assertions, before signing.
    pub fn unfinished(&self, assertions: &str) -> String {
        let attribute = |name: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
        };
        let issuer = self.response_issuer.as_ref().map_or_else(String::new, |issuer| {
            format!(
                "<A:Issuer xmlnsA=\"urn:oasis:names:tc:SAML:2.0:assertion\">{issuer}</A:Issuer>"
            )
        });
        let head = self.styled(&format!(
            "<P:Response xmlnsP=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"{}\" Version=\"{}\" \
             IssueInstant=\"{}\"{}{}{}>{issuer}{}",
            self.response_id,
            self.versions.0,
            self.issued,
            attribute("Destination", &self.destination),
            attribute("InResponseTo", &self.in_response_to),
            self.response_attributes,
            self.status,
        ));
        let tail = self.styled(&format!("{}</P:Response>", self.response_extra));
        format!("{head}{assertions}{tail}")
    }

    /// Signs the response if [`Self::sign_response`] is set, and adds the XML declaration.
    pub fn finish(&self, whole: String) -> String {
        let whole = match &self.sign_response {
            Some(signing) => sign(&whole, &self.response_id, signing),
            None => whole,
        };
        if self.style.declaration {
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{whole}")
        } else {
            whole
        }
    }

    /// Replaces the placeholders of prefixes, and adds line breaks.
    pub fn styled(&self, text: &str) -> String {
        let declared = |prefix: &str| match prefix.strip_suffix(':') {
            Some(prefix) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        let (protocol, assertion) = (self.style.protocol, self.style.assertion);
        let mut text = text
            .replace("xmlnsP", &declared(protocol))
            .replace("xmlnsA", &declared(assertion))
            .replace("<P:", &format!("<{protocol}"))
            .replace("</P:", &format!("</{protocol}"))
            .replace("<A:", &format!("<{assertion}"))
            .replace("</A:", &format!("</{assertion}"));
        if self.style.pretty {
            text = text.replace("><", ">\n  <");
        }
        text
    }
}
