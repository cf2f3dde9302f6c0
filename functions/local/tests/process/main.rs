//! Tests of the binary `local`, started, called and stopped as a user does.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it cannot continue"
)]

mod bodies;
mod crash;
mod demo;
mod http_errors;
mod instance;
mod lifecycle;
mod restore;
mod services;
