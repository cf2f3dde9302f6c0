//! Sends the requests of a trace in order and checks the answers.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::format::{Check, Level, Step, Trace};
use super::path::{Found, find};
use super::target::{Answer, Target};
use super::values::Values;

/// Runs a trace and returns its shortfalls: failed checks of [`Level::Should`].
///
/// The error names the step that failed, the failed checks, the request and the answer.
pub(crate) async fn run(trace: &Trace, target: &Target) -> Result<Vec<String>, String> {
    let mut values = Values::new();
    for (name, value) in &trace.vars {
        let value = values.fill(value)?;
        values.set(name, value);
    }
    let outcome = run_steps(trace, target, &mut values).await;
    clean_up(trace, target, &mut values).await;
    outcome
}

async fn run_steps(
    trace: &Trace,
    target: &Target,
    values: &mut Values,
) -> Result<Vec<String>, String> {
    let mut shortfalls = Vec::new();
    for (number, step) in (1..).zip(&trace.steps) {
        for n in 1..=step.repeat {
            values.set("n", n.to_string());
            let found = run_step(trace, step, target, values)
                .await
                .map_err(|problems| format!("step {number}, {}:\n{problems}", step.name))?;
            shortfalls.extend(
                found.into_iter().map(|found| format!("step {number}, {}: {found}", step.name)),
            );
        }
    }
    Ok(shortfalls)
}

async fn run_step(
    trace: &Trace,
    step: &Step,
    target: &Target,
    values: &mut Values,
) -> Result<Vec<String>, String> {
    let path = values.fill_text(&step.path)?;
    let headers = headers(trace, step, target, values)?;
    let body = body(step, values)?;
    let sent =
        body.clone().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let answer = target.call(&step.method, &path, &headers, body).await?;
    let mut verdict = Verdict::default();
    judge(step, &answer, values, &mut verdict)?;
    if verdict.problems.is_empty() {
        return Ok(verdict.shortfalls);
    }
    let mut text = String::new();
    for problem in verdict.problems {
        let _ = writeln!(text, "  {problem}");
    }
    let received = String::from_utf8_lossy(&answer.body);
    let _ = writeln!(text, "  {} {path} {sent}\n  -> {} {received}", step.method, answer.status);
    Err(text)
}

/// Returns exactly the headers that this step sends.
fn headers(
    trace: &Trace,
    step: &Step,
    target: &Target,
    values: &mut Values,
) -> Result<Vec<(String, String)>, String> {
    let mut all: Map<String, Value> = trace.defaults.headers.clone();
    all.extend(step.headers.clone());
    if step.method == "GET" && !step.content_type_on_get {
        all.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
    }
    match step.auth.as_str() {
        "none" => {
            all.remove("Authorization");
        }
        "bearer" => {
            all.entry("Authorization").or_insert_with(|| format!("Bearer {}", target.token).into());
        }
        "bad" => {
            all.insert("Authorization".to_owned(), "Bearer wrong-${rand}".into());
        }
        whole => {
            all.insert("Authorization".to_owned(), whole.into());
        }
    }
    all.iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .map(|(name, value)| Ok((name.clone(), values.fill_text(value)?)))
        .collect()
}

fn body(step: &Step, values: &mut Values) -> Result<Option<Vec<u8>>, String> {
    if let Some(raw) = &step.raw_body {
        return values.fill_text(raw).map(|text| Some(text.into_bytes()));
    }
    step.body
        .as_ref()
        .map(|body| values.fill(body).map(|value| value.to_string().into_bytes()))
        .transpose()
}

/// The failed checks of an answer.
#[derive(Default)]
struct Verdict {
    /// Failures with which the connector does not work.
    problems: Vec<String>,
    /// Failures with which the connector works.
    shortfalls: Vec<String>,
}

impl Verdict {
    fn add(&mut self, level: Level, text: String) {
        match level {
            Level::Must => self.problems.push(text),
            Level::Should => self.shortfalls.push(text),
        }
    }
}

/// Adds the failed checks of an answer to the verdict, and captures variables from the answer.
fn judge(
    step: &Step,
    answer: &Answer,
    values: &mut Values,
    verdict: &mut Verdict,
) -> Result<(), String> {
    if let Some(statuses) = &step.expect.status
        && !statuses.contains(&answer.status)
    {
        verdict.problems.push(format!("want status {statuses:?}, got {}", answer.status));
    }
    for (name, wanted) in &step.expect.headers {
        let should = wanted.get("level").is_some_and(|level| level == "should");
        let level = if should { Level::Should } else { Level::Must };
        let wanted = values.fill(wanted.get("contains").unwrap_or(wanted))?;
        let wanted = wanted.as_str().unwrap_or_default();
        let got = answer.header(name);
        if !got.is_some_and(|got| got.to_lowercase().contains(&wanted.to_lowercase())) {
            verdict.add(level, format!("want header {name} with {wanted:?}, got {got:?}"));
        }
    }
    let document: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let excused = step.expect.json_if_body && answer.body.is_empty();
    for check in step.expect.json.iter().filter(|_| !excused) {
        let check: Check =
            serde_json::from_value(values.fill(check)?).map_err(|error| error.to_string())?;
        let failure = match &document {
            Some(document) => check.failure(document)?,
            None => Some(format!("{}: the answer is not JSON", check.path)),
        };
        if let Some(failure) = failure {
            verdict.add(check.level, failure);
        }
    }
    for (name, path) in &step.capture {
        let path = path.as_str().unwrap_or_default();
        match find(document.as_ref().unwrap_or(&Value::Null), path)? {
            Found::Value(value) => values.set(name, value),
            Found::Nothing => verdict.problems.push(format!("{path} to capture does not exist")),
        }
    }
    Ok(())
}

/// Deletes the resources of the trace. A failure to delete is not a failure of the trace.
async fn clean_up(trace: &Trace, target: &Target, values: &mut Values) {
    let headers = [("Authorization".to_owned(), format!("Bearer {}", target.token))];
    for path in &trace.cleanup {
        if let Ok(path) = values.fill_text(path) {
            let _ = target.call("DELETE", &path, &headers, None).await;
        }
    }
}
