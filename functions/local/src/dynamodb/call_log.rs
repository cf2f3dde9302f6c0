//! What each operation cost: calls and capacity units, by which tests hold the store to its budget;
//! and which partition it read.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Endpoint, NoAnswer};
use crate::answer::Answer;

/// An endpoint that writes down every call. Clones share the log.
#[derive(Clone, Debug)]
pub struct CallLog<E> {
    inner: E,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// One call and its cost, as DynamoDB bills it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// As in `x-amz-target`, after the dot.
    pub operation: String,
    /// Partition of the row, when the operation is on one by its key.
    pub partition: Option<String>,
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
    /// Read capacity units. Errors answer none, although AWS bills a failed condition.
    pub read_units: f64,
    /// Write capacity units, of the table and its indexes.
    pub write_units: f64,
}

impl<E> CallLog<E> {
    /// Passes every call to `inner`, asking it for the consumed capacity.
    pub fn over(inner: E) -> Self {
        Self { inner, calls: Arc::default() }
    }

    /// The calls since the last time this was asked.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

impl<E: Endpoint> Endpoint for CallLog<E> {
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let request = serde_json::from_slice::<Value>(body).ok();
        let partition = request.as_ref().and_then(partition);
        let asking = request
            .map_or_else(|| body.to_owned(), |request| asking_for_capacity(operation, request));
        let answer = self.inner.answer(operation, &asking);
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let (read_units, write_units) =
            answer.as_ref().map_or((0.0, 0.0), |answer| units(operation, &answer.body));
        let operation = operation.to_owned();
        self.push(Call { operation, partition, status, read_units, write_units });
        answer
    }
}

/// The partition key in the member `Key` of a request.
fn partition(request: &Value) -> Option<String> {
    request.pointer("/Key/pk/S")?.as_str().map(str::to_owned)
}

/// The same request, asking for the consumed capacity where the operation can tell it.
fn asking_for_capacity(operation: &str, mut request: Value) -> Vec<u8> {
    if let Some(fields) = request.as_object_mut()
        && (READS.contains(&operation) || WRITES.contains(&operation))
    {
        fields.entry("ReturnConsumedCapacity").or_insert_with(|| json!("TOTAL"));
    }
    request.to_string().into_bytes()
}

/// Read and write units of an answer: one object, or one for each table.
fn units(operation: &str, body: &[u8]) -> (f64, f64) {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let consumed = answer.get("ConsumedCapacity").unwrap_or(&Value::Null);
    let each = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
    let sum = |field| -> f64 {
        each.iter().filter_map(|table| table.get(field)).filter_map(Value::as_f64).sum()
    };
    let (reads, writes) = (sum("ReadCapacityUnits"), sum("WriteCapacityUnits"));
    if reads + writes > 0.0 {
        return (reads, writes);
    }
    // Outside transactions only the total is told, and the operation says of what.
    let total = sum("CapacityUnits");
    if READS.contains(&operation) { (total, 0.0) } else { (0.0, total) }
}

const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];

const WRITES: [&str; 5] =
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];
