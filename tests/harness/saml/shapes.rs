//! Valid responses as different identity providers send them.

use super::attacks::encryption::with_encrypted_name_id;
use super::draft::{Claim, Draft, Style, at, bearer, claim, conditions};
use super::encryption::{Encryption, KeyPlace};
use super::signing::{NO_TRANSFORM, Signing};
use super::world::{ACS, IDP, REQUEST, SP, Settings};

/// A response that must be accepted, with the address of its person.
pub struct Shape {
    /// Name, for messages.
    pub name: String,
    /// The response.
    pub response: String,
    /// The assertion before encryption, if encrypted.
    pub inside: Option<String>,
    /// The connection's settings.
    pub settings: Settings,
    /// The e-mail address of the person.
    pub email: &'static str,
}

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const INCLUSIVE_WITH_COMMENTS: &str =
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";

/// Entra's default: the assertion is signed; default namespaces; no format on the `NameID`.
pub fn entra() -> Draft {
    let style = Style { assertion: "", ..Draft::default().style };
    let untyped = |name: &str, value: &str| Claim {
        name: name.to_owned(),
        format: None,
        values: vec![value.to_owned()],
    };
    Draft {
        style,
        name_id: "<A:NameID>ada@acme.com</A:NameID>".to_owned(),
        conditions: conditions(Some(&at(0)), Some(&at(4200)), &[&[SP]]),
        claims: vec![
            untyped(
                "http://schemas.microsoft.com/identity/claims/tenantid",
                "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111",
            ),
            untyped(
                "http://schemas.microsoft.com/identity/claims/objectidentifier",
                "0d5b2a52-9d0e-4a52-9d0e-3f1a0c9d2222",
            ),
            untyped("http://schemas.microsoft.com/identity/claims/displayname", "Ada Lovelace"),
            untyped(
                "http://schemas.microsoft.com/identity/claims/identityprovider",
                "https://sts.windows.net/7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111/",
            ),
            untyped(
                "http://schemas.microsoft.com/claims/authnmethodsreferences",
                "http://schemas.microsoft.com/claims/multipleauthn",
            ),
            untyped(&format!("{CLAIMS}/givenname"), "Ada"),
            untyped(&format!("{CLAIMS}/surname"), "Lovelace"),
            untyped(&format!("{CLAIMS}/emailaddress"), "ada@acme.com"),
            untyped(&format!("{CLAIMS}/name"), "ada@acme.com"),
        ],
        sign_assertion: Some(Signing { prefix: "", key_info: Some(x509()), ..Signing::default() }),
        ..Draft::default()
    }
}

/// Okta's default: both signed, a prefix list, typed values.
pub fn okta() -> Draft {
    let signing = || Some(Signing { prefixes: "xs", key_info: Some(x509()), ..Signing::default() });
    let style = Style {
        protocol: "saml2p:",
        assertion: "saml2:",
        declaration: true,
        typed_values: true,
        ..Draft::default().style
    };
    Draft { style, sign_assertion: signing(), sign_response: signing(), ..Draft::default() }
}

/// Keycloak, document and assertion signed: many role attributes of one name.
pub fn keycloak() -> Draft {
    let style = Style { typed_values: true, ..Draft::default().style };
    let mut claims = vec![claim("email", &["ada@acme.com"])];
    for role in ["offline_access", "uma_authorization", "default-roles-acme", "manage-account"] {
        claims.push(claim("Role", &[role]));
    }
    Draft {
        style,
        claims,
        sign_assertion: Some(Signing {
            prefix: "dsig:",
            key_info: Some(x509()),
            ..Signing::default()
        }),
        sign_response: Some(Signing {
            prefix: "dsig:",
            key_info: Some(x509()),
            ..Signing::default()
        }),
        ..Draft::default()
    }
}

/// AD FS with our encryption key: the assertion is signed, then encrypted.
pub fn adfs() -> Draft {
    let digest = Some("http://www.w3.org/2000/09/xmldsig#sha1");
    Draft {
        response_attributes: " Consent=\"urn:oasis:names:tc:SAML:2.0:consent:unspecified\""
            .to_owned(),
        encrypt: Some(Encryption { digest, ..Encryption::default() }),
        ..entra()
    }
}

/// Google: the assertion is signed, inclusive `xs` types, no XML declaration.
pub fn google() -> Draft {
    let style = Style {
        protocol: "saml2p:",
        assertion: "saml2:",
        typed_values: true,
        declaration: true,
        ..Draft::default().style
    };
    Draft { style, ..Draft::default() }
}

/// OneLogin: the response is signed, pretty attributes.
pub fn onelogin() -> Draft {
    let style = Style { typed_values: true, ..Draft::default().style };
    Draft {
        style,
        sign_assertion: None,
        sign_response: Some(Signing::default()),
        ..Draft::default()
    }
}

/// Shibboleth: response signed, assertion encrypted with AES-128-GCM, transient `NameID`, OIDs.
pub fn shibboleth() -> Draft {
    let uri = |name: &str, value: &str| Claim {
        name: name.to_owned(),
        format: Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri"),
        values: vec![value.to_owned()],
    };
    Draft {
        style: Style { protocol: "saml2p:", assertion: "saml2:", declaration: true, ..Draft::default().style },
        name_id: "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\" NameQualifier=\"https://idp.example/saml\" \
                  SPNameQualifier=\"https://sp.example/saml/metadata/acme.com\">AAdzZWNyZXQx</A:NameID>".to_owned(),
        claims: vec![
            uri("urn:oid:0.9.2342.19200300.100.1.3", "ada@acme.com"),
            uri("urn:oid:2.5.4.42", "Ada"),
            uri("urn:oid:2.5.4.4", "Lovelace"),
            uri("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "ada@acme.com"),
            uri("urn:oasis:names:tc:SAML:attribute:subject-id", "ada@acme.com"),
            uri("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">p1</A:NameID>"),
        ],
        sign_assertion: None,
        encrypt: Some(Encryption { cipher: "aes128-gcm", transport: "rsa-oaep-mgf1p", ..Encryption::default() }),
        sign_response: Some(Signing::default()),
        ..Draft::default()
    }
}

/// Returns all shapes.
pub fn all() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |name: &str, draft: Draft| {
        shapes.push(shape(name, &draft, Settings::default()));
    };
    add("entra", entra());
    add("okta", okta());
    add("keycloak", keycloak());
    add("adfs", adfs());
    add("google", google());
    add("onelogin", onelogin());
    add("shibboleth", shibboleth());
    providers_with_options(&mut add);
    algorithms(&mut add);
    encryptions(&mut add);
    odd_but_valid(&mut add);
    shapes.extend(with_settings());
    shapes
}

fn providers_with_options(add: &mut impl FnMut(&str, Draft)) {
    let both = |mut draft: Draft| {
        draft.sign_response = draft.sign_assertion.clone();
        draft
    };
    let response_only = |mut draft: Draft| {
        draft.sign_response = draft.sign_assertion.take();
        draft
    };
    let encrypted = |mut draft: Draft| {
        draft.encrypt = Some(Encryption::default());
        draft
    };
    add("entra, response and assertion signed", both(entra()));
    add("entra, response signed", response_only(entra()));
    add("entra, encrypted", encrypted(entra()));
    add("okta, assertion encrypted", encrypted(okta()));
    add("okta, response signed", response_only(okta()));
    add("adfs, message and assertion signed, encrypted", both(adfs()));
    add("adfs, response signed, unsigned assertion encrypted", response_only(adfs()));
    add("google, response signed", response_only(google()));
    add("keycloak, document signed", response_only(Draft { sign_response: None, ..keycloak() }));
    add("keycloak, encrypted", encrypted(keycloak()));
    add(
        "onelogin, assertion signed",
        Draft { sign_assertion: Some(Signing::default()), sign_response: None, ..onelogin() },
    );
    add(
        "onelogin, both signed, AES-128-CBC",
        Draft {
            encrypt: Some(Encryption::with("aes128-cbc")),
            sign_assertion: Some(Signing::default()),
            ..onelogin()
        },
    );
    add("shibboleth, not encrypted", Draft { encrypt: None, ..shibboleth() });
    add(
        "shibboleth, assertion signed too",
        Draft { sign_assertion: Some(Signing::default()), ..shibboleth() },
    );
}

fn algorithms(add: &mut impl FnMut(&str, Draft)) {
    let rsa: [&'static str; 6] = [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
    ];
    let digests = [
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    ];
    let signed = |signing| Draft { sign_assertion: Some(signing), ..Draft::default() };
    for (algorithm, digest) in rsa.into_iter().zip(digests.into_iter().cycle()) {
        add(algorithm, signed(Signing { digest, ..Signing::by(|keys| &keys.idp, algorithm) }));
    }
    add("next RSA key", signed(Signing::by(|keys| &keys.idp_next, rsa[0])));
    add("expired certificate", signed(Signing::by(|keys| &keys.expired, rsa[0])));
    for (name, curve) in [("ecdsa-sha256", 256), ("ecdsa-sha384", 384), ("ecdsa-sha512", 384)] {
        let key: fn(&super::keys::Keys) -> &super::keys::KeyPair =
            if curve == 256 { |keys| &keys.idp_p256 } else { |keys| &keys.idp_p384 };
        let algorithm = match name {
            "ecdsa-sha256" => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            "ecdsa-sha384" => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            _ => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        };
        assert!(algorithm.starts_with(MORE));
        add(name, signed(Signing::by(key, algorithm)));
    }
    let inclusive =
        || Signing { info_form: INCLUSIVE, content_form: INCLUSIVE, ..Signing::default() };
    add("inclusive canonicalization of the assertion", signed(inclusive()));
    add(
        "inclusive canonicalization of the response",
        Draft {
            sign_assertion: None,
            sign_response: Some(inclusive()),
            response_attributes: " xml:lang=\"en\"".to_owned(),
            ..okta()
        },
    );
    add(
        "exclusive SignedInfo, inclusive content",
        signed(Signing { content_form: INCLUSIVE, ..Signing::default() }),
    );
    for (name, form) in [
        ("exclusive canonicalization with comments", EXCLUSIVE_WITH_COMMENTS),
        ("inclusive canonicalization with comments", INCLUSIVE_WITH_COMMENTS),
    ] {
        let signing = || Signing { info_form: form, content_form: form, ..Signing::default() };
        add(name, signed(signing()));
        add(
            &format!("{name}, of the response"),
            Draft { sign_assertion: None, sign_response: Some(signing()), ..okta() },
        );
    }
    add(
        "the enveloped transform alone",
        signed(Signing { content_form: NO_TRANSFORM, ..Signing::default() }),
    );
    add(
        "prefix list with the default namespace",
        signed(Signing { prefixes: "#default xs xsi", ..Signing::default() }),
    );
}

fn encryptions(add: &mut impl FnMut(&str, Draft)) {
    let mut with = |name: &str, encryption: Encryption| {
        add(name, Draft { encrypt: Some(encryption), ..Draft::default() });
    };
    for cipher in ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"] {
        with(cipher, Encryption::with(cipher));
    }
    let sha256 = Some("http://www.w3.org/2001/04/xmlenc#sha256");
    let sha512 = Some("http://www.w3.org/2001/04/xmlenc#sha512");
    with("mgf1p with SHA-256", Encryption { digest: sha256, ..Encryption::default() });
    let oaep11 = || Encryption { transport: "rsa-oaep", ..Encryption::with("aes256-gcm") };
    with("xmlenc11 OAEP by default", oaep11());
    with(
        "xmlenc11 OAEP, SHA-256 and MGF1 SHA-256",
        Encryption { digest: sha256, mask: Some("mgf1sha256"), ..oaep11() },
    );
    with(
        "xmlenc11 OAEP, SHA-1 and MGF1 SHA-256",
        Encryption { mask: Some("mgf1sha256"), ..oaep11() },
    );
    with(
        "xmlenc11 OAEP, SHA-512",
        Encryption { digest: sha512, mask: Some("mgf1sha512"), ..oaep11() },
    );
    with("key beside the data", Encryption { place: KeyPlace::Beside, ..Encryption::default() });
    with(
        "for our previous key",
        Encryption { key: |keys| &keys.sp_previous, ..Encryption::default() },
    );
}

fn odd_but_valid(add: &mut impl FnMut(&str, Draft)) {
    let base = Draft::default;
    add("pretty-printed", Draft { style: Style { pretty: true, ..base().style }, ..base() });
    add(
        "default namespace for the protocol",
        Draft { style: Style { protocol: "", ..base().style }, ..base() },
    );
    add("no issuer in the response", Draft { response_issuer: None, ..base() });
    add("no destination, response not signed", Draft { destination: None, ..base() });
    add(
        "seven fractional digits",
        Draft { issued: "2026-11-21T11:59:58.1234567Z".to_owned(), ..base() },
    );
    add(
        "an offset instead of Z",
        Draft { issued: "2026-11-21T12:59:58+01:00".to_owned(), ..base() },
    );
    add(
        "clock 179 s ahead",
        Draft { issued: at(179), conditions: conditions(Some(&at(179)), None, &[&[SP]]), ..base() },
    );
    add(
        "confirmation over for 179 s",
        Draft { confirmations: bearer(Some(ACS), Some(&at(-179)), Some(REQUEST), ""), ..base() },
    );
    add(
        "several audiences",
        Draft { conditions: conditions(None, None, &[&["https://other.example", SP]]), ..base() },
    );
    add(
        "two restrictions that both name us",
        Draft { conditions: conditions(None, None, &[&[SP], &[SP, "urn:x"]]), ..base() },
    );
    let used_once = base().conditions.replace(
        "</A:Conditions>",
        "<A:OneTimeUse/><A:ProxyRestriction Count=\"0\"/></A:Conditions>",
    );
    add("one-time use", Draft { conditions: used_once, ..base() });
    let other = "<A:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:holder-of-key\"/>";
    add(
        "another confirmation method beside bearer",
        Draft { confirmations: format!("{other}{}", base().confirmations), ..base() },
    );
    let elsewhere = bearer(Some("https://other.example/acs"), Some(&at(300)), Some(REQUEST), "");
    add(
        "an additional bearer confirmation for another app",
        Draft { confirmations: format!("{elsewhere}{}", base().confirmations), ..base() },
    );
    add("request named in the confirmation only", Draft { in_response_to: None, ..base() });
    let groups: Vec<String> = (0..150).map(|i| format!("group-{i}")).collect();
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    add(
        "150 groups",
        Draft {
            claims: vec![claim("email", &["ada@acme.com"]), claim("groups", &names)],
            ..okta()
        },
    );
    add(
        "escaped characters",
        Draft {
            claims: vec![
                claim("email", &["ada@acme.com"]),
                claim("displayName", &["A &lt;b&gt; &amp; &quot;c&quot; &#233;&#x1F600;"]),
            ],
            ..base()
        },
    );
    add(
        "empty and repeated attributes",
        Draft {
            claims: vec![claim("email", &[""]), claim("email", &["ada@acme.com"]), claim("x", &[])],
            ..base()
        },
    );
    add("no attributes, mail as NameID", Draft { claims: vec![], ..base() });
    let long = format!("<A:NameID>{}@acme.com</A:NameID>", "x".repeat(247));
    add("identifier of 256 characters", Draft { name_id: long, ..base() });
    add(
        "KeyInfo with an untrusted certificate",
        Draft {
            sign_assertion: Some(Signing { key_info: Some(foreign_x509()), ..Signing::default() }),
            ..base()
        },
    );
    // Exclusive canonicalization drops the declaration that the inclusive one has signed.
    for (info_form, content_form) in
        [(INCLUSIVE, EXCLUSIVE), (EXCLUSIVE, INCLUSIVE), (INCLUSIVE, NO_TRANSFORM)]
    {
        let signing = Signing { info_form, content_form, ..Signing::default() };
        add(
            &format!("assertion signed by {info_form} and {content_form}, response exclusively"),
            Draft {
                response_attributes: " xmlns:unused=\"urn:unused\"".to_owned(),
                sign_assertion: Some(signing),
                sign_response: Some(Signing::default()),
                ..base()
            },
        );
    }
    let gcm = Encryption::with("aes128-gcm");
    add("NameID encrypted by itself", with_encrypted_name_id("", "ada@acme.com", &gcm));
    let spaced = |text: &str| format!(" {text}&#10;");
    add(
        "white space around URIs",
        Draft {
            destination: Some(spaced(ACS)),
            issuer: spaced(IDP),
            response_issuer: Some(spaced(IDP)),
            confirmations: bearer(Some(&spaced(ACS)), Some(&at(298)), Some(REQUEST), ""),
            conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[&spaced(SP)]]),
            ..base()
        },
    );
    add(
        "session with an end",
        Draft { authn: super::draft::authn(&at(-10), Some(&at(28_800))), ..base() },
    );
}

fn with_settings() -> Vec<Shape> {
    let unsolicited = Draft {
        in_response_to: None,
        confirmations: bearer(Some(ACS), Some(&at(298)), None, ""),
        ..Draft::default()
    };
    let contexts = &["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"];
    vec![
        shape(
            "provider-initiated",
            &unsolicited,
            Settings { idp_initiated: true, request_open: false, ..Settings::default() },
        ),
        shape(
            "both required and signed",
            &okta(),
            Settings { signed: saml::response::SignedPart::Both, ..Settings::default() },
        ),
        shape(
            "the required authentication context",
            &entra(),
            Settings { contexts, ..Settings::default() },
        ),
    ]
}

fn x509() -> String {
    certificate(&super::keys::KEYS.idp)
}

fn foreign_x509() -> String {
    certificate(&super::keys::KEYS.attacker)
}

fn certificate(pair: &super::keys::KeyPair) -> String {
    format!(
        "<D:X509Data><D:X509Certificate>{}</D:X509Certificate></D:X509Data>",
        pair.certificate_base64()
    )
}

fn shape(name: &str, draft: &Draft, settings: Settings) -> Shape {
    Shape {
        name: name.to_owned(),
        response: draft.response(),
        inside: draft.encrypt.as_ref().map(|_| draft.assertion()),
        settings,
        email: "ada@acme.com",
    }
}
