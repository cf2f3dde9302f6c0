//! Integration tests: everything through the public interfaces, against embedded AWS services.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bad_input;
mod concurrency;
mod documents;
mod fuzz;
mod lambda_events;
mod memberships;
mod store_capacity;
mod store_faults;
mod store_groups;
mod store_pages;
mod store_seats;
mod store_table;
mod store_tenants;
mod store_users;
mod template;
mod tenant_isolation;
mod tidy;
mod tokens;
mod traces;
