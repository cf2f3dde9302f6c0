//! The code of a failure, for the log.

/// The code of a failure, `uniqueness` or `saml.audience`; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureCode(pub(crate) &'static str);
