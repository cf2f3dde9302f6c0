//! Random histories of tenants, domains, connections, people and apps, judged after each step by
//! an oracle of the rules of `docs/authority.md`: nothing may be alive that the rules do not allow,
//! and nothing may be refused that they do.
//!
//! [`oracle`] has the rules, [`step`] draws the steps, [`world`] performs them on the product and
//! compares. `make prove-authority` runs a hundred times as many steps as the test suite.

mod oracle;
mod step;
mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::Runtime;

use self::step::step;
use self::world::World;

/// Steps of all histories together, unless the environment says otherwise.
const STEPS: usize = 2_000;

/// Threads that run histories.
const THREADS: usize = 2;

/// Steps of a history, on average.
const LENGTH: usize = 50;

/// Milliseconds for which a history that fails is shortened. Without a limit this takes longer than
/// all histories.
const SHORTENED_FOR: u32 = 60_000;

#[test]
#[expect(clippy::disallowed_methods, reason = "tells the test how long to run")]
fn nothing_is_alive_that_the_rules_do_not_allow_and_nothing_refused_that_they_do() {
    let steps = std::env::var("GATEHOUSE_AUTHORITY_STEPS").ok();
    let steps = steps.map_or(STEPS, |steps| steps.parse().unwrap());
    // The suite repeats the same histories; the proof draws new ones.
    let is_repeated = steps == STEPS;
    let histories = u32::try_from(steps.div_ceil(LENGTH).div_ceil(THREADS)).unwrap();
    let has_failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let seed = is_repeated.then(|| [u8::try_from(thread).unwrap(); 32]);
            let has_failed = &has_failed;
            scope.spawn(move || run_histories(histories, seed, has_failed));
        }
    });
}

/// Runs histories until one fails, here or in the other thread.
fn run_histories(count: u32, seed: Option<[u8; 32]>, has_failed: &AtomicBool) {
    let runtime = Runtime::new().unwrap();
    let history = prop::collection::vec(step(), 1..2 * LENGTH);
    let config = Config { cases: count, max_shrink_time: SHORTENED_FOR, ..Config::default() };
    let mut runner = match seed {
        Some(seed) => {
            TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
        }
        None => TestRunner::new(config),
    };
    let result = runner.run(&history, |history| {
        if has_failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &history {
                world.take(step).await;
            }
            world.finish().await;
        });
        Ok(())
    });
    has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
    result.unwrap_or_else(|error| panic!("{error}"));
}
