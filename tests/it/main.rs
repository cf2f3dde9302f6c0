//! Integration tests: everything through the public interfaces, against embedded AWS services.

mod store_capacity;
mod store_faults;
mod store_pages;
mod store_seats;
mod store_table;
mod store_users;
mod template;
mod tidy;
