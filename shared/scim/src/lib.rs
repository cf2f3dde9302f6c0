//! The core of SCIM 2.0: schemas, filters, PATCH and resources (RFC 7643, RFC 7644, RFC 9865).
//!
//! Pure: no I/O, no clock and no randomness. The HTTP side is `scim_api` of the crate `shared`, the
//! rows are in its `store`.
//!
//! # Map, from top to bottom
//!
//! A module uses only modules below it.
//!
//! - [`bulk`]: schedules bulk operations.
//! - [`query`], [`list_response`], [`cursor`], [`lookup_plan`]: lists and searches.
//! - [`projection`], [`sort`]: the attributes and the order of a response.
//! - [`normalize`]: the body of a POST or PUT.
//! - [`patch`], [`members`]: applies a PATCH to a resource; separates the membership of a group.
//! - [`resource`], [`licence`]: stored resources and the licences of users.
//! - [`matcher`]: evaluates filters.
//! - `value`: normalises one value.
//! - [`target`], `schema_urn`: resolve attribute paths against the schemas.
//! - [`quirks`]: tolerances for provisioning clients.
//! - [`patch_request`], [`path`], [`filter`], [`attr_path`]: parsers.
//! - [`discovery`], [`schema`]: schemas as data.
//! - [`error`], [`fold`], [`mode`], [`work`], `json`: what all others use.

pub mod attr_path;
pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod fold;
mod json;
pub mod licence;
pub mod list_response;
pub mod lookup_plan;
pub mod matcher;
pub mod members;
pub mod mode;
pub mod normalize;
pub mod patch;
pub mod patch_request;
pub mod path;
pub mod projection;
pub mod query;
pub mod quirks;
pub mod resource;
pub mod schema;
mod schema_urn;
pub mod sort;
#[cfg(test)]
mod spellings;
pub mod target;
mod value;
pub mod work;
