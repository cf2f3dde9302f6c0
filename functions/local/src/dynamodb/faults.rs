//! Injects the failures that happen on AWS and never in the embedded database.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Endpoint, NoResponseError};
use crate::aws_response::AwsResponse;

/// An endpoint that fails planned calls. Clones share the plan.
#[derive(Clone, Debug)]
pub struct Faults<E> {
    inner: E,
    plan: Arc<Mutex<Vec<Planned>>>,
}

/// A failure of DynamoDB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Another transaction holds one of the items: `TransactionCanceledException` whose first
    /// reason is `TransactionConflict` and whose other reasons are `None`, or
    /// `TransactionConflictException` for a write outside of a transaction.
    TransactionConflict,
    /// `ProvisionedThroughputExceededException`: a partition exceeds its throughput.
    ProvisionedThroughputExceeded,
    /// `ThrottlingException`: the table has not scaled to its load yet.
    Throttling,
    /// `InternalServerError`; the operation was not applied.
    InternalServerError,
    /// No response; the operation was not applied.
    LostRequest,
    /// No response, but the operation was applied.
    LostResponse,
}

impl<E> Faults<E> {
    /// Passes every call to `inner`, except planned faults.
    pub fn over(inner: E) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Plans a fault for the `nth` call of `operation` from now on; 1 is the next call.
    pub fn fail(&self, operation: &'static str, nth: usize, fault: Fault) {
        self.with_plan(|plan| plan.push(Planned { operation, calls_left: nth, fault }));
    }

    /// Returns the number of planned faults that have not happened yet.
    pub fn pending(&self) -> usize {
        self.with_plan(|plan| plan.len())
    }

    /// Counts a call. Removes and returns the fault that is planned for it.
    fn due(&self, operation: &str) -> Option<Fault> {
        self.with_plan(|plan| {
            for planned in plan.iter_mut().filter(|planned| planned.operation == operation) {
                planned.calls_left = planned.calls_left.saturating_sub(1);
            }
            let due = plan.iter().position(|planned| planned.calls_left == 0)?;
            Some(plan.remove(due).fault)
        })
    }

    fn with_plan<T>(&self, f: impl FnOnce(&mut Vec<Planned>) -> T) -> T {
        f(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<E: Endpoint> Endpoint for Faults<E> {
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError> {
        match self.due(operation) {
            None => self.inner.call(operation, body),
            Some(Fault::TransactionConflict) => Ok(conflict(body)),
            Some(Fault::ProvisionedThroughputExceeded) => {
                Ok(error(400, "ProvisionedThroughputExceededException"))
            }
            Some(Fault::Throttling) => Ok(error(400, "ThrottlingException")),
            Some(Fault::InternalServerError) => Ok(error(500, "InternalServerError")),
            Some(Fault::LostRequest) => Err(NoResponseError),
            Some(Fault::LostResponse) => {
                self.inner.call(operation, body)?;
                Err(NoResponseError)
            }
        }
    }
}

#[derive(Debug)]
struct Planned {
    operation: &'static str,
    calls_left: usize,
    fault: Fault,
}

fn conflict(body: &[u8]) -> AwsResponse {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(items) = request.get("TransactItems").and_then(Value::as_array) else {
        return error(400, "TransactionConflictException");
    };
    let reasons = (0..items.len()).map(|index| match index {
        0 => {
            json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"})
        }
        _ => json!({"Code": "None"}),
    });
    let body = json!({
        "__type": format!("{NAMESPACE}TransactionCanceledException"),
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons.collect::<Vec<_>>(),
    });
    AwsResponse { status: 400, body: body.to_string().into_bytes() }
}

fn error(status: u16, name: &str) -> AwsResponse {
    let body = json!({"__type": format!("{NAMESPACE}{name}"), "message": "injected"});
    AwsResponse { status, body: body.to_string().into_bytes() }
}

const NAMESPACE: &str = "com.amazonaws.dynamodb.v20120810#";
