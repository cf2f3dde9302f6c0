//! Encodes and decodes the HTTP-Redirect binding: deflate, base64, percent-encoding, and a
//! signature over the query exactly as sent (SAML bindings §3.4.4).

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::RequestError;
use crate::crypto::{SigningKey, sign};
use crate::names::RSA_SHA256;
use crate::xml::{decode_base64, encode_base64};

/// Largest inflated message, in bytes.
pub const MAX_INFLATED: usize = 32 * 1024;

/// All but the unreserved characters of RFC 3986 §2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns `destination` with the message in its query.
pub(super) fn url(
    destination: &str,
    xml: &str,
    relay_state: Option<&str>,
    key: Option<&SigningKey>,
) -> Result<String, RequestError> {
    let mut query = format!("SAMLRequest={}", percent_encode(&encode_base64(&deflate(xml)?)));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&percent_encode(relay_state));
    }
    if let Some(key) = key {
        query.push_str("&SigAlg=");
        query.push_str(&percent_encode(RSA_SHA256));
        // Covers only our parameters, not a query of the destination.
        let signature = sign(key, query.as_bytes())?;
        query.push_str("&Signature=");
        query.push_str(&percent_encode(&encode_base64(&signature)));
    }
    let separator = if destination.contains('?') { '&' } else { '?' };
    Ok(format!("{destination}{separator}{query}"))
}

/// Decodes the percent-decoded `SAMLRequest` of a redirect. Bounded by [`MAX_INFLATED`], since a
/// few bytes can inflate to gigabytes.
pub fn decode_redirect(saml_request: &str) -> Result<Vec<u8>, RequestError> {
    if saml_request.len() > MAX_INFLATED * 2 {
        return Err(RequestError::Encoding);
    }
    let deflated = decode_base64(saml_request).ok_or(RequestError::Encoding)?;
    let mut message = Vec::new();
    let mut bounded = DeflateDecoder::new(deflated.as_slice()).take(MAX_INFLATED as u64 + 1);
    bounded.read_to_end(&mut message).map_err(|_| RequestError::Encoding)?;
    if message.len() > MAX_INFLATED { Err(RequestError::Encoding) } else { Ok(message) }
}

fn deflate(xml: &str) -> Result<Vec<u8>, RequestError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).map_err(|_| RequestError::Write)?;
    encoder.finish().map_err(|_| RequestError::Write)
}

fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;

    use super::*;
    use crate::authn_request::{AuthnRequest, RequestId};
    use crate::crypto::{Digest, SignatureScheme, VerifyingKey, verify};
    use crate::signature::verify_enveloped;
    use crate::xml::{StrictDocument, optional_child};

    fn key() -> (SigningKey, VerifyingKey) {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let signing = SigningKey::from_pem(&key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (signing, VerifyingKey::from_public_key(&key.public_key_to_der().unwrap()).unwrap())
    }

    fn request<'a>(id: &'a RequestId, destination: &'a str) -> AuthnRequest<'a> {
        AuthnRequest {
            id,
            issue_instant: Timestamp::from_second(1_763_719_200).unwrap(),
            destination,
            issuer: "https://sp.example/?a=1&b=2",
            acs_url: "https://sp.example/saml/sso/acme.com",
            provider_name: Some("A \"B\" & <C>"),
            force_authn: true,
            name_id_format: None,
            authn_contexts: &["urn:oasis:names:tc:SAML:2.0:ac:classes:Password"],
        }
    }

    #[test]
    fn message_conforms_to_the_schema() {
        let id = RequestId::from_random([0xAB; 20]);
        let xml = request(&id, "https://idp.example/sso?idpid=C01&x=1").xml().unwrap();
        insta::assert_snapshot!(xml, @r#"<?xml version="1.0" encoding="UTF-8"?><saml2p:AuthnRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_abababababababababababababababababababab" Version="2.0" IssueInstant="2025-11-21T10:00:00.000Z" Destination="https://idp.example/sso?idpid=C01&amp;x=1" ForceAuthn="true" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="https://sp.example/saml/sso/acme.com" ProviderName="A &quot;B&quot; &amp; &lt;C&gt;"><saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example/?a=1&amp;b=2</saml2:Issuer><saml2p:RequestedAuthnContext xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" Comparison="exact"><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext></saml2p:AuthnRequest>"#);
    }

    #[test]
    fn redirect_signs_exactly_our_parameters() {
        let id = RequestId::from_random([1; 20]);
        let (signing, verifying) = key();
        for destination in ["https://idp.example/sso", "https://idp.example/sso?idpid=C01"] {
            let request = request(&id, destination);
            let url = request.redirect_url(Some("a/b ~&="), Some(&signing)).unwrap();
            let rest = url.strip_prefix(destination).unwrap();
            assert!(rest.starts_with(if destination.contains('?') { "&" } else { "?" }));
            let (signed, signature) = rest[1..].split_once("&Signature=").unwrap();
            assert!(
                signed.starts_with("SAMLRequest=")
                    && signed.contains("&RelayState=a%2Fb%20~%26%3D&SigAlg=http%3A%2F%2F")
            );
            let signature = percent_encoding::percent_decode_str(signature).decode_utf8().unwrap();
            let signature = decode_base64(&signature).unwrap();
            let scheme = SignatureScheme::RsaPkcs1(Digest::Sha256);
            assert!(verify(&verifying, scheme, signed.as_bytes(), &signature));
            let sent = signed.split('&').next().unwrap().strip_prefix("SAMLRequest=").unwrap();
            let sent = percent_encoding::percent_decode_str(sent).decode_utf8().unwrap();
            assert_eq!(decode_redirect(&sent).unwrap(), request.xml().unwrap().into_bytes());
        }
    }

    #[test]
    fn post_signs_the_message() {
        let id = RequestId::from_random([2; 20]);
        let (signing, verifying) = key();
        let request = request(&id, "https://idp.example/sso");
        let form = request.post_form(Some("r"), Some((&signing, b"certificate"))).unwrap();
        let xml = decode_base64(&form.saml_request).unwrap();
        let tree = StrictDocument::parse(&xml).unwrap();
        let signature = optional_child(tree.root(), crate::names::DSIG, "Signature").unwrap();
        let signed = verify_enveloped(tree.root(), signature.unwrap(), &[verifying]).unwrap();
        assert!(signed.as_str().contains(id.as_str()));
        let place = signature.unwrap().prev_sibling_element().unwrap();
        assert_eq!(place.tag_name().name(), "Issuer");
    }

    #[test]
    fn long_relay_state_is_refused() {
        let id = RequestId::from_random([3; 20]);
        let long = "x".repeat(81);
        let refused = request(&id, "https://idp.example").redirect_url(Some(&long), None);
        assert_eq!(refused, Err(RequestError::RelayState));
    }

    #[test]
    fn deflate_bomb_is_refused() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 10_000_000]).unwrap();
        let bomb = encode_base64(&encoder.finish().unwrap());
        assert_eq!(decode_redirect(&bomb), Err(RequestError::Encoding));
        for odd in ["", "***", "AAAA"] {
            assert!(decode_redirect(odd).is_err() || odd.is_empty(), "{odd}");
        }
    }
}
