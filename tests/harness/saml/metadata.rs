//! Writes metadata of identity providers, valid and broken.

use super::keys::{KEYS, KeyPair};

/// Returns a `KeyDescriptor`; `purpose` is a `use` attribute or empty.
pub fn key(purpose: &str, pair: &KeyPair) -> String {
    format!(
        "<md:KeyDescriptor {purpose}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
        pair.certificate_base64()
    )
}

/// Returns a `SingleSignOnService`.
pub fn sso(binding: &str, location: &str) -> String {
    format!(
        "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{location}\"/>"
    )
}

/// Returns an `IDPSSODescriptor` with these parts.
pub fn descriptor(keys: &str, services: &str) -> String {
    format!(
        "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>{services}</md:IDPSSODescriptor>"
    )
}

/// Returns an `EntityDescriptor` with these roles.
pub fn entity(entity_id: &str, roles: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         ID=\"_m{}\" entityID=\"{entity_id}\">{roles}</md:EntityDescriptor>",
        entity_id.len()
    )
}

/// Returns an `EntitiesDescriptor` with these entities.
pub fn federation(entities: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_f\" Name=\"federation\">{entities}</md:EntitiesDescriptor>"
    )
}

/// Returns usual metadata: one signing key, both bindings.
pub fn usual(entity_id: &str) -> String {
    entity(entity_id, &descriptor(&key("use=\"signing\"", &KEYS.idp), &services()))
}

/// Returns services with both bindings, POST first.
pub fn services() -> String {
    sso("HTTP-POST", "https://idp.example/sso/post")
        + &sso("HTTP-Redirect", "https://idp.example/sso?idp=1")
}

/// Returns a document like those of Entra and AD FS: WS-Federation and SP roles besides that of the
/// identity provider, which has an encryption key and two signing keys.
pub fn mixed(entity_id: &str) -> String {
    let foreign = format!(
        "<md:RoleDescriptor xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" \
         xsi:type=\"fed:SecurityTokenServiceType\" protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\">{}</md:RoleDescriptor>",
        key("use=\"signing\"", &KEYS.attacker)
    );
    let sp = format!(
        "<md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}</md:SPSSODescriptor>",
        key("use=\"signing\"", &KEYS.attacker)
    );
    let keys = key("use=\"encryption\"", &KEYS.attacker)
        + &key("use=\"signing\"", &KEYS.idp)
        + &key("use=\"signing\"", &KEYS.idp_next);
    entity(
        entity_id,
        &format!("<!-- made by hand -->{foreign}{sp}{}", descriptor(&keys, &services())),
    )
}
