//! What AWS does now and then and the embedded database never does.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Endpoint, NoAnswer};
use crate::answer::Answer;

/// An endpoint that fails the calls it was told to. Clones share the plan.
#[derive(Clone, Debug)]
pub struct Faults<E> {
    inner: E,
    plan: Arc<Mutex<Vec<Planned>>>,
}

/// One way in which DynamoDB fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Another transaction holds one of the items: `TransactionCanceledException` whose first
    /// reason is `TransactionConflict` and whose others are `None`, or
    /// `TransactionConflictException` for a write outside a transaction.
    TransactionConflict,
    /// `ProvisionedThroughputExceededException`: one partition is too hot.
    ProvisionedThroughputExceeded,
    /// `ThrottlingException`: the table is still growing into its load.
    Throttling,
    /// `InternalServerError`, nothing applied.
    InternalServerError,
    /// No answer, nothing applied.
    LostRequest,
    /// No answer, but the operation was applied.
    LostAnswer,
}

impl<E> Faults<E> {
    /// Passes every call to `inner` until a fault is planned.
    pub fn over(inner: E) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Fails the `nth` call of `operation` from now on, 1 being the next.
    pub fn fail(&self, operation: &'static str, nth: usize, fault: Fault) {
        self.with_plan(|plan| plan.push(Planned { operation, calls_left: nth, fault }));
    }

    /// How many planned faults have not happened yet.
    pub fn pending(&self) -> usize {
        self.with_plan(|plan| plan.len())
    }

    /// Counts this call, and takes the fault that is due with it.
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
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        match self.due(operation) {
            None => self.inner.answer(operation, body),
            Some(Fault::TransactionConflict) => Ok(conflict(body)),
            Some(Fault::ProvisionedThroughputExceeded) => {
                Ok(error(400, "ProvisionedThroughputExceededException"))
            }
            Some(Fault::Throttling) => Ok(error(400, "ThrottlingException")),
            Some(Fault::InternalServerError) => Ok(error(500, "InternalServerError")),
            Some(Fault::LostRequest) => Err(NoAnswer),
            Some(Fault::LostAnswer) => {
                self.inner.answer(operation, body)?;
                Err(NoAnswer)
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

fn conflict(body: &[u8]) -> Answer {
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
    Answer { status: 400, body: body.to_string().into_bytes() }
}

fn error(status: u16, name: &str) -> Answer {
    let body = json!({"__type": format!("{NAMESPACE}{name}"), "message": "injected"});
    Answer { status, body: body.to_string().into_bytes() }
}

const NAMESPACE: &str = "com.amazonaws.dynamodb.v20120810#";
