//! The real binary, over TCP, against the real routers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod access;
mod connections;
mod deployment;
mod doctor;
mod documents;
mod export;
mod sign_ins;
mod tenants;
