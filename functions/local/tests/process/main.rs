//! The binary `local`, started, asked and stopped as a user does it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where it cannot go on; helpers outside a test function are its parts"
)]

mod bodies;
mod crash;
mod demo;
mod instance;
mod lifecycle;
mod restore;
mod services;
