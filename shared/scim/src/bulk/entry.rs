//! State of one operation of a bulk request.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::request::{ParsedOperation, UnresolvedOperation};
use super::{BulkSuccess, references};
use crate::error::ScimError;
use crate::schema::ResourceKind;

/// An operation, its dependencies and its result.
#[derive(Debug)]
pub(super) struct Entry {
    method: String,
    bulk_id: Option<String>,
    kind: Option<ResourceKind>,
    /// Id of the resource, when it is known.
    pub(super) id: Option<String>,
    pub(super) state: State,
    /// Indices of the operations whose resources this one refers to.
    pub(super) depends_on: Vec<usize>,
    /// Indices of the operations that wait for the resource of this one.
    pub(super) dependents: Vec<usize>,
    /// Number of operations in `depends_on` that have neither created a resource nor failed.
    pub(super) waits_for: usize,
}

/// Progress of an operation.
#[derive(Debug)]
pub(super) enum State {
    /// Invalid; the error is reported when its turn comes.
    Invalid(ScimError),
    /// Not started.
    Pending(UnresolvedOperation),
    /// The caller executes it.
    Running,
    /// On a cycle: the caller creates the resource without its unresolved references.
    Incomplete(UnresolvedOperation),
    /// On a cycle: the resource exists without some references and waits to be replaced.
    Created(UnresolvedOperation),
    /// On a cycle: the caller replaces the resource.
    Completing,
    /// Finished.
    Ended(Result<BulkSuccess, ScimError>),
}

/// Connects the operations with those that they refer to.
pub(super) fn connect(operations: Vec<ParsedOperation>) -> Vec<Entry> {
    let mut creators: HashMap<String, usize> = HashMap::new();
    for (index, operation) in operations.iter().enumerate() {
        if let (POST, Some(bulk_id)) = (&*operation.method, &operation.bulk_id) {
            creators.entry(bulk_id.clone()).or_insert(index);
        }
    }
    let entry = |(index, operation)| Entry::new(index, operation, &creators);
    let mut entries: Vec<Entry> = operations.into_iter().enumerate().map(entry).collect();
    let edges: Vec<(usize, usize)> = entries
        .iter()
        .enumerate()
        .flat_map(|(index, entry)| entry.depends_on.iter().map(move |on| (*on, index)))
        .collect();
    for (on, index) in edges {
        if let Some(entry) = entries.get_mut(on) {
            entry.dependents.push(index);
        }
    }
    entries
}

impl Entry {
    fn new(index: usize, parsed: ParsedOperation, creators: &HashMap<String, usize>) -> Self {
        let ParsedOperation { method, bulk_id, operation } = parsed;
        let kind = operation.as_ref().ok().map(|operation| operation.kind);
        let checked = operation.and_then(|operation| {
            if method == POST && bulk_id.as_ref().is_some_and(|id| creators.get(id) != Some(&index))
            {
                return Err(ScimError::InvalidValue("this bulkId is used twice".to_owned()));
            }
            let depends_on = depends_on(&operation, creators)?;
            Ok((operation, depends_on))
        });
        let (state, depends_on) = match checked {
            Ok((operation, depends_on)) => (State::Pending(operation), depends_on),
            Err(error) => (State::Invalid(error), Vec::new()),
        };
        let waits_for = depends_on.len();
        let dependents = Vec::new();
        Self { method, bulk_id, kind, id: None, state, depends_on, dependents, waits_for }
    }

    /// Returns the `bulkId` that other operations may refer to.
    pub(super) fn creates(&self) -> Option<&str> {
        self.bulk_id.as_deref().filter(|_| self.method == POST)
    }

    /// Returns its part of the response; `None` if it was not executed.
    pub(super) fn into_response(self, base_url: &str) -> Option<Value> {
        let outcome = match self.state {
            State::Ended(outcome) => outcome,
            // `failOnErrors` stopped the request before the replacement.
            State::Created(_) => Err(ScimError::InvalidValue(
                "created without its references to other resources of this request".to_owned(),
            )),
            State::Invalid(_)
            | State::Pending(_)
            | State::Running
            | State::Incomplete(_)
            | State::Completing => return None,
        };
        let mut response = Map::new();
        if let (Some(kind), Some(id)) = (self.kind, self.id) {
            let location = format!("{base_url}{}/{id}", kind.resource_type().endpoint);
            response.insert("location".to_owned(), location.into());
        }
        response.insert("method".to_owned(), self.method.into());
        if let Some(bulk_id) = self.bulk_id {
            response.insert("bulkId".to_owned(), bulk_id.into());
        }
        let (status, version, error) = match outcome {
            Ok(done) => (done.status, done.version, None),
            Err(error) => (error.status(), None, Some(error.body())),
        };
        if let Some(version) = version {
            response.insert("version".to_owned(), version.into());
        }
        response.insert("status".to_owned(), status.to_string().into());
        if let Some(error) = error {
            response.insert("response".to_owned(), error);
        }
        Some(Value::Object(response))
    }
}

/// Returns the operations that create the resources that this one refers to, each once.
fn depends_on(
    operation: &UnresolvedOperation,
    creators: &HashMap<String, usize>,
) -> Result<Vec<usize>, ScimError> {
    let mut names = Vec::new();
    references::names(&operation.data, &mut names);
    names.extend(operation.id.as_deref().and_then(references::name));
    let creator =
        |name: &str| creators.get(name).copied().ok_or_else(|| references::unresolved(name));
    let mut indices: Vec<usize> = names.into_iter().map(creator).collect::<Result<_, _>>()?;
    indices.sort_unstable();
    indices.dedup();
    Ok(indices)
}

const POST: &str = "POST";
