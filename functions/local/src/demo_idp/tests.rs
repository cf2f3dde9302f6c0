//! The demo identity provider against the verifier of `saml`.

use jiff::Timestamp;

use super::request::{SignInRequest, SignInRequestError};
use super::{DemoIdp, PEOPLE};
use saml::attributes::asserted_groups;
use saml::authn_request::{AuthnRequest, RequestId};
use saml::metadata::{ReadOptions, read_idp_metadata};
use saml::response::{Expectations, SignedPart, verify};
use saml::time::ClockSkew;
use shared::clock::Clock;

const BASE_URL: &str = "http://127.0.0.1:7400";
const SP: &str = "http://127.0.0.1:7400/saml/metadata/acme.com";
const ACS: &str = "http://127.0.0.1:7400/saml/sso/acme.com";

#[test]
fn every_response_is_accepted_by_the_verifier() {
    let idp = idp();
    let request = SignInRequest::read(&query(SP, ACS), BASE_URL).unwrap();
    assert_eq!(request.relay_state.as_deref(), Some("kept"));
    let read =
        ReadOptions { our_entity_id: SP, pinned_key: None, allow_loopback_http: true, now: now() };
    let metadata = read_idp_metadata(idp.metadata().as_bytes(), &read).unwrap();
    let provider = metadata.providers.first().unwrap();
    let keys: Vec<_> =
        provider.certificates.iter().map(|held| held.certificate.key.clone()).collect();
    let expect = Expectations {
        idp_entity_id: &provider.entity_id,
        idp_keys: &keys,
        sp_entity_id: SP,
        acs_url: ACS,
        decryption_keys: &[],
        domains: &[],
        open_requests: &[&request.id],
        allow_idp_initiated: false,
        clock_skew: ClockSkew::default(),
        signed: SignedPart::Assertion,
        authn_contexts: &[],
        require_email: true,
    };
    for (choice, person) in idp.choices(&request).unwrap().iter().zip(PEOPLE) {
        let assertion = verify(choice.response.as_bytes(), &expect, now()).result.unwrap();
        assert_eq!(assertion.profile.email.as_deref(), Some(person.email));
        assert_eq!(assertion.profile.given_name.as_deref(), Some(person.given_name));
        assert_eq!(assertion.profile.family_name.as_deref(), Some(person.family_name));
        let groups = asserted_groups(&assertion.attributes, None);
        assert_eq!(groups.names, person.groups);
    }
}

#[test]
fn a_request_of_another_service_provider_is_refused() {
    for (issuer, acs_url) in [
        (SP, "https://evil.example/saml/sso/acme.com"),
        ("https://evil.example/saml/metadata/acme.com", ACS),
        (SP, "http://127.0.0.1:74000/saml/sso/acme.com"),
    ] {
        let refused = SignInRequest::read(&query(issuer, acs_url), BASE_URL);
        assert!(matches!(refused, Err(SignInRequestError::OtherServiceProvider)), "{refused:?}");
    }
}

#[test]
fn the_key_is_kept_in_the_directory() {
    let directory = std::env::temp_dir().join(format!("gatehouse-demo-idp-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let open = || DemoIdp::open(BASE_URL, Clock::system(), Some(&directory)).unwrap().metadata();
    assert_eq!(open(), open());
    std::fs::remove_dir_all(&directory).unwrap();
    assert_ne!(idp().metadata(), idp().metadata());
}

fn idp() -> DemoIdp {
    DemoIdp::open(BASE_URL, Clock::standing_at(now()), None).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_763_719_200).unwrap()
}

fn query(issuer: &str, acs_url: &str) -> String {
    let id = RequestId::from_random([7; 20]);
    let request = AuthnRequest {
        id: &id,
        issue_instant: now(),
        destination: "http://127.0.0.1:7400/demo/idp/sso",
        issuer,
        acs_url,
        provider_name: None,
        force_authn: false,
        name_id_format: None,
        authn_contexts: &[],
    };
    let url = request.redirect_url(Some("kept"), None).unwrap();
    url.split_once('?').unwrap().1.to_owned()
}
