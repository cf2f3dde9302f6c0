//! Gatehouse's one shared crate.

pub mod ids;
pub mod saml;
pub mod scim;
