//! An `OpenAPI` document, and validation of JSON by its schemas.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use axum::http::HeaderMap;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// A document in memory, with a cache of validators.
pub struct Document {
    text: Value,
    /// The schemas of the components: as written, and closed.
    components: [Value; 2],
    validators: Mutex<HashMap<(String, Openness), Arc<Validator>>>,
}

/// Which fields an object may have.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Openness {
    /// Fields outside of the schema too, unless the schema forbids them.
    AsWritten,
    /// Fields of the schema only, unless it explicitly allows others. The document leaves responses
    /// open, so that clients accept the fields of newer versions.
    Closed,
}

static OURS: LazyLock<Document> = LazyLock::new(|| Document::read(shared::operator_api::OPENAPI));

static DIRECTORY: LazyLock<Document> =
    LazyLock::new(|| Document::read(shared::directory_api::OPENAPI));

impl Document {
    fn read(text: &str) -> Self {
        let text: Value = serde_json::from_str(text).expect("JSON");
        let components = json!({"schemas": text["components"]["schemas"]});
        let closed = closed(components.clone());
        Self { text, components: [components, closed], validators: Mutex::default() }
    }

    /// The document of the operator API.
    pub fn ours() -> &'static Self {
        &OURS
    }

    /// The document of the directory API.
    pub fn directory() -> &'static Self {
        &DIRECTORY
    }

    /// The document that describes a path; `None` for a path of another API.
    pub fn of_path(path: &str) -> Option<&'static Self> {
        if path.starts_with("/v1/") {
            Some(Self::ours())
        } else if path.starts_with("/directory/v1/") {
            Some(Self::directory())
        } else {
            None
        }
    }

    /// The whole document.
    pub fn text(&self) -> &Value {
        &self.text
    }

    /// Returns the value at a JSON pointer (RFC 6901).
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.text.pointer(pointer).unwrap_or_else(|| panic!("the document has no {pointer}"))
    }

    /// Follows the `$ref` of a value, if it has one.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.resolved(self.at(reference.trim_start_matches('#'))),
            None => value,
        }
    }

    /// Returns all paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.text["paths"].as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Returns an operation; `method` is in lower case.
    pub fn operation(&self, path: &str, method: &str) -> Option<&Value> {
        self.text["paths"].get(path)?.get(method)
    }

    /// Validates a value by a schema of the document. The error lists the violations.
    pub fn check(&self, schema: &Value, value: &Value, openness: Openness) -> Result<(), String> {
        let validator = self.validator(schema, openness);
        let errors = validator.iter_errors(value);
        let errors: Vec<_> = errors
            .map(|error| format!("at {:?}: {error}", error.instance_path().as_str()))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    /// Validates headers by the documentation of a response.
    pub fn check_headers(&self, response: &Value, headers: &HeaderMap) -> Result<(), String> {
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = self.resolved(header);
            let Some(value) = headers.get(name) else {
                if header["required"] == true {
                    return Err(format!("no header {name}"));
                }
                continue;
            };
            let value = value.to_str().map_err(|error| error.to_string())?;
            self.check(&header["schema"], &value.into(), Openness::AsWritten)?;
        }
        Ok(())
    }

    fn validator(&self, schema: &Value, openness: Openness) -> Arc<Validator> {
        let key = (schema.to_string(), openness);
        let mut validators = self.validators.lock().expect("no panic while it was held");
        let made = validators.entry(key).or_insert_with(|| {
            let [as_written, shut] = &self.components;
            let (mut schema, components) = match openness {
                Openness::AsWritten => (schema.clone(), as_written),
                Openness::Closed => (closed(schema.clone()), shut),
            };
            // References point here.
            schema["components"] = components.clone();
            let options = jsonschema::options().with_draft(Draft::Draft202012);
            let options = options.should_validate_formats(true);
            Arc::new(options.build(&schema).expect("a schema"))
        });
        Arc::clone(made)
    }
}

fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = closed(member.take());
            }
            if members.get("properties").is_some_and(Value::is_object) {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = closed(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}
