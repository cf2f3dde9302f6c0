//! Generates SAML responses: those of identity providers, and those of attackers.
//!
//! Keys are generated when the tests run, so that the repository has no private key. The only code
//! shared with the verifier is canonicalization, which an independent implementation checks.

#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::struct_excessive_bools,
    reason = "a test harness fails when its own documents are wrong"
)]

pub mod attacks;
pub mod documents;
pub mod draft;
pub mod encryption;
pub mod keys;
pub mod metadata;
pub mod mutation;
pub mod shapes;
pub mod signing;
pub mod world;
