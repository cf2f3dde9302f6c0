//! Bulk operations (RFC 7644 §3.7), as a state machine without I/O.
//!
//! [`Bulk::next_operation`] says what to do next, the caller does it and says how it went with
//! [`Bulk::record`], until nothing is left; [`Bulk::finish`] is the answer.
//!
//! An operation runs once every operation that its `bulkId:` references name has created its
//! resource, otherwise in the order of the request. Where references form a circle, one resource
//! is created without those that cannot be resolved yet, and replaced in full once they can
//! (RFC 7644 §3.7.1). What refers to an operation that failed fails too.

mod entry;
mod references;
mod request;

use std::collections::{BTreeSet, HashMap};
use std::mem;

use serde_json::{Value, json};

use self::entry::{Entry, State};
use self::request::Work;
use crate::error::ScimError;
use crate::schema::ResourceType;

/// The schema URN of a bulk request.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The schema URN of a bulk response.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A bulk request in progress.
#[derive(Debug)]
pub struct Bulk {
    entries: Vec<Entry>,
    /// Stop after so many errors.
    fail_on_errors: Option<u64>,
    errors: u64,
    /// What waits for nothing but its turn.
    ready: BTreeSet<usize>,
    /// What the caller is doing.
    running: Option<usize>,
    /// Ids of created resources by their `bulkId`.
    ids: HashMap<String, String>,
}

/// The methods of bulk operations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BulkMethod {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
}

/// One operation for the caller to do, with every reference resolved.
#[derive(Debug)]
pub struct Operation {
    /// Where it is in the request; [`Bulk::record`] wants it back.
    pub index: usize,
    /// What to do.
    pub method: BulkMethod,
    /// To which type of resource.
    pub resource_type: &'static ResourceType,
    /// To which resource. None for POST.
    pub id: Option<String>,
    /// The entity tag that the resource must have, as in `If-Match`.
    pub version: Option<String>,
    /// The body. Null for DELETE.
    pub data: Value,
}

/// How an operation went well.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The HTTP status.
    pub status: u16,
    /// The id of the resource.
    pub id: String,
    /// The entity tag of the resource as it is now. None if it is gone.
    pub version: Option<String>,
}

impl Bulk {
    /// Reads a bulk request. What is wrong with one operation is that operation's error.
    pub fn parse(body: Value) -> Result<Self, ScimError> {
        let (requests, fail_on_errors) = request::parse(body)?;
        let entries = entry::entries(requests);
        let ready = (0..entries.len())
            .filter(|index| entries.get(*index).is_some_and(|entry| entry.waits_for == 0))
            .collect();
        Ok(Self { entries, fail_on_errors, errors: 0, ready, running: None, ids: HashMap::new() })
    }

    /// The next operation to do. None while one is not recorded yet, and at the end: when all are
    /// done or as many have failed as `failOnErrors` allows.
    pub fn next_operation(&mut self) -> Option<Operation> {
        if self.running.is_some() {
            return None;
        }
        while self.fail_on_errors.is_none_or(|limit| self.errors < limit) {
            let (index, prepared) = match self.ready.pop_first() {
                Some(index) => (index, self.prepare(index)),
                None => self.break_circle()?,
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

    /// Takes note of how an operation went.
    pub fn record(&mut self, index: usize, outcome: Result<Done, ScimError>) {
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
            State::Incomplete(work) => {
                entry.state = State::Created(work);
                if entry.waits_for == 0 {
                    self.ready.insert(index);
                }
                self.unblock(index);
            }
            // The answer to a POST says that it created, also after the replacement.
            State::Completing => self.end(index, Ok(Done { status: 201, ..done })),
            State::Running
            | State::Refused(_)
            | State::Pending(_)
            | State::Created(_)
            | State::Ended(_) => self.end(index, Ok(done)),
        }
    }

    /// The body of the answer: what was done, in the order of the request. Addresses begin with
    /// `base_url`, as `https://example.com/scim/v2`.
    pub fn finish(self, base_url: &str) -> Value {
        let operations: Vec<Value> =
            self.entries.into_iter().filter_map(|entry| entry.answer(base_url)).collect();
        json!({"schemas": [BULK_RESPONSE], "Operations": operations})
    }

    /// Makes an operation of what waits for nothing.
    fn prepare(&mut self, index: usize) -> Result<Operation, ScimError> {
        let entry = self.entries.get_mut(index).ok_or(ScimError::Internal)?;
        let mut work = match mem::replace(&mut entry.state, State::Running) {
            State::Pending(work) => work,
            State::Created(work) => {
                entry.state = State::Completing;
                Work { method: BulkMethod::Put, id: entry.id.clone(), version: None, ..work }
            }
            State::Refused(error) => return Err(error),
            State::Running | State::Incomplete(_) | State::Completing | State::Ended(_) => {
                return Err(ScimError::Internal);
            }
        };
        references::resolve(&mut work.data, &self.ids)?;
        if let Some(id) = &mut work.id {
            references::resolve_text(id, &self.ids)?;
            entry.id = Some(id.clone());
        }
        Ok(work.into_operation(index))
    }

    /// Makes an operation of one that waits for itself in the end, without what it waits for.
    fn break_circle(&mut self) -> Option<(usize, Result<Operation, ScimError>)> {
        let index = self.on_a_circle()?;
        let entry = self.entries.get_mut(index)?;
        let State::Pending(work) = mem::replace(&mut entry.state, State::Running) else {
            return Some((index, Err(ScimError::Internal)));
        };
        let mut first = work.clone();
        entry.state = State::Incomplete(work);
        references::strip(&mut first.data, &self.ids);
        let resolved = references::resolve(&mut first.data, &self.ids);
        Some((index, resolved.map(|()| first.into_operation(index))))
    }

    /// Follows from the first operation that waits what it waits for, until one comes twice. Only
    /// POSTs are waited for, so it is a POST.
    fn on_a_circle(&self) -> Option<usize> {
        let waits = |entry: &Entry| matches!(entry.state, State::Pending(_));
        let mut index = self.entries.iter().position(waits)?;
        let mut seen = BTreeSet::new();
        while seen.insert(index) {
            let on = &self.entries.get(index)?.depends_on;
            index = *on.iter().find(|on| self.entries.get(**on).is_some_and(waits))?;
        }
        Some(index)
    }

    fn end(&mut self, index: usize, outcome: Result<Done, ScimError>) {
        self.errors += u64::from(outcome.is_err());
        if let Some(entry) = self.entries.get_mut(index) {
            entry.state = State::Ended(outcome);
        }
        self.unblock(index);
    }

    /// Lets go what waits for this operation.
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
