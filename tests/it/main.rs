//! Integration tests: everything through the public interfaces, against embedded AWS services.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod documents;
mod store_capacity;
mod store_faults;
mod store_pages;
mod store_seats;
mod store_table;
mod store_users;
mod template;
mod tidy;
