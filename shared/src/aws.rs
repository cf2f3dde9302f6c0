//! Calls to AWS: the SDK clients and the HTTPS client beneath them.

pub mod clients;
pub mod https;
