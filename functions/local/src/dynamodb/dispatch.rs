//! DynamoDB's JSON 1.0 protocol over the embedded database: decodes a request, runs the operation,
//! and encodes its output or error.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aws_response::AwsResponse;

/// Runs one operation, named as in `x-amz-target` after the dot.
pub fn dispatch(database: &Database, operation: &str, body: &[u8]) -> AwsResponse {
    match run(database, operation, body) {
        Some(Ok(body)) => AwsResponse { status: 200, body },
        Some(Err(error)) => {
            AwsResponse { status: error.status_code(), body: error.to_json().into_bytes() }
        }
        None => AwsResponse { status: 400, body: UNKNOWN_OPERATION.into() },
    }
}

/// Returns `None` for an operation that DynamoDB does not have, and for streams and `PartiQL`, which
/// are deliberately absent here.
fn run(
    database: &Database,
    operation: &str,
    body: &[u8],
) -> Option<Result<Vec<u8>, DynoxideError>> {
    Some(match operation {
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "Scan" => call(body, |request| database.scan(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        "CreateTable" => call(body, |request| database.create_table(request)),
        "DescribeTable" => call(body, |request| database.describe_table(request)),
        "UpdateTable" => call(body, |request| database.update_table(request)),
        "DeleteTable" => call(body, |request| database.delete_table(request)),
        "ListTables" => call(body, |request| database.list_tables(request)),
        "UpdateTimeToLive" => call(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
        "TagResource" => call(body, |request| database.tag_resource(request)),
        "UntagResource" => call(body, |request| database.untag_resource(request)),
        "ListTagsOfResource" => call(body, |request| database.list_tags_of_resource(request)),
        _ => return None,
    })
}

fn call<Request: DeserializeOwned, Output: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Output, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let request =
        serde_json::from_slice(body).map_err(|error| decoding_error(&error.to_string()))?;
    serde_json::to_vec(&operation(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Returns the error of DynamoDB for a body that cannot be decoded.
///
/// The decoders of the database put a marker of the error type in front of their message, and the
/// JSON parser appends a position. Both are removed.
fn decoding_error(message: &str) -> DynoxideError {
    let text = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    let unmarked = |marks: [&str; 2]| marks.iter().find_map(|mark| text.strip_prefix(mark));
    if let Some(text) = unmarked(["VALIDATION_REQUEST:", "VALIDATION_AS_READ:"]) {
        return DynoxideError::ValidationException(text.to_owned());
    }
    if let Some(text) = unmarked(["SERIALIZATION:", "SERIALIZATION_AS_READ:"]) {
        return DynoxideError::SerializationException(text.to_owned());
    }
    if let Some(text) = text.strip_prefix("VALIDATION:") {
        return DynoxideError::ValidationException(text.to_owned());
    }
    if INVALID.iter().any(|sign| text.contains(sign)) {
        return DynoxideError::ValidationException(text.to_owned());
    }
    DynoxideError::SerializationException(text.to_owned())
}

/// Parts of the parser messages that mean an invalid request rather than invalid JSON.
const INVALID: [&str; 4] =
    ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

const UNKNOWN_OPERATION: &str =
    r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::dispatch;

    /// Checks status and a part of the body.
    fn check(operation: &str, body: &str, status: u16, expected: &str) {
        let response = dispatch(&Database::memory().unwrap(), operation, body.as_bytes());
        let text = String::from_utf8(response.body).unwrap();
        assert_eq!(response.status, status, "{operation} {body}: {text}");
        assert!(text.contains(expected), "{operation} {body}: {text}");
        for mark in ["VALIDATION", "SERIALIZATION", "at line"] {
            assert!(!text.contains(mark), "{operation} {body}: {text}");
        }
    }

    #[test]
    fn a_bad_body_gets_the_error_of_dynamodb() {
        check("ListTables", "{}", 200, r#"{"TableNames":[]}"#);
        check("Nonsense", "{}", 400, "#UnknownOperationException");
        check("", "{}", 400, "#UnknownOperationException");
        check("ListStreams", "{}", 400, "#UnknownOperationException");
        check("GetItem", "", 400, "#SerializationException");
        check("GetItem", "{", 400, "#SerializationException");
        check("GetItem", "\u{0}", 400, "#SerializationException");
        check("GetItem", r#"{"TableName":7}"#, 400, "Exception");
        check("GetItem", r#"{"TableName":"x"}"#, 400, "#ValidationException");
        check("PutItem", r#"{"TableName":"x","Item":{}}"#, 400, "#ValidationException");
        check("PutItem", r#"{"TableName":"table","Item":{"pk":{}}}"#, 400, "#ValidationException");
        check(
            "GetItem",
            r#"{"TableName":"table","Key":{"pk":{"S":"a"}}}"#,
            400,
            "#ResourceNotFoundException",
        );
    }

    #[test]
    fn a_deeply_nested_body_is_refused() {
        let deep = format!(
            r#"{{"TableName":"table","Item":{{"pk":{}"#,
            r#"{"L":[{"M":{"a":"#.repeat(20_000)
        );
        check("PutItem", &deep, 400, "Exception");
    }
}
