//! A generator of SAML responses: what the identity providers send, and what attackers do.
//!
//! Keys are made when the tests run, so no private key is in the repository. Nothing here is
//! shared with the verifier but canonicalization, and that is checked by an implementation that
//! is not ours.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness stops where its own documents are wrong"
)]

pub mod attacks;
pub mod draft;
pub mod encryption;
pub mod keys;
pub mod metadata;
pub mod mutation;
pub mod shapes;
pub mod signing;
pub mod world;
