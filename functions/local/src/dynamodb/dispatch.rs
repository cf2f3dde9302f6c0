//! DynamoDB's JSON 1.0 protocol: an operation's name and body in, status and body out.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;

/// Runs one operation, named as in `x-amz-target` after the dot.
pub fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Answer {
    match run(database, operation, body) {
        Some(Ok(body)) => Answer { status: 200, body },
        Some(Err(error)) => {
            Answer { status: error.status_code(), body: error.to_json().into_bytes() }
        }
        None => Answer { status: 400, body: UNKNOWN_OPERATION.into() },
    }
}

/// `None`: an operation that DynamoDB does not have, or that is left out here on purpose, as
/// streams and the SQL dialect are.
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
    let request = serde_json::from_slice(body).map_err(|error| refusal(&error.to_string()))?;
    serde_json::to_vec(&operation(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error that DynamoDB would answer to a body that does not decode.
///
/// The database's decoders mark the error they mean in front of their message, and the JSON reader
/// puts a position behind it; neither may reach a caller.
fn refusal(message: &str) -> DynoxideError {
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

/// What tells a request that is wrong from one that cannot be read.
const INVALID: [&str; 4] =
    ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

const UNKNOWN_OPERATION: &str =
    r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::dispatch;

    /// Status and what stands after `#` in `__type`, or the body when there is no error.
    fn check(operation: &str, body: &str, status: u16, expected: &str) {
        let answer = dispatch(&Database::memory().unwrap(), operation, body.as_bytes());
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, status, "{operation} {body}: {text}");
        assert!(text.contains(expected), "{operation} {body}: {text}");
        for mark in ["VALIDATION", "SERIALIZATION", "at line"] {
            assert!(!text.contains(mark), "{operation} {body}: {text}");
        }
    }

    #[test]
    fn every_bad_body_gets_the_error_of_the_service() {
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
    fn a_body_nested_without_end_is_refused() {
        let deep = format!(
            r#"{{"TableName":"table","Item":{{"pk":{}"#,
            r#"{"L":[{"M":{"a":"#.repeat(20_000)
        );
        check("PutItem", &deep, 400, "Exception");
    }
}
