//! The pure cores without the rest of `shared`. The files beside this one are links to its own.

pub mod ids;
pub mod saml;
pub mod scim;
