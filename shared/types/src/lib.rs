//! Identifiers, domains and tokens that every protocol uses. Pure: no I/O, no clock and no
//! randomness. Every other package depends on this one; it depends on none of ours.

pub mod digest;
pub mod domain;
pub mod email_address;
pub mod hex;
pub mod ids;
pub mod scim_token;
pub mod secret_text;
