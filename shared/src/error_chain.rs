//! Formats an error with its sources.

use std::error::Error;
use std::fmt;

/// Displays an error and its sources, separated by colons: `could not read the user: throttled`.
///
/// An error that is passed to `tracing` as a field loses its sources in the JSON format.
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not read a row")]
    struct ReadError(#[source] io::Error);

    #[test]
    fn an_error_is_followed_by_its_sources() {
        let error = ReadError(io::Error::other("throttled"));
        assert_eq!(ErrorChain(&error).to_string(), "could not read a row: throttled");
    }
}
