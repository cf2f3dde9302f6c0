//! Parses a bulk request (RFC 7644 §3.7).

use serde_json::{Map, Value};

use super::{BULK_REQUEST, BulkMethod, BulkOperation};
use crate::discovery::BULK_MAX_OPERATIONS;
use crate::error::ScimError;
use crate::json::take_member;
use crate::schema::{ResourceKind, ResourceType};

/// A valid or invalid operation, with the members that its response repeats.
#[derive(Debug)]
pub(super) struct ParsedOperation {
    /// Method in upper case.
    pub(super) method: String,
    pub(super) bulk_id: Option<String>,
    pub(super) operation: Result<UnresolvedOperation, ScimError>,
}

/// A valid operation whose `bulkId:` references are not resolved yet.
#[derive(Clone, Debug)]
pub(super) struct UnresolvedOperation {
    pub(super) method: BulkMethod,
    pub(super) kind: ResourceKind,
    /// Id in the path; it may be a reference.
    pub(super) id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) data: Value,
}

impl UnresolvedOperation {
    pub(super) fn into_operation(self, index: usize) -> BulkOperation {
        let Self { method, kind, id, version, data } = self;
        BulkOperation { index, method, kind, id, version, data }
    }
}

/// Parses the operations and `failOnErrors`.
pub(super) fn parse(body: Value) -> Result<(Vec<ParsedOperation>, Option<u64>), ScimError> {
    let malformed = || {
        ScimError::InvalidSyntax(format!(
            "the body must be an object of schema {BULK_REQUEST} with an array of Operations"
        ))
    };
    let Value::Object(mut body) = body else { return Err(malformed()) };
    let schemas = take(&mut body, "schemas").unwrap_or_default();
    let is_bulk = schemas.as_array().is_some_and(|urns| {
        urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST))
    });
    let operations = take(&mut body, "Operations").unwrap_or_default();
    let Value::Array(operations) = operations else { return Err(malformed()) };
    if !is_bulk {
        return Err(malformed());
    }
    if operations.len() > BULK_MAX_OPERATIONS {
        return Err(ScimError::PayloadTooLarge(format!(
            "the request has {} operations, and the limit is {BULK_MAX_OPERATIONS}",
            operations.len()
        )));
    }
    let fail_on_errors = fail_on_errors(take(&mut body, "failOnErrors"))?;
    Ok((operations.into_iter().map(parse_operation).collect(), fail_on_errors))
}

/// Parses `failOnErrors`. Zero means no limit, as its absence does: a request cannot stop before
/// its first error.
fn fail_on_errors(value: Option<Value>) -> Result<Option<u64>, ScimError> {
    match value {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(limit) => Ok((limit > 0).then_some(limit)),
            None => Err(invalid("failOnErrors must be a whole number")),
        },
    }
}

fn parse_operation(value: Value) -> ParsedOperation {
    let Value::Object(mut value) = value else {
        let error = ScimError::InvalidSyntax("an operation must be an object".to_owned());
        return ParsedOperation { method: String::new(), bulk_id: None, operation: Err(error) };
    };
    let mut text = |name: &str| match take(&mut value, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ScimError::InvalidSyntax(format!("{name} must be a string"))),
    };
    let method = text("method");
    let bulk_id = text("bulkId");
    let version = text("version");
    let path = text("path");
    let data = take(&mut value, "data");
    let name = match &method {
        Ok(Some(method)) => method.to_ascii_uppercase(),
        Ok(None) | Err(_) => String::new(),
    };
    let known_bulk_id = bulk_id.clone().ok().flatten();
    let operation = (|| {
        let parts = Parts { bulk_id: bulk_id?, version: version?, path: path?, data };
        method?;
        check_operation(&name, parts)
    })();
    ParsedOperation { method: name, bulk_id: known_bulk_id, operation }
}

/// The members of an operation other than its method.
struct Parts {
    bulk_id: Option<String>,
    version: Option<String>,
    path: Option<String>,
    data: Option<Value>,
}

/// Checks that the members fit the method.
fn check_operation(method: &str, parts: Parts) -> Result<UnresolvedOperation, ScimError> {
    let method = match method {
        "POST" => BulkMethod::Post,
        "PUT" => BulkMethod::Put,
        "PATCH" => BulkMethod::Patch,
        "DELETE" => BulkMethod::Delete,
        _ => return Err(invalid("method must be POST, PUT, PATCH or DELETE")),
    };
    let path = parts.path.ok_or_else(|| invalid("path is missing"))?;
    let (kind, id) = parse_path(&path)?;
    match (method, &id) {
        (BulkMethod::Post, Some(_)) => return Err(invalid("POST requires a path without an id")),
        (BulkMethod::Post, None) if parts.bulk_id.is_none() => {
            return Err(invalid("POST requires a bulkId (RFC 7644 section 3.7)"));
        }
        (BulkMethod::Put | BulkMethod::Patch | BulkMethod::Delete, None) => {
            return Err(invalid("this method requires a path with an id"));
        }
        (BulkMethod::Post, None)
        | (BulkMethod::Put | BulkMethod::Patch | BulkMethod::Delete, Some(_)) => {}
    }
    let data = match (method, parts.data) {
        (BulkMethod::Delete, _) => Value::Null,
        (BulkMethod::Post | BulkMethod::Put | BulkMethod::Patch, Some(data)) => data,
        (BulkMethod::Post | BulkMethod::Put | BulkMethod::Patch, None) => {
            return Err(invalid("data is missing"));
        }
    };
    Ok(UnresolvedOperation { method, kind, id, version: parts.version, data })
}

/// Parses a path such as `/Users` or `/Groups/{id}`.
fn parse_path(path: &str) -> Result<(ResourceKind, Option<String>), ScimError> {
    let relative = path.trim_start_matches('/');
    let (endpoint, id) = match relative.split_once('/') {
        Some((endpoint, id)) => (endpoint, Some(id.trim_end_matches('/'))),
        None => (relative, None),
    };
    let resource_type = ResourceType::all()
        .into_iter()
        .find(|known| known.endpoint.trim_start_matches('/').eq_ignore_ascii_case(endpoint))
        .ok_or_else(|| ScimError::NotFound(path.to_owned()))?;
    Ok((resource_type.kind, id.filter(|id| !id.is_empty()).map(str::to_owned)))
}

/// Takes a member in any letter case. Null counts as absent.
fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    take_member(object, name).filter(|value| !value.is_null())
}

fn invalid(reason: &str) -> ScimError {
    ScimError::InvalidValue(reason.to_owned())
}
