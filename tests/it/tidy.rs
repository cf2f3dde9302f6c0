//! Checks rules about the files of the repository that no compiler checks. Other tests read files
//! with [`files`] and [`text`]. `module_circles` checks imports.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the root folder of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Folders that are not committed.
const FOREIGN: [&str; 5] = ["target", ".git", ".gatehouse", ".aws-sam", "node_modules"];

/// Returns the files below a folder, as paths from the root of the repository.
pub(crate) fn files(below: &str) -> Vec<PathBuf> {
    let root = workspace();
    let mut found = Vec::new();
    let mut folders = vec![root.join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if FOREIGN.iter().any(|foreign| name == *foreign) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Reads a file; `None` if it is not UTF-8 or does not exist.
pub(crate) fn text(file: &Path) -> Option<String> {
    fs::read_to_string(workspace().join(file)).ok()
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
}

/// The packages of the protocol rules.
const CORES: [&str; 5] = ["types", "scim", "saml", "oidc", "directory"];

#[test]
fn the_cores_depend_on_no_crate_that_does_io() {
    let io =
        ["tokio", "axum", "aws-sdk-", "aws-smithy-", "getrandom", "hyper", "lambda_http", "shared"];
    for core in CORES {
        let manifest = text(&Path::new("shared").join(core).join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        let dependencies = dependencies.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines() {
            assert!(!io.iter().any(|io| line.starts_with(io)), "shared/{core} depends on {line}");
        }
    }
}

#[test]
fn the_cores_read_no_clock_no_environment_and_no_files() {
    for core in CORES {
        for file in files(&format!("shared/{core}/src")) {
            let text = text(&file).unwrap();
            for name in [
                "SystemTime",
                "Timestamp::now",
                "std::env",
                "std::fs",
                "std::net::Tcp",
                "std::net::Udp",
            ] {
                assert!(!text.contains(name), "{} names {name}", file.display());
            }
        }
    }
}

#[test]
fn no_source_file_is_long() {
    for file in files("").iter().filter(|file| has_extension(file, &["rs"])) {
        // A file of test cases may be longer.
        let limit = if file.ends_with("tests.rs") { 800 } else { 500 };
        let lines = text(file).unwrap().lines().count();
        assert!(lines <= limit, "{} has {lines} lines: split it", file.display());
    }
}

#[test]
fn every_fixture_is_used() {
    if !workspace().join("tests/fixtures").is_dir() {
        return;
    }
    let sources: String = ["tests", "shared", "functions", "Makefile"]
        .iter()
        .flat_map(|place| if workspace().join(place).is_dir() { files(place) } else { Vec::new() })
        .filter(|file| !file.starts_with("tests/fixtures"))
        .filter_map(|file| text(&file))
        .collect();
    for file in files("tests/fixtures") {
        let from_tests = file.strip_prefix("tests").unwrap();
        // Its path is named, or the path of a folder that is read whole.
        let named = from_tests
            .ancestors()
            .take_while(|path| *path != Path::new("fixtures") && *path != Path::new(""))
            .filter_map(Path::to_str)
            .any(|path| sources.contains(path));
        let name = file.file_name().and_then(|name| name.to_str()).unwrap();
        assert!(named || sources.contains(name), "{} is not used", file.display());
    }
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    // Written with escapes, so that this file does not name them.
    let homes = ["/ho\u{6d}e/", "/ro\u{6f}t/", "/wo\u{72}k/", "C:\\U\u{73}ers"];
    for file in files("") {
        let Some(text) = text(&file) else { continue };
        for home in homes {
            let found = text.match_indices(home).any(|(at, _)| {
                // Not within a word, such as `emails/work/` and `https://x/home/`.
                !text[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || "-_.}".contains(before))
            });
            assert!(!found, "{} names {home}", file.display());
        }
    }
}

#[test]
fn every_dependency_has_a_comment_with_its_purpose() {
    let manifest = text(Path::new("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    let mut commented = false;
    for line in dependencies.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            commented = true;
        } else if !line.starts_with([' ', ']', '}']) {
            assert!(commented, "{line}: has no comment above it");
            commented = false;
        }
    }
}

#[test]
fn every_link_between_documents_has_a_target() {
    for file in files("").iter().filter(|file| has_extension(file, &["md"])) {
        let text = text(file).unwrap();
        let folder = workspace().join(file).parent().unwrap().to_owned();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = rest.split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains(':') {
                continue;
            }
            assert!(folder.join(target).exists(), "{}: {target}", file.display());
        }
    }
}
