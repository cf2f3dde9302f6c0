//! Gatehouse on one machine: all routers in one process, with an embedded DynamoDB and Secrets
//! Manager.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | starts everything, prints its addresses, stops it |
//! | [`cli`] | the command lines of `local` and `restore-tenant` |
//! | `home_page`, [`instance_info`] | addresses and keys of the instance: page, text and JSON |
//! | `demo` | creates the keys, and a tenant to try things with |
//! | `demo_app`, `demo_idp` | an app to sign in to; an identity provider with three people |
//! | `html` | the frame of these pages |
//! | [`aws_endpoints`], `local_only` | both services over HTTP on loopback; refuses web pages |
//! | [`dynamodb`] | an embedded DynamoDB behind the real SDK client; faults, call log |
//! | [`secrets_manager`] | an embedded Secrets Manager behind the real SDK client |
//! | `data_directory`, `private_file` | the data directory and its lock; files that hold secrets |
//!
//! Each module imports only modules below it in this table, or its own children.
//!
//! Invariants:
//! - Nothing here is deployed, and nothing that is deployed depends on it.
//! - Production code uses the same SDK clients as on AWS; only their transport differs.
//! - Acknowledged data is on the disk: a killed process loses nothing.

pub mod aws_endpoints;
mod aws_response;
pub mod cli;
mod data_directory;
mod demo;
mod demo_app;
mod demo_idp;
pub mod dynamodb;
mod home_page;
mod html;
pub mod instance_info;
mod local_only;
mod private_file;
pub mod secrets_manager;
pub mod server;

pub use self::aws_response::AwsResponse;
