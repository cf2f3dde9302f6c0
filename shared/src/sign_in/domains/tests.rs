use std::collections::BTreeMap;

use saml::connection::{Provider, Settings, Trust};
use serde_json::Map;

use super::*;

const TENANT: &str = "0199d3a0-0000-7000-8000-000000000001";
const OTHER: &str = "0199d3a0-0000-7000-8000-000000000002";

fn at(day: i64) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_hours(24 * day)
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

fn pending(name: &str) -> DomainClaim {
    new_claim(domain(name), "a1".repeat(20), at(0))
}

fn proved(name: &str) -> DomainClaim {
    apply_answer(pending(name), &[record_value(&pending(name))], None, at(0)).unwrap().claim
}

fn by_operator(name: &str) -> DomainClaim {
    verify_by_operator(pending(name), tenant(TENANT), None, at(0)).unwrap()
}

fn connection(name: &str, domains: Option<&[&str]>) -> Connection {
    Connection {
        tenant: tenant(TENANT),
        domain: domain(name),
        domains: domains.map(|names| names.iter().map(|name| domain(name)).collect()),
        member_domains: BTreeMap::new(),
        settings: Settings::default(),
        trust: Some(Trust {
            federation: false,
            providers: vec![],
            skipped: vec![],
            metadata_url: None,
            pinned_key_pem: None,
            read_at: at(0),
            unknown: Map::new(),
        }),
        created_at: at(0),
        changed_at: at(0),
        unknown: Map::new(),
    }
}

fn row(name: &str, generation: u64, domains: &[&str]) -> ConnectionAuthority {
    ConnectionAuthority {
        connection: domain(name),
        generation,
        is_ready: true,
        domains: domains.iter().map(|name| domain(name)).collect(),
    }
}

#[test]
fn a_record_proves_a_claim_and_only_the_right_one_does() {
    let claim = pending("acme.com");
    assert_eq!(record_name(&claim.domain), "_gatehouse.acme.com");
    let check = |values: &[&str]| {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let checked = apply_answer(claim.clone(), &values, None, at(1)).unwrap();
        (checked.claim.state, checked.change)
    };
    let right = record_value(&claim);
    assert_eq!(check(&["v=spf1 -all", &right]), (DomainState::Verified, Change::Verified));
    for wrong in ["", "gatehouse-domain=", &right[..right.len() - 1], &format!("{right} ")] {
        assert_eq!(check(&[wrong]), (DomainState::Pending, Change::None), "{wrong:?}");
    }
}

#[test]
fn a_domain_is_lost_after_a_week_without_its_record() {
    use DomainState::{Lost, Verified};

    let mut claim = proved("acme.com");
    let mut changes = Vec::new();
    for day in [1, 2, 7, 8] {
        let checked = apply_answer(claim, &[], None, at(day)).unwrap();
        changes.push((checked.claim.state, checked.change));
        claim = checked.claim;
    }
    assert_eq!(
        changes,
        [
            (Verified, Change::Missing),
            (Verified, Change::None),
            (Verified, Change::None),
            (Lost, Change::Lost)
        ]
    );
    let back = apply_answer(claim.clone(), &[record_value(&claim)], None, at(9)).unwrap();
    assert_eq!((back.claim.state, back.change), (Verified, Change::Verified));
}

#[test]
fn a_record_that_comes_back_within_the_week_ends_the_wait() {
    let missing = apply_answer(proved("acme.com"), &[], None, at(1)).unwrap().claim;
    let value = [record_value(&missing)];
    let back = apply_answer(missing, &value, None, at(6)).unwrap().claim;
    let again = apply_answer(back, &[], None, at(9)).unwrap();
    assert_eq!((again.claim.state, again.change), (DomainState::Verified, Change::Missing));
}

#[test]
fn the_word_of_the_operator_needs_no_record() {
    let claim = by_operator("acme.com");
    let checked = apply_answer(claim, &[], None, at(30)).unwrap();
    assert_eq!(checked.claim.state, DomainState::Verified);
    assert_eq!(checked.claim.absent_since, None);
    assert!(!is_check_due(&checked.claim, at(60)));
}

#[test]
fn public_suffixes_and_free_mail_are_not_verified_by_word_alone() {
    let verify = |name| verify_by_operator(pending(name), tenant(TENANT), None, at(0));
    for name in ["co.uk", "github.io", "com.br", "s3.amazonaws.com"] {
        assert_eq!(verify(name), Err(DomainError::PublicSuffix), "{name}");
    }
    for name in ["gmail.com", "outlook.com", "yahoo.co.uk"] {
        assert_eq!(verify(name), Err(DomainError::FreeMail), "{name}");
    }
    for name in ["acme.com", "acme.co.uk", "acme.github.io", "acme.test"] {
        assert!(verify(name).is_ok(), "{name}");
    }
    let owner = pending("github.io");
    let proved = apply_answer(owner.clone(), &[record_value(&owner)], None, at(0)).unwrap();
    assert_eq!(proved.claim.state, DomainState::Verified);
}

#[test]
fn a_proof_by_dns_takes_a_domain_from_the_word_of_the_operator() {
    let claim = pending("acme.com");
    let proof = [record_value(&claim)];
    let held = |verified_by| DomainHolder { tenant: tenant(OTHER), verified_by, is_implied: false };
    let other = DomainClaim { token: "b2".repeat(20), ..proved("acme.com") };
    let take = |values: &[String], by| {
        apply_answer(claim.clone(), values, Some((held(by), Some(&other))), at(1))
            .map(|checked| checked.change)
    };
    assert_eq!(take(&proof, VerifiedBy::Operator), Ok(Change::Verified));
    assert_eq!(take(&proof, VerifiedBy::Dns), Ok(Change::Verified));
    let both = [proof[0].clone(), record_value(&other)];
    assert_eq!(take(&both, VerifiedBy::Dns), Err(DomainError::HeldByRecord));
    assert_eq!(take(&both, VerifiedBy::Operator), Ok(Change::Verified));
    let by_word = verify_by_operator(claim, tenant(TENANT), Some(held(VerifiedBy::Dns)), at(1));
    assert_eq!(by_word, Err(DomainError::Held));
}

#[test]
fn a_connection_speaks_for_listed_domains_that_are_verified() {
    let claims = [by_operator("acme.com"), proved("acme.de"), pending("acme.fr")];
    let check = |connection: Connection, expect: &[&str]| {
        let rows = [row(connection.domain.as_str(), 1, &[])];
        let verified = verified_domains(&claims, std::slice::from_ref(&connection), &rows);
        let domains = authority(rows.first(), &connection, &verified, false, false).domains;
        let names: Vec<&str> = domains.iter().map(Domain::as_str).collect();
        assert_eq!(names, expect);
    };
    check(connection("acme.com", None), &["acme.com"]);
    check(connection("acme.fr", None), &[]);
    check(
        connection("acme.fr", Some(&["acme.de", "acme.com", "acme.de"])),
        &["acme.com", "acme.de"],
    );
    check(connection("acme.com", Some(&["acme.fr", "evil.com"])), &[]);
}

#[test]
fn a_connection_of_version_0_1_0_speaks_for_its_name() {
    let old = [connection("acme.com", None)];
    assert_eq!(verified_domains([], &old, &[]), BTreeSet::from([&old[0].domain]));
    assert_eq!(verified_domains([], &old, &[row("acme.com", 1, &[])]), BTreeSet::new());
    assert_eq!(authority_changes(tenant(TENANT), [], &old, &[], None), []);
    // A row would end the rule, so that another change makes none, for a disabled one neither.
    let mut disabled = old.clone();
    disabled[0].settings.enabled = false;
    assert_eq!(authority_changes(tenant(TENANT), [], &disabled, &[], None), []);
    let given_up = authority_changes(tenant(TENANT), [], &old, &[], Some(&old[0].domain));
    let after: Vec<_> = given_up.into_iter().map(|change| change.after).collect();
    assert_eq!(after, [row("acme.com", 1, &[])]);
}

#[test]
fn a_connection_that_loses_something_gets_a_new_generation() {
    let claims = [by_operator("acme.com"), by_operator("acme.de")];
    let verified: BTreeSet<&Domain> = claims.iter().map(|claim| &claim.domain).collect();
    let both = connection("acme.com", Some(&["acme.com", "acme.de"]));
    let before = row("acme.com", 4, &["acme.com"]);
    let generation = |connection: &Connection, must_end| {
        authority(Some(&before), connection, &verified, must_end, false).generation
    };
    assert_eq!(generation(&both, false), 4, "a domain more ends nothing");
    assert_eq!(generation(&both, true), 5);
    assert_eq!(generation(&connection("acme.com", Some(&["acme.de"])), false), 5);
    let mut off = both.clone();
    off.settings.enabled = false;
    assert_eq!(generation(&off, false), 5);
    let mut bare = both;
    bare.trust = None;
    assert_eq!(generation(&bare, false), 5);
    assert_eq!(no_authority(Some(&before), &before.connection).generation, 5);
    assert_eq!(no_authority(None, &before.connection).generation, 1);
}

#[test]
fn the_schedule_asks_daily_about_what_depends_on_dns() {
    let claim = proved("acme.com");
    assert!(!is_check_due(&claim, at(0)));
    assert!(is_check_due(&claim, at(1)));
    assert!(is_check_due(&pending("acme.com"), at(29)));
    assert!(!is_check_due(&pending("acme.com"), at(31)));
    assert!(!is_check_due(&lost(claim), at(90)));
}

#[test]
fn a_member_of_a_federation_loses_with_its_scope_and_not_with_a_certificate() {
    let federation = |scope: &str, certificates: &[&str]| {
        let provider = Provider {
            entity_id: "https://member.example".to_owned(),
            endpoints: vec![],
            certificates: certificates.iter().map(|&known| known.to_owned()).collect(),
            wants_signed_requests: false,
            valid_until: None,
            warnings: vec![],
            scopes: vec![domain(scope)],
        };
        let mut connection = connection("acme.com", None);
        let trust = connection.trust.as_mut().unwrap();
        (trust.federation, trust.providers) = (true, vec![provider]);
        connection
    };
    let before = federation("acme.com", &["a", "b"]);
    let acme = [domain("acme.com")];
    let (renewed, other) =
        (federation("acme.com", &["b", "c"]), federation("acme.org", &["a", "b"]));
    assert!(!issuer_loses(&before, &renewed, &acme));
    assert!(loses_trust(&before, &renewed, &acme));
    assert!(!loses_trust(&before, &federation("acme.com", &["a", "b", "c"]), &acme));
    assert!(issuer_loses(&before, &other, &acme));
    assert!(!issuer_loses(&before, &other, &[]), "it did not speak for the domain");
    assert!(issuer_loses(&before, &connection("acme.com", None), &acme), "the member is gone");
}
