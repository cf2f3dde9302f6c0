//! Calls to AWS: the SDK clients, the HTTPS client beneath them, the errors of a call, and the
//! count of calls that one request makes.
//!
//! The calls themselves are in [`crate::store`] and [`crate::secrets`].

pub mod call_error;
pub mod clients;
pub mod https;
pub mod usage;
