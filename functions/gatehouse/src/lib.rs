//! The command line tool of the operator API.
//!
//! | module | contents |
//! |---|---|
//! | `dispatch` | runs the command that the command line names |
//! | [`cli`] | the command line |
//! | `commands` | one file for each group of commands |
//! | `doctor` | the command that checks a deployment |
//! | `tenant`, `sign_in_record` | what several commands do with a tenant or a sign-in |
//! | `api`, `http`, `auth` | the operator API; one HTTP request; its credentials |
//! | `error` | all errors, with advice and exit codes |
//! | `output`, `render` | result of a command; tables and fields for people |
//! | `target`, `sign` | URL of the deployment; AWS signatures |
//! | [`environment`], `clock` | the only modules that read variables and the clock |
//!
//! Each module imports only modules below it in this table, or its own children.
//!
//! Invariants:
//! - Standard output holds only what the command returns: text, or with `--json` the JSON of the
//!   API. Notes and errors go to standard error.
//! - A secret is printed once, to standard output, by the command that creates it.
//! - Text of another party, such as a name or an error, cannot control the terminal: control
//!   characters are escaped.
//! - A signed request follows no redirect. Plain http is used for this machine only.

mod api;
mod auth;
pub mod cli;
mod clock;
mod commands;
mod dispatch;
mod doctor;
pub mod environment;
mod error;
mod http;
mod output;
mod render;
mod sign;
mod sign_in_record;
mod target;
mod tenant;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use self::cli::Options;
use self::environment::Environment;
use self::error::Error;
use self::output::Output;

/// Reads the command line. Prints help, the version or an error, and returns the exit code, if it
/// names no command to run.
///
/// # Errors
///
/// The exit code: 0 for help and the version, 2 for an error.
pub fn parse(arguments: Vec<OsString>) -> Result<Options, ExitCode> {
    let json = arguments.iter().any(|argument| argument == "--json");
    Options::try_parse_from(arguments).map_err(|error| {
        if json && error.use_stderr() {
            let error = Error::from(&error);
            let _ = writeln!(io::stderr(), "{}", error.report(json));
            return error.exit_code();
        }
        let _ = error.print();
        if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
    })
}

/// Runs a command and prints its output or its error.
pub async fn run(options: Options, environment: Environment) -> ExitCode {
    let json = options.json;
    let result = match dispatch::run(options, &environment).await {
        Ok(output) => print(&output, json).map_err(Error::Output),
        Err(error) => Err(error),
    };
    match result {
        Ok(code) => code,
        // The reader of our output has closed it, as `head` does.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is no other place to report to.
            let _ = writeln!(io::stderr(), "{}", error.report(json));
            error.exit_code()
        }
    }
}

fn print(output: &Output, json: bool) -> io::Result<ExitCode> {
    let text = if json { output.to_json() } else { output.text.clone() };
    let mut out = io::stdout().lock();
    if !text.is_empty() {
        writeln!(out, "{text}")?;
    }
    out.flush()?;
    // A program needs no note: everything is in the document.
    if let Some(note) = output.note.as_ref().filter(|_| !json) {
        let _ = writeln!(io::stderr(), "{note}");
    }
    Ok(if output.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
