//! Identifiers, domains and the small parsers that every protocol uses. Pure: no I/O, no clock and no
//! randomness.

pub mod domain;
pub mod hex;
pub mod ids;
pub mod scim_token;
pub mod secret_text;
