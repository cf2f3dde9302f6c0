//! Metadata in the forms in which providers export it, and in which people copy and serve it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::saml::keys::{KEYS, KeyPair};
use harness::saml::metadata::{descriptor, entity, federation, key, services, sso, usual};
use harness::saml::world::IDP;
use saml::crypto::VerifyingKey;
use saml::metadata::read_idp_metadata;

use crate::saml_metadata::{OPTIONS, read, refused};

/// Metadata of one provider with this `KeyInfo` in a `KeyDescriptor` with these attributes.
fn with_key_info(attributes: &str, key_info: &str) -> String {
    let descriptor_of_key = format!(
        "<md:KeyDescriptor {attributes}><ds:KeyInfo>{key_info}</ds:KeyInfo></md:KeyDescriptor>"
    );
    entity(IDP, &descriptor(&descriptor_of_key, &services()))
}

fn x509(text: &str) -> String {
    format!("<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>")
}

fn pem(pair: &KeyPair, label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", pair.certificate_base64())
}

#[test]
fn certificates_are_read_in_every_form_that_providers_export() {
    let (first, second) = (&KEYS.idp, &KEYS.idp_next);
    let both = format!("{}{}", pem(first, "CERTIFICATE"), pem(second, "CERTIFICATE"));
    let joined = BASE64_STANDARD.encode([first.der(), second.der()].concat());
    let broken = &first.certificate_base64()[..400];
    for (what, attributes, key_info, expect) in [
        ("PEM", "", x509(&pem(first, "CERTIFICATE")), 1),
        ("PEM of another name", "", x509(&pem(first, "X509 CERTIFICATE")), 1),
        ("two in PEM", "", x509(&both), 2),
        ("base64 of a PEM file", "", x509(&BASE64_STANDARD.encode(&both)), 2),
        ("two in DER", "", x509(&joined), 2),
        (
            "two in base64",
            "",
            x509(&format!("{}\n{}", first.certificate_base64(), second.certificate_base64())),
            2,
        ),
        ("an empty use", "use=\"\"", x509(&first.certificate_base64()), 1),
        ("a use in capitals", "use=\" Signing\"", x509(&first.certificate_base64()), 1),
        (
            "a broken one before a good one",
            "",
            x509(broken) + &x509(&first.certificate_base64()),
            1,
        ),
        (
            "names and keys beside it",
            "",
            format!(
                "<ds:KeyName>idp</ds:KeyName><ds:KeyValue/>{}",
                x509(&first.certificate_base64())
            ),
            1,
        ),
    ] {
        let metadata = read(&with_key_info(attributes, &key_info));
        let metadata = metadata.unwrap_or_else(|error| panic!("{what}: {error}"));
        let known: Vec<_> = metadata.providers[0].certificates.iter().map(|c| &c.der).collect();
        assert_eq!(known.len(), expect, "{what}");
        assert_eq!(*known[0], first.der(), "{what}");
    }
    refused(&with_key_info("use=\"Encryption\"", &x509(&first.certificate_base64())), "no signing");
}

#[test]
fn a_key_without_a_certificate_is_read() {
    let rsa = KEYS.idp.key.rsa().unwrap();
    let (modulus, exponent) = (rsa.n().to_vec(), rsa.e().to_vec());
    let encode = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let rsa_value = |modulus: &[u8]| {
        format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent>\
             </ds:RSAKeyValue></ds:KeyValue>",
            encode(modulus),
            encode(&exponent)
        )
    };
    let info = KEYS.idp_p256.key.public_key_to_der().unwrap();
    let point = &info[info.len() - 65..];
    let ec_value = |curve: &str| {
        format!(
            "<ds:KeyValue><e:ECKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\">\
             <e:NamedCurve URI=\"urn:oid:{curve}\"/><e:PublicKey>{}</e:PublicKey></e:ECKeyValue>\
             </ds:KeyValue>",
            encode(point)
        )
    };
    let encoded = format!(
        "<e:DEREncodedKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\">{}</e:DEREncodedKeyValue>",
        encode(&info)
    );
    let weak = x509(&KEYS.weak.certificate_base64());
    for (key_info, expect) in [
        (rsa_value(&modulus), &KEYS.idp),
        (ec_value("1.2.840.10045.3.1.7"), &KEYS.idp_p256),
        (encoded, &KEYS.idp_p256),
        // A certificate that cannot be used does not hide a key that can.
        (x509("") + &rsa_value(&modulus), &KEYS.idp),
        (x509("AAAA") + &rsa_value(&modulus), &KEYS.idp),
        (weak + &rsa_value(&modulus), &KEYS.idp),
    ] {
        let metadata = read(&with_key_info("", &key_info)).unwrap();
        let expected = VerifyingKey::from_certificate(&expect.der()).unwrap();
        assert_eq!(metadata.providers[0].certificates[0].certificate.key, expected);
    }
    refused(&with_key_info("", &rsa_value(&modulus[..128])), "RSA 1024: too weak");
    refused(&with_key_info("", &rsa_value(&[])), "RSA 0: too weak");
    refused(&with_key_info("", &ec_value("1.3.132.0.10")), "unsupported key type");
    refused(&with_key_info("", &ec_value("x")), "unsupported key type");
}

#[test]
fn a_key_in_another_namespace_is_told_as_such() {
    let text = with_key_info("", &x509(&KEYS.idp.certificate_base64()))
        .replace("<ds:KeyInfo>", "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig\">");
    refused(&text, "namespace http://www.w3.org/2000/09/xmldsig;");
}

#[test]
fn an_aggregate_of_one_provider_is_an_ordinary_connection() {
    let app = entity(
        "https://app.example",
        "<md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>",
    );
    let metadata = read(&federation(&(usual(IDP) + &app))).unwrap();
    assert!(!metadata.federation && metadata.providers.len() == 1);
    // A second provider counts, although its key cannot be used.
    let broken = entity("https://c.example", &descriptor("", &services()));
    assert!(read(&federation(&(usual(IDP) + &broken))).unwrap().federation);
    let none = federation(&(broken + &entity("https://d.example/d", &descriptor("", &services()))));
    refused(&none, "https://c.example: there is no signing certificate; https://d.example/d: ");
    refused(&federation(&app), "describes a service provider");
    let ws_federation = "<md:RoleDescriptor protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\"/>";
    refused(&entity(IDP, ws_federation), "a provider of WS-Federation only");
}

#[test]
fn what_stands_around_the_document_says_nothing() {
    for text in [
        format!("\n{}", usual(IDP)),
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n{}", usual(IDP)),
        format!("\u{ef}\u{bb}\u{bf}<?xml version=\"1.0\"?><!-- x -->{}", usual(IDP)),
        format!("<?xml-stylesheet href='x'?>{}<!-- y --><?end?>\n", usual(IDP)),
    ] {
        assert!(read(&text).is_ok(), "{text}");
    }
    refused(&usual(IDP).replace("<md:IDPSSO", "<?x y?><md:IDPSSO"), "a processing instruction");
    let utf_16: Vec<u8> = usual(IDP).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read_idp_metadata(&utf_16, &OPTIONS()).is_ok());
}

#[test]
fn white_space_and_other_letters_in_attributes_are_read() {
    let text = usual(IDP).replace(
        "<md:IDPSSODescriptor ",
        "<md:IDPSSODescriptor WantAuthnRequestsSigned=\" true \" ",
    );
    assert!(read(&text).unwrap().providers[0].wants_signed_requests);
    let at = |url: &str| {
        let keys = key("", &KEYS.idp);
        let text = entity(IDP, &descriptor(&keys, &sso("HTTP-Redirect", url)));
        read(&text).map(|metadata| metadata.providers[0].sso[0].url.clone())
    };
    assert_eq!(at("HTTPS://Idp.example/a b\n?c d").unwrap(), "https://Idp.example/a%20b%20?c%20d");
    assert!(at("https://idp example/sso").is_err());
    let expected = "https://xn--bcher-kva.example:8443/s%C3%A4ml?a=%C3%B6";
    assert_eq!(at(" https://b\u{fc}cher.example:8443/s\u{e4}ml?a=\u{f6} ").unwrap(), expected);
    assert!(at("https://b\u{fc}cher\u{3002}/x").is_err());
}
