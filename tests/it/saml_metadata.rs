//! Metadata: that of identity providers is read or refused with a reason; ours is complete.

use harness::saml::keys::{KEYS, KeyPair};
use harness::saml::metadata::{descriptor, entity, federation, key, mixed, services, sso, usual};
use harness::saml::signing::{Signing, sign};
use harness::saml::world::{ACS, IDP, SP, now};
use jiff::Timestamp;
use saml::crypto::{SigningKey, VerifyingKey};
use saml::metadata::{
    AttributeNaming, Binding, Contact, Metadata, MetadataError, MetadataWarning, ReadOptions,
    SpMetadata, read_idp_metadata,
};

pub(crate) const OPTIONS: fn() -> ReadOptions<'static> =
    || ReadOptions { our_entity_id: SP, pinned_key: None, allow_loopback_http: false, now: now() };

pub(crate) fn read(text: &str) -> Result<Metadata, MetadataError> {
    read_idp_metadata(text.as_bytes(), &OPTIONS())
}

#[track_caller]
pub(crate) fn refused(text: &str, because: &str) {
    let error = read(text).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn keys_and_urls_of_a_usual_document_are_read() {
    let metadata = read(&usual(IDP)).unwrap();
    assert!(!metadata.federation && !metadata.signed);
    let [provider] = metadata.providers.as_slice() else { panic!("one provider") };
    assert_eq!(provider.entity_id, IDP);
    let bindings: Vec<_> = provider.sso.iter().map(|e| (e.binding, e.url.as_str())).collect();
    assert_eq!(
        bindings,
        [
            (Binding::Redirect, "https://idp.example/sso?idp=1"),
            (Binding::Post, "https://idp.example/sso/post")
        ]
    );
    let [known] = provider.certificates.as_slice() else { panic!("one certificate") };
    assert_eq!(known.der, KEYS.idp.der());
    assert_eq!(known.certificate.subject, "CN=idp.example");
    assert_eq!(known.certificate.key.description(), "RSA 2048");
    assert_eq!(known.certificate.not_after.unwrap().to_string(), "2049-12-31T00:00:00Z");
    assert_eq!(provider.warnings, []);
}

#[test]
fn only_the_identity_provider_role_of_a_mixed_document_is_read() {
    let metadata = read(&mixed("https://sts.windows.net/7c0e7a4e/")).unwrap();
    let known: Vec<_> = metadata.providers[0].certificates.iter().map(|c| c.der.clone()).collect();
    assert_eq!(known, [KEYS.idp.der(), KEYS.idp_next.der()]);
}

#[test]
fn several_certificates_and_keys_without_use_are_trusted() {
    let keys: String = [&KEYS.idp, &KEYS.idp_next, &KEYS.idp_p256, &KEYS.idp_p384, &KEYS.idp]
        .map(|pair| key("", pair))
        .concat();
    let metadata = read(&entity(IDP, &descriptor(&keys, &services()))).unwrap();
    assert_eq!(metadata.providers[0].certificates.len(), 4);
}

#[test]
fn more_than_32_keys_are_refused() {
    let keys = |count: usize| (0..count).map(|_| key("", &KeyPair::fresh())).collect::<String>();
    let read_with = |count| read(&entity(IDP, &descriptor(&keys(count), &services())));
    assert_eq!(read_with(32).unwrap().providers[0].certificates.len(), 32);
    assert_eq!(read_with(33), Err(MetadataError::TooManyKeys));
}

#[test]
fn expired_certificate_is_trusted_with_a_warning() {
    let metadata = read(&entity(IDP, &descriptor(&key("", &KEYS.expired), &services()))).unwrap();
    let warnings = &metadata.providers[0].warnings;
    assert_eq!(metadata.providers[0].certificates.len(), 1);
    assert!(warnings[0].to_string().ends_with("has expired; it is still trusted"));
}

#[test]
fn weak_key_beside_a_good_one_is_not_trusted() {
    let keys = key("", &KEYS.weak) + &key("", &KEYS.idp);
    let metadata = read(&entity(IDP, &descriptor(&keys, &services()))).unwrap();
    assert_eq!(metadata.providers[0].certificates.len(), 1);
    assert!(metadata.providers[0].warnings[0].to_string().contains("RSA 1024: too weak"));
}

#[test]
fn every_usable_member_of_a_federation_is_read() {
    let broken = entity("https://c.example", &descriptor("", &services()));
    let inner = federation(&usual("https://b.example"));
    let metadata = read(&federation(&(usual("https://a.example") + &inner + &broken))).unwrap();
    assert!(metadata.federation);
    let ids: Vec<_> = metadata.providers.iter().map(|p| p.entity_id.as_str()).collect();
    assert_eq!(ids, ["https://a.example", "https://b.example"]);
    assert_eq!(metadata.skipped[0].entity_id, "https://c.example");
    assert_eq!(metadata.skipped[0].error, MetadataError::NoSigningKey);
}

#[test]
fn unusable_documents_are_refused_with_the_reason() {
    let idp = |keys: &str, services: &str| entity(IDP, &descriptor(keys, services));
    let good = key("use=\"signing\"", &KEYS.idp);
    refused("<html/>", "an HTML page");
    refused("<!DOCTYPE html><html><head></head></html>", "an HTML page");
    refused("<h:html xmlns:h=\"http://www.w3.org/1999/xhtml\"/>", "an HTML page");
    refused("not xml", "not XML");
    refused("", "empty");
    refused("{\"issuer\": \"https://idp.example\"}", "JSON");
    refused("-----BEGIN CERTIFICATE-----", "a certificate or a key");
    refused("<a/>", "the root is a");
    refused("<!DOCTYPE a><a/>", "DTD");
    refused(&usual(""), "no usable entityID");
    refused(&usual("https://sts.windows.net/{tenant}/"), "of your own tenant");
    refused(&usual("https://sts.windows.net/{tenantid}/"), "of your own tenant");
    refused(&usual(SP), "describes our app");
    refused(&entity(IDP, ""), "no SAML 2.0 identity provider");
    refused(
        &usual(IDP).replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
        "a provider of SAML 1 only",
    );
    refused(&idp("", &services()), "no signing certificate");
    refused(&idp(&key("use=\"encryption\"", &KEYS.idp), &services()), "no signing certificate");
    refused(
        &idp(
            "<md:KeyDescriptor><ds:KeyInfo><ds:KeyValue/></ds:KeyInfo></md:KeyDescriptor>",
            &services(),
        ),
        "no signing certificate",
    );
    refused(&idp(&key("", &KEYS.weak), &services()), "RSA 1024: too weak");
    refused(
        &idp(&good.replace("<ds:X509Certificate>MII", "<ds:X509Certificate>AAA"), &services()),
        "not a readable certificate",
    );
    refused(&idp(&good, ""), "no sign-in URL");
    refused(&idp(&good, &sso("SOAP", "https://idp.example")), "no sign-in URL");
    for url in [
        "http://idp.example/sso",
        "javascript:alert(1)",
        "https://",
        "https://a@b.example/",
        "https://idp.example/#x",
        "//idp.example",
        "",
        "https://idp.example/\\x",
        "http://localhost/",
    ] {
        refused(&idp(&good, &sso("HTTP-Redirect", url)), "is not an https URL");
    }
    refused(&federation(""), "no SAML 2.0 identity provider");
    refused(&federation(&usual(SP)), "describes our app");
    refused(&format!("<a>{}</a>", "x".repeat(1 << 20)), "exceed the limit");
}

#[test]
fn loopback_urls_are_accepted_in_development() {
    let options = ReadOptions { allow_loopback_http: true, ..OPTIONS() };
    let at = |url: &str| {
        let text = entity(IDP, &descriptor(&key("", &KEYS.idp), &sso("HTTP-Redirect", url)));
        read_idp_metadata(text.as_bytes(), &options).is_ok()
    };
    assert!(
        at("http://localhost:7400/sso") && at("http://127.0.0.1/sso") && at("http://[::1]:1/x")
    );
    assert!(
        !at("http://localhost.example/sso")
            && !at("http://10.0.0.1/")
            && !at("http://127.0.0.1@evil.example/")
    );
}

#[test]
fn with_a_pinned_key_only_signed_metadata_is_read() {
    let pinned = VerifyingKey::from_certificate(&KEYS.idp.der()).unwrap();
    let options = ReadOptions { pinned_key: Some(&pinned), ..OPTIONS() };
    let read = |text: &str| read_idp_metadata(text.as_bytes(), &options);
    let text = usual(IDP);
    let id = format!("_m{}", IDP.len());
    let signed = sign(&text, &id, &Signing::default());
    assert!(read(&signed).unwrap().signed);
    assert_eq!(read(&text), Err(MetadataError::NotSigned));
    let foreign = sign(
        &text,
        &id,
        &Signing::by(|keys| &keys.attacker, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
    );
    assert!(matches!(read(&foreign), Err(MetadataError::Signature(_))));
    let changed = signed.replace("https://idp.example/sso", "https://evil.example/sso");
    assert!(matches!(read(&changed), Err(MetadataError::Signature(_))));
}

/// Metadata whose root ends at this instant, signed.
fn ending_at(text: &str, end: &str) -> (String, String) {
    let text = text.replacen(" ID=", &format!(" validUntil=\"{end}\" ID="), 1);
    let (_, rest) = text.split_once(" ID=\"").unwrap();
    let id = rest.split('"').next().unwrap().to_owned();
    (text.clone(), sign(&text, &id, &Signing::default()))
}

#[test]
fn outdated_metadata_is_taken_with_a_warning_unless_a_key_is_pinned() {
    let pinned = VerifyingKey::from_certificate(&KEYS.idp.der()).unwrap();
    let options = ReadOptions { pinned_key: Some(&pinned), ..OPTIONS() };
    let read = |text: &str| read_idp_metadata(text.as_bytes(), &options);
    let past: Timestamp = "2026-11-21T11:59:59Z".parse().unwrap();
    let (unsigned, signed) = ending_at(&usual(IDP), "2026-11-21T11:59:59Z");
    let provider = &read_idp_metadata(unsigned.as_bytes(), &OPTIONS()).unwrap().providers[0];
    assert_eq!(provider.valid_until, Some(past));
    assert_eq!(provider.warnings, [MetadataWarning::Outdated(past)]);
    assert_eq!(read(&signed), Err(MetadataError::Expired(past)));
    let (_, signed) = ending_at(&usual(IDP), "2026-11-21T12:00:01Z");
    assert_eq!(read(&signed).unwrap().providers[0].warnings, []);
    let (_, signed) = ending_at(&usual(IDP), "tomorrow");
    assert_eq!(read(&signed), Err(MetadataError::Validity));
}

#[test]
fn the_end_of_a_federation_is_that_of_its_members() {
    let pinned = VerifyingKey::from_certificate(&KEYS.idp.der()).unwrap();
    let options = ReadOptions { pinned_key: Some(&pinned), ..OPTIONS() };
    let (outdated, _) = ending_at(&usual(IDP), "2026-11-21T11:00:00Z");
    let members = federation(&format!("{outdated}{}", usual("https://idp.example/2")));
    let (unsigned, signed) = ending_at(&members, "2026-11-21T11:59:59Z");
    let past: Timestamp = "2026-11-21T11:59:59Z".parse().unwrap();
    let earlier: Timestamp = "2026-11-21T11:00:00Z".parse().unwrap();
    let read = read_idp_metadata(unsigned.as_bytes(), &OPTIONS()).unwrap();
    let ends: Vec<_> = read.providers.iter().map(|provider| provider.valid_until).collect();
    assert_eq!(ends, [Some(earlier), Some(past)]);
    assert!(read.providers.iter().all(|provider| provider.warnings.len() == 1));
    let pinned = |text: &str| read_idp_metadata(text.as_bytes(), &options);
    assert_eq!(pinned(&signed), Err(MetadataError::Expired(past)));
    // A member of a federation that is valid may be outdated by itself.
    let (_, signed) = ending_at(&members, "2027-01-01T00:00:00Z");
    let read = pinned(&signed).unwrap();
    assert_eq!(read.providers.len(), 1);
    assert_eq!(read.skipped[0].error, MetadataError::Expired(earlier));
}

fn ours(naming: AttributeNaming, certificates: &[Vec<u8>]) -> SpMetadata<'_> {
    SpMetadata {
        entity_id: SP,
        acs_url: ACS,
        federated_acs_url: "https://sp.example/saml/sso/acme.com/federated",
        signing_certificates: certificates,
        encryption_certificates: certificates,
        naming,
        display_name: "Charts & <Co>",
        contact: Some(Contact { name: "Ops & Co", email: "ops@sp.example" }),
        valid_until: now(),
        requests_signed: true,
    }
}

#[test]
fn our_metadata_is_complete() {
    let certificates = [b"one".to_vec(), b"two".to_vec()];
    let text = ours(AttributeNaming::Basic, &certificates).xml().unwrap();
    insta::assert_snapshot!(text.replace("><", ">\n<"), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" ID="_metadata" entityID="https://sp.example/saml/metadata/acme.com" validUntil="2026-11-21T12:00:00Z">
<md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:Extensions>
<mdui:UIInfo>
<mdui:DisplayName xml:lang="en">Charts &amp; &lt;Co&gt;</mdui:DisplayName>
</mdui:UIInfo>
</md:Extensions>
<md:KeyDescriptor use="signing">
<ds:KeyInfo>
<ds:X509Data>
<ds:X509Certificate>b25l</ds:X509Certificate>
</ds:X509Data>
</ds:KeyInfo>
</md:KeyDescriptor>
<md:KeyDescriptor use="signing">
<ds:KeyInfo>
<ds:X509Data>
<ds:X509Certificate>dHdv</ds:X509Certificate>
</ds:X509Data>
</ds:KeyInfo>
</md:KeyDescriptor>
<md:KeyDescriptor use="encryption">
<ds:KeyInfo>
<ds:X509Data>
<ds:X509Certificate>b25l</ds:X509Certificate>
</ds:X509Data>
</ds:KeyInfo>
<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">
</md:EncryptionMethod>
</md:KeyDescriptor>
<md:KeyDescriptor use="encryption">
<ds:KeyInfo>
<ds:X509Data>
<ds:X509Certificate>dHdv</ds:X509Certificate>
</ds:X509Data>
</ds:KeyInfo>
<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc">
</md:EncryptionMethod>
<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">
</md:EncryptionMethod>
</md:KeyDescriptor>
<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/saml/sso/acme.com" index="0" isDefault="true"/>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/saml/sso/acme.com/federated" index="1"/>
<md:AttributeConsumingService index="0" isDefault="true">
<md:ServiceName xml:lang="en">Charts &amp; &lt;Co&gt;</md:ServiceName>
<md:RequestedAttribute Name="User.Email" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" FriendlyName="mail" isRequired="true">
</md:RequestedAttribute>
<md:RequestedAttribute Name="User.FirstName" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" FriendlyName="givenName" isRequired="false">
</md:RequestedAttribute>
<md:RequestedAttribute Name="User.LastName" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" FriendlyName="sn" isRequired="false">
</md:RequestedAttribute>
</md:AttributeConsumingService>
</md:SPSSODescriptor>
<md:ContactPerson contactType="technical">
<md:GivenName>Ops &amp; Co</md:GivenName>
<md:EmailAddress>mailto:ops@sp.example</md:EmailAddress>
</md:ContactPerson>
</md:EntityDescriptor>
"#);
    let oid = ours(AttributeNaming::Oid, &certificates).xml().unwrap();
    assert!(oid.contains("Name=\"urn:oid:2.5.4.42\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\" FriendlyName=\"givenName\""));
    refused(&text, "describes our app");
    refused(&text.replace(SP, "https://other.example"), "describes a service provider");
}

#[test]
fn our_signed_metadata_verifies_with_another_implementation() {
    let key = SigningKey::from_pem(&KEYS.idp.private_pem()).unwrap();
    let certificates = [KEYS.idp.der()];
    let signed =
        ours(AttributeNaming::Basic, &certificates).signed_xml(&key, &certificates[0]).unwrap();
    assert_eq!(crate::saml_oracle::second_opinion(&signed), Some(true));
    let changed = signed.replace("sp.example/saml/sso", "evil.example/saml/sso");
    assert_eq!(crate::saml_oracle::second_opinion(&changed), Some(false));
}
