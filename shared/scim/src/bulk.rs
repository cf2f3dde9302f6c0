//! Schedules bulk operations (RFC 7644 §3.7), as a state machine without I/O.
//!
//! The caller executes each operation of [`Bulk::next_operation`], reports its result to
//! [`Bulk::record`] and, when no operation is left, answers with [`Bulk::finish`].
//!
//! An operation runs when all operations that its `bulkId:` references name have created their
//! resources, otherwise in the order of the request. If references form a cycle, one resource is
//! created without those that cannot be resolved yet, and replaced in full when they can
//! (RFC 7644 §3.7.1). An operation that refers to a failed one fails too.

mod entry;
mod references;
mod request;

use std::collections::{BTreeSet, HashMap};
use std::mem;

use serde_json::{Value, json};

use self::entry::{Entry, State};
use self::request::UnresolvedOperation;
use crate::error::ScimError;
use crate::schema::ResourceKind;

/// Schema URN of a bulk request.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// Schema URN of a bulk response.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A bulk request in progress.
#[derive(Debug)]
pub struct Bulk {
    entries: Vec<Entry>,
    /// Number of errors at which to stop.
    fail_on_errors: Option<u64>,
    errors: u64,
    /// Indices of the operations that wait for no other operation.
    ready: BTreeSet<usize>,
    /// Index of the operation that the caller executes.
    running: Option<usize>,
    /// Ids of created resources by their `bulkId`.
    ids: HashMap<String, String>,
}

/// Method of a bulk operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BulkMethod {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Patch.
    Patch,
    /// Delete.
    Delete,
}

/// An operation for the caller to execute, with every reference resolved.
#[derive(Debug)]
pub struct BulkOperation {
    /// Position in the request; an argument of [`Bulk::record`].
    pub index: usize,
    /// Method.
    pub method: BulkMethod,
    /// Kind of the resource.
    pub kind: ResourceKind,
    /// Id of the resource. `None` for POST.
    pub id: Option<String>,
    /// Entity tag that the resource must have, as in `If-Match`.
    pub version: Option<String>,
    /// Body. Null for DELETE.
    pub data: Value,
}

/// Result of an operation that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkSuccess {
    /// HTTP status.
    pub status: u16,
    /// Id of the resource.
    pub id: String,
    /// Entity tag of the resource after the operation. `None` if it was deleted.
    pub version: Option<String>,
}

impl Bulk {
    /// Parses a bulk request. An invalid operation fails by itself, when its turn comes.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidSyntax`] or [`ScimError::InvalidValue`] if the message is malformed,
    /// [`ScimError::PayloadTooLarge`] if it has too many operations.
    pub fn parse(body: Value) -> Result<Self, ScimError> {
        let (operations, fail_on_errors) = request::parse(body)?;
        let entries = entry::connect(operations);
        let ready = (0..entries.len())
            .filter(|index| entries.get(*index).is_some_and(|entry| entry.waits_for == 0))
            .collect();
        Ok(Self { entries, fail_on_errors, errors: 0, ready, running: None, ids: HashMap::new() })
    }

    /// Returns the next operation to execute. `None` while the result of one is missing, and at the
    /// end: when all are executed or `failOnErrors` of them have failed.
    pub fn next_operation(&mut self) -> Option<BulkOperation> {
        if self.running.is_some() {
            return None;
        }
        while self.fail_on_errors.is_none_or(|limit| self.errors < limit) {
            let (index, prepared) = match self.ready.pop_first() {
                Some(index) => (index, self.prepare(index)),
                None => self.break_cycle()?,
            };
            match prepared {
                Ok(operation) => {
                    self.running = Some(index);
                    return Some(operation);
                }
                Err(error) => self.end(index, Err(error)),
            }
        }
        None
    }

    /// Records the result of an operation.
    pub fn record(&mut self, index: usize, outcome: Result<BulkSuccess, ScimError>) {
        self.running = None;
        let Some(entry) = self.entries.get_mut(index) else { return };
        let done = match outcome {
            Ok(done) => done,
            Err(error) => return self.end(index, Err(error)),
        };
        entry.id = Some(done.id.clone());
        if let Some(bulk_id) = entry.creates() {
            self.ids.insert(bulk_id.to_owned(), done.id.clone());
        }
        match mem::replace(&mut entry.state, State::Running) {
            State::Incomplete(operation) => {
                entry.state = State::Created(operation);
                if entry.waits_for == 0 {
                    self.ready.insert(index);
                }
                self.unblock(index);
            }
            // The status of a POST stays 201 after the replacement.
            State::Completing => self.end(index, Ok(BulkSuccess { status: 201, ..done })),
            State::Running
            | State::Invalid(_)
            | State::Pending(_)
            | State::Created(_)
            | State::Ended(_) => self.end(index, Ok(done)),
        }
    }

    /// Returns the body of the response: the results in the order of the request. Locations begin
    /// with `base_url`, as `https://example.com/scim/v2`.
    pub fn finish(self, base_url: &str) -> Value {
        let operations: Vec<Value> =
            self.entries.into_iter().filter_map(|entry| entry.into_response(base_url)).collect();
        json!({"schemas": [BULK_RESPONSE], "Operations": operations})
    }

    /// Prepares an operation that waits for no other one.
    fn prepare(&mut self, index: usize) -> Result<BulkOperation, ScimError> {
        let entry = self.entries.get_mut(index).ok_or(ScimError::Internal)?;
        let mut operation = match mem::replace(&mut entry.state, State::Running) {
            State::Pending(operation) => operation,
            State::Created(operation) => {
                entry.state = State::Completing;
                UnresolvedOperation {
                    method: BulkMethod::Put,
                    id: entry.id.clone(),
                    version: None,
                    ..operation
                }
            }
            State::Invalid(error) => return Err(error),
            State::Running | State::Incomplete(_) | State::Completing | State::Ended(_) => {
                return Err(ScimError::Internal);
            }
        };
        references::resolve(&mut operation.data, &self.ids)?;
        if let Some(id) = &mut operation.id {
            references::resolve_text(id, &self.ids)?;
            entry.id = Some(id.clone());
        }
        Ok(operation.into_operation(index))
    }

    /// Prepares an operation on a cycle of references, without the references that are unresolved.
    fn break_cycle(&mut self) -> Option<(usize, Result<BulkOperation, ScimError>)> {
        let index = self.find_cycle()?;
        let entry = self.entries.get_mut(index)?;
        let State::Pending(operation) = mem::replace(&mut entry.state, State::Running) else {
            return Some((index, Err(ScimError::Internal)));
        };
        let mut first = operation.clone();
        entry.state = State::Incomplete(operation);
        references::strip_unresolved(&mut first.data, &self.ids);
        let resolved = references::resolve(&mut first.data, &self.ids);
        Some((index, resolved.map(|()| first.into_operation(index))))
    }

    /// Returns an operation on a cycle: follows the references from the first waiting operation
    /// until one occurs twice. It is a POST, since only POSTs are referred to.
    fn find_cycle(&self) -> Option<usize> {
        let waits = |entry: &Entry| matches!(entry.state, State::Pending(_));
        let mut index = self.entries.iter().position(waits)?;
        let mut seen = BTreeSet::new();
        while seen.insert(index) {
            let creators = &self.entries.get(index)?.depends_on;
            index = *creators.iter().find(|on| self.entries.get(**on).is_some_and(waits))?;
        }
        Some(index)
    }

    fn end(&mut self, index: usize, outcome: Result<BulkSuccess, ScimError>) {
        self.errors += u64::from(outcome.is_err());
        if let Some(entry) = self.entries.get_mut(index) {
            entry.state = State::Ended(outcome);
        }
        self.unblock(index);
    }

    /// Unblocks the operations that wait for this one.
    fn unblock(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        for waiting in mem::take(&mut entry.dependents) {
            let Some(entry) = self.entries.get_mut(waiting) else { continue };
            entry.waits_for = entry.waits_for.saturating_sub(1);
            let may_run = matches!(entry.state, State::Pending(_) | State::Created(_));
            if entry.waits_for == 0 && may_run {
                self.ready.insert(waiting);
            }
        }
    }
}

#[cfg(test)]
mod tests;
