//! Measures the CPU time of a full verification of a response, and for comparison that of an
//! independent implementation that verifies only the signatures. Then finds the slowest attack, and
//! tries 300,000 mutations, which take too long in an unoptimized build.
//!
//! `make bench` runs this; alone it is `cargo bench --package tests --bench saml`. With `--once`
//! each response and attack is verified once, and there are few mutations.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails when its documents are wrong"
)]

use std::hint::black_box;
use std::time::Instant;

use bergshamra::keys::loader::load_spki_pem;
use bergshamra::{DsigContext, KeysManager, verify_all};
use harness::bench;
use harness::saml::attacks;
use harness::saml::draft::Draft;
use harness::saml::keys::KEYS;
use harness::saml::mutation::survivors;
use harness::saml::shapes::{adfs, all, entra, keycloak, okta, shibboleth};
use harness::saml::world::Settings;

/// Returns the best of `rounds` means over `times` calls, in microseconds: the cost without other
/// load on the processor.
fn microseconds(rounds: usize, times: u32, mut call: impl FnMut()) -> f64 {
    let (rounds, times) = if bench::once() { (1, 1) } else { (rounds, times) };
    let round = |_| {
        let started = Instant::now();
        for _ in 0..times {
            call();
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    (0..rounds).map(round).fold(f64::INFINITY, f64::min)
}

/// Passes over all responses, in turn, so that one second of other load spoils no figure.
const PASSES: usize = 5;

/// A response with the best times of its verification, in microseconds.
struct Row {
    name: &'static str,
    response: String,
    goal: Option<f64>,
    ours: f64,
    /// Time of the other implementation; `None` if encrypted, where it finds no signature.
    theirs: Option<f64>,
}

impl Row {
    fn new(name: &'static str, draft: &Draft, goal: Option<f64>) -> Self {
        let theirs = draft.encrypt.is_none().then_some(f64::INFINITY);
        Self { name, response: draft.response(), goal, ours: f64::INFINITY, theirs }
    }

    fn measure(&mut self, settings: &Settings, context: &DsigContext) {
        let response = self.response.as_str();
        assert!(settings.verify(response.as_bytes()).result.is_ok());
        let ours = microseconds(8, 50, || {
            let _ = black_box(settings.verify(black_box(response.as_bytes())));
        });
        self.ours = self.ours.min(ours);
        if let Some(best) = &mut self.theirs {
            assert!(verify_all(context, response).is_ok());
            *best = best.min(microseconds(8, 50, || {
                let _ = black_box(verify_all(context, black_box(response)));
            }));
        }
    }
}

fn main() {
    let mut keys = KeysManager::new();
    keys.add_key(load_spki_pem(&KEYS.idp.public_pem()).unwrap());
    let context = DsigContext::new(keys);
    let settings = Settings::default();
    let documents: [(&str, Draft, Option<f64>); 5] = [
        ("Entra-like, 1 signature", entra(), Some(100.0)),
        ("Okta-like, 2 signatures", okta(), Some(190.0)),
        ("Keycloak-like, 2 signatures", keycloak(), Some(190.0)),
        ("AD FS-like, AES-256-CBC", adfs(), None),
        ("Shibboleth-like, AES-128-GCM", shibboleth(), None),
    ];
    let shown =
        |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"));
    println!(
        "{:<32} {:>6} {:>9} {:>9} {:>20}",
        "response verified", "bytes", "CPU us", "goal us", "bergshamra, verify us"
    );
    let mut rows = documents.map(|(name, draft, goal)| Row::new(name, &draft, goal));
    for _ in 0..if bench::once() { 1 } else { PASSES } {
        for row in &mut rows {
            row.measure(&settings, &context);
        }
    }
    for Row { name, response, goal, ours, theirs } in rows {
        println!(
            "{name:<32} {:>6} {ours:>9.0} {:>9} {:>20}",
            response.len(),
            shown(goal),
            shown(theirs)
        );
    }
    let slowest = attacks::all()
        .into_iter()
        .map(|attack| {
            let time = microseconds(40, 1, || {
                let _ = black_box(attack.settings.verify(black_box(&attack.response)));
            });
            (time, attack.name)
        })
        .max_by(|one, other| one.0.total_cmp(&other.0));
    if let Some((time, name)) = slowest {
        println!("slowest attack, {name}: {time:.0} us");
    }
    let shapes = all();
    let mutations: usize = if bench::once() { 300 } else { 300_000 };
    let rounds = mutations.div_ceil(shapes.len());
    let started = Instant::now();
    let seeded = (1000..).zip(&shapes);
    let accepted: usize = seeded.map(|(seed, shape)| survivors(shape, seed, rounds)).sum();
    println!(
        "{} mutations of {} responses in {:.0} s: {accepted} accepted, none with other claims",
        rounds * shapes.len(),
        shapes.len(),
        started.elapsed().as_secs_f64()
    );
}
