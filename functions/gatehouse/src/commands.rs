//! The commands, one file for each group: its options, its calls of the API, and its output.
//!
//! A command returns an `Output` and prints nothing itself, except `sign-ins tail` and
//! `tenants export`, which stream. The command line as a whole is in `cli`, the choice of the
//! command in `dispatch`.

pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod directory;
pub(crate) mod domains;
pub(crate) mod explain;
mod input;
pub(crate) mod keys;
pub(crate) mod seats;
pub(crate) mod sign_ins;
pub(crate) mod tenants;
pub(crate) mod tokens;
pub(crate) mod webhooks;
