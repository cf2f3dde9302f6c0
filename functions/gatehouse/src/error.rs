//! The errors of a command: message, advice on what to do next, and exit code.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use crate::render::escape_controls;
use crate::sign::SignError;
use crate::target::TargetError;

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is neither a key nor a complete set of AWS credentials.
    #[error("{0}")]
    NoCredentials(&'static str),
    #[error(transparent)]
    Sign(#[from] SignError),
    /// 401 or 403.
    #[error("access denied ({status}): {credentials} was refused")]
    Refused { status: u16, credentials: String },
    /// 404 of the operator API, or a tenant or record that a command looked for.
    #[error("{0}")]
    NotFound(String),
    /// The deployment did not respond.
    #[error("{url} does not respond: {reason}")]
    Unreachable { url: String, reason: String },
    /// 429 or 5xx.
    #[error("the deployment cannot handle the request now ({status}): {detail}")]
    Unavailable { status: u16, detail: String },
    /// Any other problem of the operator API (RFC 9457).
    #[error("{detail}")]
    Problem { code: String, detail: String },
    /// A response that the operator API does not give.
    #[error("{url} responded with {status} and a body that is not the operator API's")]
    UnexpectedResponse { url: String, status: u16 },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// The first paragraph of the message of `clap`, without its usage text.
impl From<&clap::Error> for Error {
    fn from(error: &clap::Error) -> Self {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = text.trim_start_matches("error:").split_whitespace().collect();
        Self::Usage(format!("{}; see --help", words.join(" ")))
    }
}

impl Error {
    /// The exit code, as documented in docs/cli.md and in `--help`.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_status())
    }

    fn exit_status(&self) -> u8 {
        match self {
            Self::Problem { .. }
            | Self::UnexpectedResponse { .. }
            | Self::File { .. }
            | Self::Output(_) => 1,
            Self::Usage(_) | Self::Target(_) => 2,
            Self::NoCredentials(_) | Self::Sign(_) | Self::Refused { .. } => 3,
            Self::NotFound(_) => 4,
            Self::Unreachable { .. } | Self::Unavailable { .. } => 5,
        }
    }

    /// A stable code for programs: that of the operator API, or one of ours.
    fn code(&self) -> &str {
        match self {
            Self::Usage(_) | Self::Target(_) => "usage",
            Self::NoCredentials(_) => "no_credentials",
            Self::Sign(_) | Self::Refused { .. } => "refused",
            Self::NotFound(_) => "not_found",
            Self::Unreachable { .. } => "unreachable",
            Self::Unavailable { .. } => "unavailable",
            Self::Problem { code, .. } => code,
            Self::UnexpectedResponse { .. } => "foreign",
            Self::File { .. } | Self::Output(_) => "file",
        }
    }

    /// The next step, if the message does not say it already.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused { status: 401, .. } => Some(
                "Check that this is the operator key of this deployment. A deployment on AWS \
                 checks signatures, not keys: unset GATEHOUSE_OPERATOR_KEY there.",
            ),
            Self::Refused { .. } => Some(
                "Check that the identity may execute-api:Invoke the resource in the stack's output \
                 OperatorPolicyResource, that temporary credentials have not expired, and that \
                 this machine's clock is correct within 5 minutes.",
            ),
            Self::Unreachable { .. } => Some(
                "Check that the deployment is running and that --url or GATEHOUSE_URL names it.",
            ),
            Self::Unavailable { .. } => Some(
                "Try again in a moment. If the error stays, look at the alarms of the deployment.",
            ),
            Self::UnexpectedResponse { .. } => {
                Some("Check that --url or GATEHOUSE_URL names a Gatehouse deployment.")
            }
            Self::File { .. } => Some("Check the path and its permissions."),
            Self::Usage(_)
            | Self::Target(_)
            | Self::NoCredentials(_)
            | Self::Sign(_)
            | Self::NotFound(_)
            | Self::Problem { .. }
            | Self::Output(_) => None,
        }
    }

    /// The report for standard error: text, or with `--json` one line of JSON.
    pub(crate) fn report(&self, json: bool) -> String {
        let (message, advice) = (escape_controls(&self.to_string()), self.advice());
        if json {
            let exit_code = self.exit_status();
            return json!({"error": {"code": self.code(), "message": message, "advice": advice, "exit_code": exit_code}})
                .to_string();
        }
        match advice {
            Some(advice) => format!("error: {message}\n  {advice}"),
            None => format!("error: {message}"),
        }
    }
}
