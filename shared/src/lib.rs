//! Gatehouse's one shared crate.

pub mod ids;
pub mod scim;
pub mod store;
