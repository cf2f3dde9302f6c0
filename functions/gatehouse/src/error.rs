//! Everything that can go wrong, what to do about it, and its exit code.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use crate::render::clean;
use crate::sign::SignError;
use crate::target::TargetFault;

/// Why a command did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line makes no sense here.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Target(#[from] TargetFault),
    /// Nothing to show who the caller is.
    #[error("{0}")]
    NoCredentials(&'static str),
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The deployment did not take what it was shown.
    #[error("not let in ({status}): {credentials} was refused")]
    Refused { status: u16, credentials: String },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// No answer.
    #[error("{url} does not answer: {reason}")]
    Unreachable { url: String, reason: String },
    /// The deployment cannot answer now.
    #[error("the deployment cannot answer at the moment ({status}): {detail}")]
    Unavailable { status: u16, detail: String },
    /// The operator API refused the request, for the reason it gives.
    #[error("{detail}")]
    Problem { status: u16, code: String, detail: String },
    /// An answer that the operator API does not give.
    #[error("{url} answered {status} with something that is not the operator API's")]
    Foreign { url: String, status: u16 },
    /// A file that cannot be read or written.
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    /// Standard output is gone.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Documented in docs/cli.md and in `--help`.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Problem { .. } | Self::Foreign { .. } | Self::File { .. } | Self::Output(_) => 1,
            Self::Usage(_) | Self::Target(_) => 2,
            Self::NoCredentials(_) | Self::Sign(_) | Self::Refused { .. } => 3,
            Self::NotFound(_) => 4,
            Self::Unreachable { .. } | Self::Unavailable { .. } => 5,
        }
    }

    /// Stable, for programs.
    fn name(&self) -> &str {
        match self {
            Self::Usage(_) | Self::Target(_) => "usage",
            Self::NoCredentials(_) => "no_credentials",
            Self::Sign(_) | Self::Refused { .. } => "refused",
            Self::NotFound(_) => "not_found",
            Self::Unreachable { .. } => "unreachable",
            Self::Unavailable { .. } => "unavailable",
            Self::Problem { code, .. } => code,
            Self::Foreign { .. } => "foreign",
            Self::File { .. } | Self::Output(_) => "file",
        }
    }

    /// What to do next, where the text does not say it itself.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused { status: 401, .. } => Some(
                "Is it the key of this deployment? A deployment on AWS takes no key: unset \
                 GATEHOUSE_OPERATOR_KEY there.",
            ),
            Self::Refused { .. } => Some(
                "The identity needs execute-api:Invoke on what the stack's output \
                 OperatorPolicyResource names; keys that expire have to be exported again; and the \
                 clock may be 5 minutes off at most.",
            ),
            Self::Unreachable { .. } => {
                Some("Is it running, and is the URL right? See --url and GATEHOUSE_URL.")
            }
            Self::Unavailable { .. } => {
                Some("Try again in a moment; if it stays, look at the alarms.")
            }
            Self::Foreign { .. } => {
                Some("Is the URL that of Gatehouse? See --url and GATEHOUSE_URL.")
            }
            Self::Usage(_)
            | Self::Target(_)
            | Self::NoCredentials(_)
            | Self::Sign(_)
            | Self::NotFound(_)
            | Self::Problem { .. }
            | Self::File { .. }
            | Self::Output(_) => None,
        }
    }

    /// For standard error.
    pub(crate) fn report(&self, json: bool) -> String {
        let (message, advice) = (clean(&self.to_string()), self.advice());
        if json {
            let exit_code = self.code();
            return json!({"error": {"code": self.name(), "message": message, "advice": advice, "exit_code": exit_code}})
                .to_string();
        }
        match advice {
            Some(advice) => format!("error: {message}\n  {advice}"),
            None => format!("error: {message}"),
        }
    }
}
