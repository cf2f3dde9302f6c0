//! The operator API on a command line, for whoever runs a deployment.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`environment`] | the variables, read once |
//! | `target`, `auth`, `sign` | which deployment, and how the caller shows who it is |
//! | `http`, `api` | one request; what the operator API answers to it |
//! | `commands` | one file for each group of commands |
//! | `doctor` | what is looked at, and what each finding says to do |
//! | `render` | tables and fields for people |
//! | `error` | everything that can go wrong, with its exit code |
//!
//! Invariants:
//! - Standard output holds what was asked for and nothing else: text for people, or with `--json`
//!   what the API answered. What is said beside it goes to standard error.
//! - A secret is printed once, to standard output, in the answer that makes it.
//! - What another party wrote, a name or an error, moves no cursor and colours nothing: control
//!   characters are shown, not obeyed.
//! - A signed request follows no redirect, and plain http goes to this machine only.

mod api;
mod auth;
pub mod cli;
mod clock;
mod commands;
mod doctor;
pub mod environment;
mod error;
mod http;
mod render;
mod sign;
mod target;
mod tenant;

use std::io::{self, Write as _};
use std::process::ExitCode;

use self::cli::Options;
use self::commands::Shown;
use self::environment::Environment;
use self::error::Error;

/// Does what the command line says; prints the outcome, or why there is none.
pub async fn run(options: Options, environment: Environment) -> ExitCode {
    let json = options.json;
    let done = match commands::run(options, &environment).await {
        Ok(shown) => print(&shown, json).map_err(Error::Output),
        Err(error) => Err(error),
    };
    match done {
        Ok(code) => code,
        // Whoever read our output has read enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{}", error.report(json));
            error.exit_code()
        }
    }
}

fn print(shown: &Shown, json: bool) -> io::Result<ExitCode> {
    let text = if json { shown.json() } else { shown.text.clone() };
    let mut out = io::stdout().lock();
    if !text.is_empty() {
        writeln!(out, "{text}")?;
    }
    out.flush()?;
    // A program has it all in the document.
    if let Some(note) = shown.note.as_ref().filter(|_| !json) {
        let _ = writeln!(io::stderr(), "{note}");
    }
    Ok(if shown.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
