//! Tests of the binary `gatehouse`, over TCP, against the real routers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot continue"
)]

mod access;
mod connections;
mod deployment;
mod doctor;
mod documents;
mod export;
mod sign_ins;
mod tenants;
