//! Commands that the documents show and do not run in a shell of their own: who executes each, and
//! that the programs understand them.

use std::iter;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _};
use gatehouse::cli::Options as Gatehouse;
use local::cli::{Options as Local, RestoreTenant};

use crate::tidy::{text, workspace};

/// Who executes a command.
enum Who {
    /// This file, by these words. What `cargo` and `make` put around a program is not run by it.
    Runs(&'static str, &'static str),
    /// No test, for this reason.
    Nobody(&'static str),
}

use Who::{Nobody, Runs};

const GATEHOUSE: Who = Runs(
    "functions/gatehouse/tests/cli/deployment.rs",
    "Command::new(env!(\"CARGO_BIN_EXE_gatehouse\"))",
);
const LOCAL: Who = Runs(
    "functions/local/tests/process/instance.rs",
    "Command::new(env!(\"CARGO_BIN_EXE_local\"))",
);
const LINT: &str = "tests/acceptance/lint.py";
const AWS: Who = Nobody("needs an AWS account");
const RELEASE: &str = "tests/acceptance/suites/release.py";
/// For the processor of the machine alone.
const BUILD: Who = Runs(RELEASE, "[sys.executable, tools.HERE / \"package.py\", processor.name");
/// Each thing once, and with the `local` of the tests; budgets of time do not count.
const BENCH: Who = Runs(RELEASE, "\"--bench\", name, \"--\", \"--once\"]");

/// Commands as a whole; what ends with a space begins one, and its program is asked about the rest.
const EXECUTED: [(&str, Who); 29] = [
    ("make run", LOCAL),
    (
        "make watch",
        Runs(
            "tests/acceptance/gate/lambda_runtime.py",
            "[sys.executable, tools.HERE / \"watch.py\"",
        ),
    ),
    ("make test", Runs(".ci/run", "\nmake test\n")),
    ("make lint", Runs(".ci/run", "\nmake lint\n")),
    ("make build", BUILD),
    ("make build ONLY=arm64", BUILD),
    ("make bench", BENCH),
    ("make screenshots", Nobody("changes images of the tree, which a person looks at")),
    ("make deploy", AWS),
    ("make deploy STAGE=prod", AWS),
    ("cargo run -p gatehouse -- ", GATEHOUSE),
    ("gatehouse ", GATEHOUSE),
    ("cargo run -p local -- ", LOCAL),
    // Not optimised.
    (
        "cargo install --locked --path functions/gatehouse",
        Runs(RELEASE, "[\"cargo\", \"install\", \"--locked\", \"--path\", \"functions/gatehouse\""),
    ),
    (
        "cargo test --workspace",
        Runs(
            "tests/acceptance/gate/rust.py",
            "[\"cargo\", \"test\", \"--workspace\", \"--locked\"",
        ),
    ),
    ("cargo bench --package tests --bench saml", BENCH),
    ("cargo fmt --all --check", Runs(LINT, "cargo(log, \"fmt\", \"--all\", \"--check\")")),
    (
        "cargo clippy --workspace --all-targets -- -D warnings",
        Runs(LINT, "cargo(log, \"clippy\", \"--workspace\", \"--all-targets\""),
    ),
    (
        "cargo lambda watch",
        Runs("tests/acceptance/watch.py", "[\"cargo-lambda\", \"lambda\", \"watch\""),
    ),
    // For the processor of the machine.
    ("sam build", Runs(RELEASE, "tools.HERE / \"deploy.py\", \"--build-only\", *options")),
    (
        "sam build --parameter-overrides Architecture=x86_64",
        Runs(RELEASE, "\"--parameter-overrides\", f\"Architecture={processor.name}\""),
    ),
    ("sam deploy", AWS),
    ("sam deploy --guided", AWS),
    ("sam deploy --config-env prod", AWS),
    ("sam local", Nobody("needs Docker")),
    ("sam validate", Runs(LINT, "[sam, \"validate\", \"--template\", file, *more]")),
    ("sam validate --lint", Runs(LINT, "for more in ([], [\"--lint\"])")),
    (
        "sha256sum --check SHA256SUMS",
        Runs("tests/acceptance/gate/packaging.py", "[\"sha256sum\", \"--check\", \"SHA256SUMS\"]"),
    ),
    // For ten seconds instead of ten minutes.
    (
        "target/fuzz/*/release/response -max_total_time=600 -max_len=8192 \
         target/acceptance/fuzz/response tests/fuzz/seeds/response",
        Runs("tests/acceptance/gate/rust.py", "tools.run([binary, *limits, crash, corpus, seeds]"),
    ),
];

/// Code within a line that begins with one of these, and has more words, is a command.
const TOOLS: [&str; 7] =
    ["make", "cargo", "sam", "sha256sum", "gatehouse", "aws", "restore-tenant"];

/// What a recipe of the Makefile does, where a test starts that and not `make`.
const RECIPES: [(&str, &str); 4] = [
    ("run", "\t@tests/acceptance/bootstrap cargo run --locked --package local"),
    ("watch", "\t@tests/acceptance/bootstrap tests/acceptance/watch.py"),
    ("build", "\t@tests/acceptance/bootstrap tests/acceptance/package.py $(ONLY)"),
    // The tests have the benches once, and the sizes of one processor.
    ("bench", BENCH_RECIPE),
];

const BENCH_RECIPE: &str =
    "\t@tests/acceptance/bootstrap cargo build --locked --profile laptop --package local
\t@status=0; \\
\ttests/acceptance/bootstrap tests/acceptance/package.py --within-budget || status=1; \\
\tcargo bench --locked --profile dev --package tests --bench startup || status=1; \\
\tcargo bench --locked --profile dev --package tests --bench local || status=1; \\
\tcargo bench --locked --package tests --bench saml || status=1; \\
\texit $$status";

/// Fails unless the command is known, and whoever is said to execute it does.
pub(super) fn is_executed(place: &str, command: &str) {
    let known = EXECUTED.iter().find(|(whole, _)| {
        command == *whole || (whole.ends_with(' ') && command.starts_with(whole))
    });
    let (_, who) =
        known.unwrap_or_else(|| panic!("{place}: nothing runs `{command}`, nor says why"));
    match who {
        Runs(file, words) => {
            assert!(text(file.as_ref()).unwrap().contains(words), "{file}: {words}");
        }
        Nobody(why) => assert!(!why.is_empty()),
    }
    is_understood(place, command, false);
}

/// Fails when a program or a file of ours that the command names is not there, or when the program
/// does not understand it. `whole` is a command with all that it needs, not the name of one.
pub(super) fn is_understood(place: &str, command: &str, whole: bool) {
    for part in command.split(" && ") {
        // A value that the reader puts in; that of an id has its form.
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
            // Programs of others.
            _ => {}
        }
    }
}

/// The program that `cargo run` starts with these options.
fn cargo_runs<'a>(place: &str, options: &[&'a str]) -> &'a str {
    let mut options = options.iter();
    let (mut package, mut binary) = (None, None);
    while let Some(option) = options.next() {
        match *option {
            "--release" | "--locked" => {}
            "-p" | "--package" => package = options.next(),
            "--bin" => binary = options.next(),
            _ => panic!("{place}: an option of cargo? {option}"),
        }
    }
    let package = package.unwrap_or_else(|| panic!("{place}: of which package?"));
    assert!(workspace().join("functions").join(package).is_dir(), "{place}: {package}");
    binary.unwrap_or(package)
}

fn parse(place: &str, program: &str, arguments: &[&str], whole: bool) {
    let parser: Command = match program {
        "gatehouse" => Gatehouse::command(),
        "local" => Local::command(),
        "restore-tenant" => RestoreTenant::command(),
        _ => panic!("{place}: no program of ours: {program}"),
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

/// Code within the lines of a document that is a command.
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
    // Paragraph by paragraph; code may go on in the next line.
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
fn every_command_within_a_line_is_executed_or_known_not_to_be() {
    let mut count = 0;
    for document in super::documents() {
        for command in inline(&document) {
            is_executed(&document, &command);
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn no_command_is_known_that_no_document_shows() {
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
fn make_starts_what_the_tests_start() {
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
fn a_command_that_does_not_exist_is_found() {
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
        assert!(std::panic::catch_unwind(|| is_executed("a test", wrong)).is_err(), "{wrong}");
    }
    for wrong in [
        "make nonsense",
        "make deploy BROKEN=1",
        "restore-tenant --from a --to b",
        "cd docs && gatehouse nonsense",
        "cargo run --package local --bin nonsense -- --from a",
        "tests/acceptance/nonsense.py",
    ] {
        let found = std::panic::catch_unwind(|| is_understood("a test", wrong, true));
        assert!(found.is_err(), "{wrong}");
    }
}
