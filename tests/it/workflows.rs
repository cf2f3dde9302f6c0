//! Checks the permissions of the GitHub workflows, and the code that they run.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, YamlOwned};
use serde_json::Value;

use crate::template::json_of;
use crate::tidy::{files, text};

fn workflow(file: &Path) -> Value {
    let text = text(file).unwrap();
    let [document] = YamlOwned::load_from_str(&text).unwrap().try_into().unwrap();
    json_of(document)
}

/// Returns the jobs of every workflow: name of the file, name of the job, job.
fn jobs() -> Vec<(String, String, Value)> {
    let mut jobs = Vec::new();
    for file in files(".github/workflows") {
        let workflow = workflow(&file);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{name}");
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            jobs.push((name.clone(), job.clone(), content.clone()));
        }
    }
    jobs
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().unwrap().iter()
}

fn may_write(job: &Value) -> bool {
    job["permissions"].as_object().unwrap().values().any(|permission| permission == "write")
}

#[test]
fn a_job_that_may_write_runs_no_code_of_this_repository() {
    let mut writing = Vec::new();
    for (file, name, job) in jobs() {
        if !may_write(&job) {
            let read = serde_json::json!({"contents": "read"});
            assert_eq!(job["permissions"], read, "{file}: {name}");
            continue;
        }
        for step in steps(&job) {
            let run = step["run"].as_str().unwrap_or_default();
            for ours in ["git ", "make", "tests/", ".ci/", "cargo", "python", "npm"] {
                assert!(!run.contains(ours), "{file}: {name} runs {run}");
            }
        }
        writing.push(format!("{file}: {name}"));
    }
    assert_eq!(writing, ["release.yml: publish"]);
}

/// A tag can be moved to other code, a commit cannot.
#[test]
fn every_action_is_githubs_own_and_pinned_to_a_commit() {
    let mut pinned = 0;
    for (file, name, job) in jobs() {
        for step in steps(&job) {
            let Some(uses) = step["uses"].as_str() else { continue };
            let (action, commit) = uses.split_once('@').unwrap();
            assert!(action.starts_with("actions/"), "{file}: {name}: {uses}");
            let is_hash = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_hash, "{file}: {name}: {uses}");
            pinned += 1;
        }
    }
    assert_eq!(pinned, 3);
}

/// The value of an expression within a script would be executed as code.
#[test]
fn no_script_contains_an_expression() {
    for (file, name, job) in jobs() {
        for step in steps(&job) {
            let run = step["run"].as_str().unwrap_or_default();
            assert!(!run.contains("${{"), "{file}: {name}: {run}");
        }
    }
}

#[test]
fn only_tested_commits_are_published() {
    let jobs = jobs();
    let release = |name: &str| {
        let job = jobs.iter().find(|(file, job, _)| file == "release.yml" && job == name);
        &job.unwrap().2
    };
    assert_eq!(release("publish")["needs"], serde_json::json!(["test", "build"]));
    let runs = |job: &Value, command: &str| steps(job).any(|step| step["run"] == command);
    assert!(runs(release("test"), ".ci/run"));
    assert!(runs(release("build"), "make build"));
    // Both jobs check out the commit of the tag, even if the tag is moved meanwhile.
    for name in ["test", "build"] {
        let checkout = steps(release(name)).next().unwrap()["run"].as_str().unwrap();
        assert!(checkout.ends_with("test \"$(git rev-parse HEAD)\" = \"$COMMIT\"\n"), "{checkout}");
    }
}
