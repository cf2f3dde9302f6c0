//! Gatehouse on a laptop: the AWS services it stands on and every router, inside one process.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`server`] | start, announce, stop |
//! | [`banner`] | what is announced, as JSON and for people |
//! | `demo` | the keys, and a tenant to try things with |
//! | `demo_idp` | an identity provider with three people |
//! | `demo_app` | an application that they sign in to |
//! | `html` | the frame of the pages of both |
//! | `data_directory` | the directory that holds everything, and its lock |
//! | [`dynamodb`] | an embedded DynamoDB behind the real SDK client; faults and a call log for tests |
//! | [`secrets_manager`] | an embedded Secrets Manager behind the real SDK client |
//! | [`aws_endpoints`] | both of them over HTTP on loopback |
//!
//! Invariants:
//! - Nothing here is deployed, and nothing that is deployed depends on it.
//! - Our code meets the same SDK clients as on AWS; only their transport is different.
//! - What was acknowledged is on the disk: a killed process loses nothing.

mod answer;
pub mod aws_endpoints;
pub mod banner;
pub mod cli;
mod data_directory;
mod demo;
mod demo_app;
mod demo_idp;
pub mod dynamodb;
mod html;
mod private_file;
pub mod secrets_manager;
pub mod server;

pub use self::answer::Answer;
