//! A generator of SAML responses: what the identity providers send, and what attackers do.
//!
//! Keys are made when the tests run, so no private key is in the repository. Nothing here is
//! shared with the verifier but canonicalization, and that is checked by an implementation that
//! is not ours.

#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::struct_excessive_bools,
    reason = "a test harness stops where its own documents are wrong"
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
