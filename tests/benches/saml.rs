//! How long a full verification takes, beside an independent implementation that only verifies
//! the signatures. One line each: name, bytes, microseconds (ours, theirs).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when its documents are wrong"
)]

use std::hint::black_box;
use std::time::Instant;

use bergshamra::keys::loader::load_spki_pem;
use bergshamra::{DsigContext, KeysManager, verify_all};
use harness::saml::attacks;
use harness::saml::draft::Draft;
use harness::saml::keys::KEYS;
use harness::saml::shapes::{adfs, entra, keycloak, okta, shibboleth};
use harness::saml::world::Settings;

/// The best of 40 rounds of the mean over `times` calls, in microseconds: what the work costs when
/// nobody else uses the processor.
fn microseconds(times: u32, mut call: impl FnMut()) -> f64 {
    let round = |_| {
        let started = Instant::now();
        for _ in 0..times {
            call();
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    (0..40).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut keys = KeysManager::new();
    keys.add_key(load_spki_pem(&KEYS.idp.public_pem()).unwrap());
    let context = DsigContext::new(keys);
    let settings = Settings::default();
    let documents: [(&str, Draft); 5] = [
        ("entra-like, one signature", entra()),
        ("okta-like, two signatures", okta()),
        ("keycloak-like, two signatures", keycloak()),
        ("adfs-like, AES-256-CBC", adfs()),
        ("shibboleth-like, AES-128-GCM", shibboleth()),
    ];
    for (name, draft) in documents {
        let response = draft.response();
        assert!(settings.verify(response.as_bytes()).result.is_ok());
        let ours = microseconds(50, || {
            let _ = black_box(settings.verify(black_box(response.as_bytes())));
        });
        let theirs = if draft.encrypt.is_some() {
            "-".to_owned()
        } else {
            let time = microseconds(50, || {
                let _ = black_box(verify_all(&context, black_box(&response)));
            });
            format!("{time:.1}")
        };
        println!(
            "{name}: {} bytes, ours {ours:.1} us, verify-only elsewhere {theirs} us",
            response.len()
        );
    }
    let slowest = attacks::all()
        .into_iter()
        .map(|attack| {
            let time = microseconds(1, || {
                let _ = black_box(attack.settings.verify(black_box(&attack.response)));
            });
            (time, attack.name)
        })
        .max_by(|one, other| one.0.total_cmp(&other.0));
    if let Some((time, name)) = slowest {
        println!("slowest attack, {name}: {time:.0} us");
    }
}
