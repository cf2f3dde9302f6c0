//! Gatehouse on a laptop: the AWS services it stands on, inside one process.
//!
//! | module | what |
//! |---|---|
//! | [`dynamodb`] | an embedded DynamoDB behind the real SDK client; faults and a call log for tests |
//! | [`secrets_manager`] | an embedded Secrets Manager behind the real SDK client |
//!
//! Invariants:
//! - Nothing here is deployed, and nothing that is deployed depends on it.
//! - Our code meets the same SDK clients as on AWS; only their transport is different.

mod answer;
pub mod dynamodb;
mod private_file;
pub mod secrets_manager;

pub use self::answer::Answer;
