//! Every attack is refused by its check, and none is slow.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use harness::saml::attacks::{self, EVE};
use harness::saml::shapes;
use saml::checks::{Check, Outcome};
use saml::error::SamlError;

use crate::saml_oracle::second_opinion;

#[test]
fn every_attack_is_refused_by_its_check() {
    let attacks = attacks::all();
    let mut wrong = Vec::new();
    let mut per_check: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = HashSet::new();
    for attack in &attacks {
        assert!(names.insert(&attack.name), "two attacks have the name {}", attack.name);
        let verdict = attack.settings.verify(&attack.response);
        match verdict.result {
            Ok(assertion) => wrong.push(format!("ACCEPTED {}: {assertion:?}", attack.name)),
            Err(error) => {
                *per_check.entry(error.code()).or_default() += 1;
                let text = error.to_string();
                if error.code() != attack.check || !text.contains(attack.because) {
                    wrong.push(format!(
                        "{}: expected {} \"{}\", was {} \"{text}\"",
                        attack.name,
                        attack.check,
                        attack.because,
                        error.code()
                    ));
                }
                assert!(!error.public_text().contains(EVE));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
    assert!(attacks.len() >= 250, "only {}", attacks.len());
    // Every check of the verifier refuses at least one attack.
    assert_eq!(per_check.len(), 19, "{per_check:?}");
}

#[test]
fn a_failed_check_shows_an_expected_and_a_received_value_beside_the_message() {
    for attack in attacks::all() {
        let verdict = attack.settings.verify(&attack.response);
        let message = verdict.result.unwrap_err().to_string();
        let failed = verdict.checks.iter().filter(|line| line.outcome == Outcome::Failed);
        for Check { id, expected, received, .. } in failed {
            let name = &attack.name;
            assert!(!expected.is_empty() && !received.is_empty(), "{name}: {id:?}");
            assert_ne!(*received, message, "{name}: {id:?}");
            assert_ne!(expected, received, "{name}: {id:?}");
        }
    }
}

#[test]
fn no_attack_is_slow() {
    for attack in attacks::all() {
        let started = Instant::now();
        let _ = attack.settings.verify(&attack.response);
        // A bound for an unoptimized build on a busy machine; an optimized build needs a tenth.
        let elapsed = started.elapsed().as_millis();
        assert!(elapsed < 1000, "{}: {elapsed} ms", attack.name);
    }
}

#[test]
fn another_implementation_refuses_the_broken_signatures_too() {
    let mut compared = 0;
    for attack in attacks::all() {
        let Ok(text) = std::str::from_utf8(&attack.response) else { continue };
        let Err(error) = attack.settings.verify(&attack.response).result else { continue };
        let message = error.to_string();
        let is_cryptographic = matches!(error, SamlError::SignatureKey { .. })
            || message.contains("changed after it was signed");
        if is_cryptographic && text.len() < 100_000 {
            compared += 1;
            assert_ne!(second_opinion(text), Some(true), "{}: they disagree", attack.name);
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_failed_check_does_not_stop_the_others() {
    let valid = shapes::entra().response();
    let verdict = attacks::evil_settings().verify(valid.as_bytes());
    let lines: Vec<String> =
        verdict.checks.iter().map(|c| format!("{} {:?}", c.id.code(), c.outcome)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
saml.form Passed
saml.xml Passed
saml.status Passed
saml.version Passed
saml.connection NotReached
saml.issuer Passed
saml.sig.present Passed
saml.sig.alg Passed
saml.sig.key Passed
saml.sig.ref Passed
saml.enc NotReached
saml.dest Passed
saml.recipient Passed
saml.time Passed
saml.audience Passed
saml.inresponseto Failed
saml.replay NotReached
saml.authncontext Failed
saml.session Passed
saml.subject Passed
saml.attributes Passed
user.domain NotReached
user.state NotReached
user.licence NotReached
app.redirect NotReached
");
}
