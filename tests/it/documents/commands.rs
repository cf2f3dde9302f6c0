//! Commands that the documents show outside of `sh` blocks: the test that runs each, or the reason
//! why none does. Commands of our own programs must also parse.

use std::iter;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _};
use gatehouse::cli::Options as Gatehouse;
use local::cli::{Options as Local, RestoreTenant};

use crate::tidy::{text, workspace};

/// Whether a test runs a command.
enum Execution {
    /// This file contains these words, which run the program of the command. `cargo` or `make` in
    /// front of the program need not be run.
    By(&'static str, &'static str),
    /// No test runs it, for this reason.
    Untested(&'static str),
}

use Execution::{By, Untested};

const GATEHOUSE: Execution = By(
    "functions/gatehouse/tests/cli/deployment.rs",
    "Command::new(env!(\"CARGO_BIN_EXE_gatehouse\"))",
);
const LOCAL: Execution =
    By("functions/local/tests/process/instance.rs", "Command::new(env!(\"CARGO_BIN_EXE_local\"))");
const LINT: &str = "tests/acceptance/lint.py";
const AWS: Execution = Untested("needs an AWS account");
const RELEASE: &str = "tests/acceptance/suites/release.py";
/// For the processor of this machine only.
const BUILD: Execution =
    By(RELEASE, "[sys.executable, tools.HERE / \"package.py\", processor.name");
/// Each measurement once, with the `local` of the tests, and without time budgets.
const BENCH: Execution = By(RELEASE, "\"--bench\", name, \"--\", \"--once\"]");

/// Whole commands. A text that ends with a space is the beginning of a command, whose rest must
/// parse.
const EXECUTED: [(&str, Execution); 30] = [
    ("make run", LOCAL),
    (
        "make watch",
        By("tests/acceptance/gate/lambda_runtime.py", "[sys.executable, tools.HERE / \"watch.py\""),
    ),
    ("make test", By(".ci/run", "\nmake test\n")),
    (
        "make prove-authority",
        Untested("is a test of the suite, with a hundred times as many steps"),
    ),
    ("make lint", By(".ci/run", "\nmake lint\n")),
    ("make build", BUILD),
    ("make build ONLY=arm64", BUILD),
    ("make bench", BENCH),
    ("make screenshots", Untested("changes images of the tree, which a person looks at")),
    ("make deploy", AWS),
    ("make deploy STAGE=prod", AWS),
    ("cargo run -p gatehouse -- ", GATEHOUSE),
    ("gatehouse ", GATEHOUSE),
    ("cargo run -p local -- ", LOCAL),
    // Without optimisation.
    (
        "cargo install --locked --path functions/gatehouse",
        By(RELEASE, "[\"cargo\", \"install\", \"--locked\", \"--path\", \"functions/gatehouse\""),
    ),
    (
        "cargo test --workspace",
        By("tests/acceptance/gate/rust.py", "[\"cargo\", \"test\", \"--workspace\", \"--locked\""),
    ),
    ("cargo bench --package tests --bench saml", BENCH),
    ("cargo fmt --all --check", By(LINT, "cargo(log, \"fmt\", \"--all\", \"--check\")")),
    (
        "cargo clippy --workspace --all-targets -- -D warnings",
        By(LINT, "cargo(log, \"clippy\", \"--workspace\", \"--all-targets\""),
    ),
    (
        "cargo lambda watch",
        By("tests/acceptance/watch.py", "[\"cargo-lambda\", \"lambda\", \"watch\""),
    ),
    // For the processor of this machine.
    ("sam build", By(RELEASE, "tools.HERE / \"deploy.py\", \"--build-only\", *options")),
    (
        "sam build --parameter-overrides Architecture=x86_64",
        By(RELEASE, "\"--parameter-overrides\", f\"Architecture={processor.name}\""),
    ),
    ("sam deploy", AWS),
    ("sam deploy --guided", AWS),
    ("sam deploy --config-env prod", AWS),
    ("sam local", Untested("needs Docker")),
    ("sam validate", By(LINT, "[sam, \"validate\", \"--template\", file, *more]")),
    ("sam validate --lint", By(LINT, "for more in ([], [\"--lint\"])")),
    (
        "sha256sum --check SHA256SUMS",
        By("tests/acceptance/gate/packaging.py", "[\"sha256sum\", \"--check\", \"SHA256SUMS\"]"),
    ),
    // For ten seconds instead of ten minutes.
    (
        "target/fuzz/*/release/response -max_total_time=600 -max_len=8192 \
         target/acceptance/fuzz/response tests/fuzz/seeds/response",
        By("tests/acceptance/gate/rust.py", "tools.run([binary, *limits, crash, corpus, seeds]"),
    ),
];

/// Code within a line is a command if it begins with one of these words and has more.
const TOOLS: [&str; 7] =
    ["make", "cargo", "sam", "sha256sum", "gatehouse", "aws", "restore-tenant"];

/// The recipes of the Makefile whose content is run by a test without `make`.
const RECIPES: [(&str, &str); 4] = [
    ("run", "\t@tests/acceptance/bootstrap cargo run --locked --package local"),
    ("watch", "\t@tests/acceptance/bootstrap tests/acceptance/watch.py"),
    ("build", "\t@tests/acceptance/bootstrap tests/acceptance/package.py $(ONLY)"),
    // The tests run each bench once, and measure the sizes for one processor.
    ("bench", BENCH_RECIPE),
];

const BENCH_RECIPE: &str =
    "\t@tests/acceptance/bootstrap cargo build --locked --profile laptop --package local
\t@status=0; \\
\ttests/acceptance/bootstrap tests/acceptance/package.py --within-budget || status=1; \\
\tcargo bench --locked --profile dev --package tests --bench functions || status=1; \\
\tcargo bench --locked --profile dev --package tests --bench local || status=1; \\
\tcargo bench --locked --package tests --bench saml || status=1; \\
\texit $$status";

/// Fails unless the command is in the table and its test contains the words that run it.
pub(super) fn assert_is_executed(place: &str, command: &str) {
    let known = EXECUTED.iter().find(|(whole, _)| {
        command == *whole || (whole.ends_with(' ') && command.starts_with(whole))
    });
    let (_, execution) = known
        .unwrap_or_else(|| panic!("{place}: no test runs `{command}`, and no reason is given"));
    match execution {
        By(file, words) => {
            assert!(text(file.as_ref()).unwrap().contains(words), "{file}: {words}");
        }
        Untested(why) => assert!(!why.is_empty()),
    }
    assert_parses(place, command, false);
}

/// Fails if the command names a program or file of ours that does not exist, or if it does not
/// parse. With `whole` false, required arguments may be missing.
pub(super) fn assert_parses(place: &str, command: &str, whole: bool) {
    for part in command.split(" && ") {
        // Placeholders for the values of the reader. An id must have the form of one.
        let part = part.replace("<id>", "01890000-0000-7000-8000-00000000ffff");
        let part = part.replace(['<', '>'], "");
        let words: Vec<&str> = part.split_whitespace().collect();
        let (program, arguments) = words.split_first().unwrap();
        match (*program, arguments) {
            ("make", [target, variables @ ..]) => {
                let recipe = recipe(target);
                for variable in variables {
                    let name = variable.split('=').next().unwrap();
                    assert!(recipe.contains(&format!("$({name})")), "{place}: {part}");
                }
            }
            ("cargo", ["run", rest @ ..]) => {
                let (options, arguments) = match rest.iter().position(|word| *word == "--") {
                    Some(at) => (&rest[..at], &rest[at + 1..]),
                    None => (rest, &rest[..0]),
                };
                parse(place, cargo_runs(place, options), arguments, whole);
            }
            ("cargo", ["install", "--locked", "--path", folder]) => {
                assert!(workspace().join(folder).join("src/main.rs").is_file(), "{place}: {part}");
            }
            ("gatehouse" | "restore-tenant", arguments) => {
                parse(place, program, arguments, whole);
            }
            ("cd", [folder]) => assert!(workspace().join(folder).is_dir(), "{place}: {part}"),
            (file, _) if file.starts_with("tests/") => {
                assert!(workspace().join(file).is_file(), "{place}: {part}");
            }
            // Programs of other projects.
            _ => {}
        }
    }
}

/// Returns the program that `cargo run` starts with these options.
fn cargo_runs<'a>(place: &str, options: &[&'a str]) -> &'a str {
    let mut options = options.iter();
    let (mut package, mut binary) = (None, None);
    while let Some(option) = options.next() {
        match *option {
            "--release" | "--locked" => {}
            "-p" | "--package" => package = options.next(),
            "--bin" => binary = options.next(),
            _ => panic!("{place}: unknown option of cargo run: {option}"),
        }
    }
    let package = package.unwrap_or_else(|| panic!("{place}: cargo run without a package"));
    assert!(workspace().join("functions").join(package).is_dir(), "{place}: {package}");
    binary.unwrap_or(package)
}

fn parse(place: &str, program: &str, arguments: &[&str], whole: bool) {
    let parser: Command = match program {
        "gatehouse" => Gatehouse::command(),
        "local" => Local::command(),
        "restore-tenant" => RestoreTenant::command(),
        _ => panic!("{place}: unknown program {program}"),
    };
    let words = iter::once(program).chain(arguments.iter().copied());
    if let Err(error) = parser.try_get_matches_from(words) {
        let kind = error.kind();
        let fine = matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
            || (!whole && kind == ErrorKind::MissingRequiredArgument);
        assert!(fine, "{place}: {error}");
    }
}

fn recipe(target: &str) -> String {
    let makefile = text("Makefile".as_ref()).unwrap();
    let mut lines = makefile.lines();
    let begin = format!("{target}:");
    assert!(lines.any(|line| line.starts_with(&begin)), "make has no {target}");
    lines.take_while(|line| line.starts_with('\t')).collect::<Vec<_>>().join("\n")
}

/// Returns the commands within the lines of a document.
pub(super) fn inline(document: &str) -> Vec<String> {
    let page = text(document.as_ref()).unwrap();
    let mut is_open = false;
    let prose: Vec<&str> = page
        .lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_open ^= is_fence;
            !is_open && !is_fence
        })
        .collect();
    // By paragraph, because code may continue on the next line.
    let prose = prose.join("\n");
    let code = prose.split("\n\n").flat_map(|paragraph| {
        assert!(paragraph.matches('`').count() % 2 == 0, "{document}: {paragraph}");
        paragraph.split('`').skip(1).step_by(2)
    });
    code.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|code| code.split_once(' ').is_some_and(|(first, _)| TOOLS.contains(&first)))
        .collect()
}

#[test]
fn every_command_within_a_line_is_in_the_table() {
    let mut count = 0;
    for document in super::documents() {
        for command in inline(&document) {
            assert_is_executed(&document, &command);
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_command_of_the_table_is_in_a_document() {
    let shown: Vec<String> = super::documents()
        .iter()
        .flat_map(|document| {
            let blocks =
                super::blocks(document).into_iter().filter(|block| block.kind == "console");
            let commands = blocks.flat_map(|block| super::commands(&block.text));
            commands.chain(inline(document)).collect::<Vec<_>>()
        })
        .collect();
    for (known, _) in &EXECUTED {
        let begins = |command: &String| known.ends_with(' ') && command.starts_with(known);
        assert!(shown.iter().any(|command| command == known || begins(command)), "{known}");
    }
}

#[test]
fn the_recipes_of_make_are_those_that_the_tests_run() {
    for (target, expected) in RECIPES {
        assert_eq!(recipe(target), expected, "{target}");
    }
}

#[test]
fn the_tests_run_each_bench_of_make_bench() {
    let recipe = recipe("bench");
    let suite = text(RELEASE.as_ref()).unwrap();
    let benches: Vec<&str> = recipe
        .split(" --bench ")
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(benches.len(), 3, "{recipe}");
    for bench in benches {
        assert!(suite.contains(&format!("\"{bench}\": \"")), "{bench}");
    }
}

#[test]
fn a_command_that_does_not_exist_is_reported() {
    for wrong in [
        "make testfoo",
        "make nonsense",
        "make test BROKEN=1",
        "cargo run -p gatehouse -- nonsense",
        "cargo run -p gatehouse -- tenants nonsense",
        "cargo run -p nonsense -- --help",
        "cargo run -p local -- --nonsense",
        "gatehouse nonsense",
        "sam nonsense",
    ] {
        assert!(
            std::panic::catch_unwind(|| assert_is_executed("a test", wrong)).is_err(),
            "{wrong}"
        );
    }
    for wrong in [
        "make nonsense",
        "make deploy BROKEN=1",
        "restore-tenant --from a --to b",
        "cd docs && gatehouse nonsense",
        "cargo run --package local --bin nonsense -- --from a",
        "tests/acceptance/nonsense.py",
    ] {
        let found = std::panic::catch_unwind(|| assert_parses("a test", wrong, true));
        assert!(found.is_err(), "{wrong}");
    }
}
