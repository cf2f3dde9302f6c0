//! Parts of requests and responses that are the same for every API.

pub(crate) mod answer_size;
pub mod base_url;
pub(crate) mod bearer;
pub(crate) mod body;
pub mod cookie;
pub(crate) mod failure_code;
pub mod guarded_client;
pub mod html;
pub(crate) mod json;
pub(crate) mod problem;
pub(crate) mod query;
pub mod rate_limit;
pub(crate) mod redirect;
pub(crate) mod user_agent;
