//! SCIM 2.0: resources, schemas, filters, PATCH (RFC 7643, RFC 7644, RFC 9865).

pub mod attr_path;
pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod fold;
pub mod licence;
pub mod list_response;
pub mod matcher;
pub mod members;
pub mod patch;
pub mod path;
pub mod plan;
pub mod projection;
pub mod query;
pub mod quirks;
pub mod resource;
pub mod schema;
pub mod sort;
pub mod target;
