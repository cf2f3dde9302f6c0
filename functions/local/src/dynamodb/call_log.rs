//! Records the calls of the store: operation, partition and capacity units. Tests compare them with
//! the budget of each operation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Endpoint, NoResponseError};
use crate::aws_response::AwsResponse;

/// An endpoint that records every call. Clones share the log.
#[derive(Clone, Debug)]
pub struct CallLog<E> {
    inner: E,
    calls: Arc<Mutex<Vec<Call>>>,
    latency: Duration,
}

/// One call with its capacity units, as DynamoDB bills them.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Name of the operation, as in `x-amz-target` after the dot.
    pub operation: String,
    /// Partition key, if the operation addresses one row by its key.
    pub partition: Option<String>,
    /// Whether the request has an idempotency token.
    pub has_token: bool,
    /// HTTP status; 0 if there was no response.
    pub status: u16,
    /// Read capacity units. An error reports none, although AWS bills a failed condition.
    pub read_units: f64,
    /// Write capacity units of the table and its indexes.
    pub write_units: f64,
}

impl<E> CallLog<E> {
    /// Passes every call to `inner` and asks it for the consumed capacity.
    pub fn over(inner: E) -> Self {
        Self { inner, calls: Arc::default(), latency: Duration::ZERO }
    }

    /// Lets every call take this long. On a paused clock the time of a request is then its number of
    /// round trips: calls that are made at once take the time of one.
    #[must_use]
    pub fn with_latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// Returns the calls since the last `take`.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

impl<E: Endpoint> Endpoint for CallLog<E> {
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError> {
        let request = serde_json::from_slice::<Value>(body).ok();
        let partition = request.as_ref().and_then(partition);
        let has_token =
            request.as_ref().is_some_and(|request| request.get("ClientRequestToken").is_some());
        let body = request
            .map_or_else(|| body.to_owned(), |request| with_consumed_capacity(operation, request));
        let response = self.inner.call(operation, &body);
        let status = response.as_ref().map_or(0, |response| response.status);
        let (read_units, write_units) =
            response.as_ref().map_or((0.0, 0.0), |response| units(operation, &response.body));
        let operation = operation.to_owned();
        self.push(Call { operation, partition, has_token, status, read_units, write_units });
        response
    }

    fn latency(&self) -> Duration {
        self.latency
    }

    fn may_lose_responses(&self) -> bool {
        self.inner.may_lose_responses()
    }
}

/// Returns the partition key in the field `Key` of a request.
fn partition(request: &Value) -> Option<String> {
    request.pointer("/Key/pk/S")?.as_str().map(str::to_owned)
}

/// Adds the request for the consumed capacity, if the operation can report it.
fn with_consumed_capacity(operation: &str, mut request: Value) -> Vec<u8> {
    if let Some(fields) = request.as_object_mut()
        && (READS.contains(&operation) || WRITES.contains(&operation))
    {
        fields.entry("ReturnConsumedCapacity").or_insert_with(|| json!("TOTAL"));
    }
    request.to_string().into_bytes()
}

/// Returns the read and write units of a response. It reports one object, or one for each table.
fn units(operation: &str, body: &[u8]) -> (f64, f64) {
    let response: Value = serde_json::from_slice(body).unwrap_or_default();
    let consumed = response.get("ConsumedCapacity").unwrap_or(&Value::Null);
    let each = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
    let sum = |field| -> f64 {
        each.iter().filter_map(|table| table.get(field)).filter_map(Value::as_f64).sum()
    };
    let (reads, writes) = (sum("ReadCapacityUnits"), sum("WriteCapacityUnits"));
    if reads + writes > 0.0 {
        return (reads, writes);
    }
    // Outside of transactions only the total is reported.
    let total = sum("CapacityUnits");
    if READS.contains(&operation) { (total, 0.0) } else { (0.0, total) }
}

const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];

const WRITES: [&str; 5] =
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];
