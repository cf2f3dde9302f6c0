//! Parts of requests and responses that are the same for every API.

pub mod base_url;
pub(crate) mod body;
pub mod cookie;
pub mod html;
pub(crate) mod query;
pub mod rate_limit;
pub(crate) mod redirect;
pub(crate) mod user_agent;
