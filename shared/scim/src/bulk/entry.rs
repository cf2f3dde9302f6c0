//! One operation of a bulk request on its way.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::request::{Request, Work};
use super::{Done, references};
use crate::error::ScimError;
use crate::schema::ResourceType;

/// An operation, what it waits for and what came of it.
#[derive(Debug)]
pub(super) struct Entry {
    method: String,
    bulk_id: Option<String>,
    resource_type: Option<&'static ResourceType>,
    /// The id of the resource, once it is known.
    pub(super) id: Option<String>,
    pub(super) state: State,
    /// The operations whose resources this one refers to.
    pub(super) depends_on: Vec<usize>,
    /// The operations that refer to this one's resource and still wait for it.
    pub(super) dependents: Vec<usize>,
    /// How many of `depends_on` have neither created a resource nor failed.
    pub(super) waits_for: usize,
}

/// How far an operation is.
#[derive(Debug)]
pub(super) enum State {
    /// It cannot be done at all; its error is reported at its turn.
    Refused(ScimError),
    /// Not begun.
    Pending(Work),
    /// The caller does it.
    Running,
    /// The caller creates a resource without the references that wait on a circle.
    Incomplete(Work),
    /// That resource exists, and waits to be replaced in full.
    Created(Work),
    /// The caller replaces it.
    Completing,
    /// Over.
    Ended(Result<Done, ScimError>),
}

/// Connects operations with those that they refer to.
pub(super) fn entries(requests: Vec<Request>) -> Vec<Entry> {
    let mut creators: HashMap<String, usize> = HashMap::new();
    for (index, request) in requests.iter().enumerate() {
        if let (POST, Some(bulk_id)) = (&*request.method, &request.bulk_id) {
            creators.entry(bulk_id.clone()).or_insert(index);
        }
    }
    let entry = |(index, request)| Entry::new(index, request, &creators);
    let mut entries: Vec<Entry> = requests.into_iter().enumerate().map(entry).collect();
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
    fn new(index: usize, request: Request, creators: &HashMap<String, usize>) -> Self {
        let Request { method, bulk_id, work } = request;
        let resource_type = work.as_ref().ok().map(|work| work.resource_type);
        let checked = work.and_then(|work| {
            if method == POST && bulk_id.as_ref().is_some_and(|id| creators.get(id) != Some(&index))
            {
                return Err(ScimError::InvalidValue("this bulkId is used twice".to_owned()));
            }
            let depends_on = depends_on(&work, creators)?;
            Ok((work, depends_on))
        });
        let (state, depends_on) = match checked {
            Ok((work, depends_on)) => (State::Pending(work), depends_on),
            Err(error) => (State::Refused(error), Vec::new()),
        };
        let waits_for = depends_on.len();
        let dependents = Vec::new();
        Self { method, bulk_id, resource_type, id: None, state, depends_on, dependents, waits_for }
    }

    /// The `bulkId` that others may refer to.
    pub(super) fn creates(&self) -> Option<&str> {
        self.bulk_id.as_deref().filter(|_| self.method == POST)
    }

    /// Its part of the answer; None if it was not done.
    pub(super) fn answer(self, base_url: &str) -> Option<Value> {
        let outcome = match self.state {
            State::Ended(outcome) => outcome,
            // The request stopped between the two steps.
            State::Created(_) => Err(ScimError::InvalidValue(
                "created without its references to other resources of this request".to_owned(),
            )),
            State::Refused(_)
            | State::Pending(_)
            | State::Running
            | State::Incomplete(_)
            | State::Completing => return None,
        };
        let mut answer = Map::new();
        if let (Some(resource_type), Some(id)) = (self.resource_type, self.id) {
            let location = format!("{base_url}{}/{id}", resource_type.endpoint);
            answer.insert("location".to_owned(), location.into());
        }
        answer.insert("method".to_owned(), self.method.into());
        if let Some(bulk_id) = self.bulk_id {
            answer.insert("bulkId".to_owned(), bulk_id.into());
        }
        let (status, version, response) = match outcome {
            Ok(done) => (done.status, done.version, None),
            Err(error) => (error.status(), None, Some(error.body())),
        };
        if let Some(version) = version {
            answer.insert("version".to_owned(), version.into());
        }
        answer.insert("status".to_owned(), status.to_string().into());
        if let Some(response) = response {
            answer.insert("response".to_owned(), response);
        }
        Some(Value::Object(answer))
    }
}

/// The operations that create what this one refers to, each once.
fn depends_on(work: &Work, creators: &HashMap<String, usize>) -> Result<Vec<usize>, ScimError> {
    let mut names = Vec::new();
    references::names(&work.data, &mut names);
    names.extend(work.id.as_deref().and_then(references::name));
    let creator =
        |name: &str| creators.get(name).copied().ok_or_else(|| references::unresolved(name));
    let mut indices: Vec<usize> = names.into_iter().map(creator).collect::<Result<_, _>>()?;
    indices.sort_unstable();
    indices.dedup();
    Ok(indices)
}

const POST: &str = "POST";
