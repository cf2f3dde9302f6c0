//! `/v1/openapi.json` describes the operator API completely and exactly, and
//! `/directory/v1/openapi.json` the directory API.
//!
//! The harness adds to this: it compares the requests and responses of all tests with the document.

mod deviations;
mod invalid_requests;

use std::collections::BTreeSet;

use axum::http::Method;
use harness::openapi::{Document, Openness};
use harness::{Answer, TestApp};
use serde_json::{Value, json};
use shared::directory_api;
use shared::operator_api::{OPENAPI, ROUTES};

const SCHEMA: &str = include_str!("../fixtures/openapi/schema-3.1-2022-10-07.json");

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// An operation of a document.
struct Operation {
    document: &'static Document,
    method: &'static str,
    path: &'static str,
    value: &'static Value,
}

fn documents() -> [&'static Document; 2] {
    [Document::ours(), Document::directory()]
}

/// The operations of the operator API.
fn operations() -> Vec<Operation> {
    let all = operations_of(Document::ours());
    assert!(all.len() > 30);
    all
}

fn operations_of(document: &'static Document) -> Vec<Operation> {
    let all = document.paths().flat_map(|path| METHODS.map(|method| (path, method)));
    let all = all.filter_map(|(path, method)| {
        Some(Operation { document, method, path, value: document.operation(path, method)? })
    });
    all.collect()
}

impl Operation {
    fn id(&self) -> &'static str {
        self.value["operationId"].as_str().unwrap()
    }

    fn parameters(&self) -> impl Iterator<Item = &'static Value> {
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        parameters.map(|parameter| self.document.resolved(parameter))
    }

    /// The request body, if the operation has one.
    fn body(&self) -> Option<&'static Value> {
        self.value.pointer("/requestBody/content/application~1json")
    }

    fn examples(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let examples = self.body().and_then(|body| body["examples"].as_object());
        examples.into_iter().flatten().map(|(name, example)| (name.as_str(), &example["value"]))
    }

    /// Sends a request of the operation, with the ids of a new deployment.
    async fn send(&self, test: &TestApp, query: &str, body: Option<Value>) -> Answer {
        let path = self.path.replace("{tenant}", &test.acme.id).replace("{domain}", "acme.com");
        let mut path = path + query;
        if path.contains("{client}") {
            let new = json!({"redirect_uris": ["https://app.example/callback"]});
            let new = test.operator(Method::POST, "/v1/clients", Some(new)).await.expect(201);
            path = path.replace("{client}", &new.text("client_id"));
        }
        if path.contains("{webhook}") {
            path = path.replace("{webhook}", &webhook(test).await);
        }
        let method = self.method.to_ascii_uppercase().parse().unwrap();
        test.operator(method, &path, body).await
    }
}

/// Returns the id of a webhook: of the first, or of a new one, since their number is limited.
async fn webhook(test: &TestApp) -> String {
    let listed = test.operator(Method::GET, "/v1/webhooks", None).await.expect(200).json();
    if let Some(id) = listed["items"][0]["id"].as_str() {
        return id.to_owned();
    }
    let new = json!({"url": "https://app.example/webhooks"});
    test.operator(Method::POST, "/v1/webhooks", Some(new)).await.expect(201).text("id")
}

/// Visits every value, with its path.
fn walk<'a>(value: &'a Value, at: &str, see: &mut impl FnMut(&str, &'a Value)) {
    see(at, value);
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| walk(member, &format!("{at}/{name}"), see));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, at, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_documents_are_openapi_3_1_and_their_schemas_are_json_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for document in documents() {
        let errors = validator.iter_errors(document.text());
        let errors: Vec<_> =
            errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0]);

        let mut references = 0;
        walk(document.text(), "", &mut |at, value| {
            if let Some(reference) = value["$ref"].as_str() {
                document.at(reference.strip_prefix('#').unwrap());
                references += 1;
            }
            let (before, last) = at.rsplit_once('/').unwrap_or_default();
            if last == "schema" || before == "/components/schemas" {
                jsonschema::draft202012::meta::validate(value)
                    .unwrap_or_else(|e| panic!("{at}: {e}"));
            }
        });
        assert!(references > 100, "{references}");
        assert_eq!(document.text()["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn every_component_is_used() {
    for document in documents() {
        let mut used = BTreeSet::new();
        walk(document.text(), "", &mut |_, value| used.extend(value["$ref"].as_str()));
        let required = document.at("/security").as_array().unwrap();
        for (kind, components) in document.at("/components").as_object().unwrap() {
            for name in components.as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                let is_required = required.iter().any(|schemes| schemes.get(name).is_some());
                assert!(is_required || used.contains(reference.as_str()), "{reference}");
            }
        }
    }
}

#[test]
fn the_documents_have_exactly_the_routes() {
    for (document, routes) in
        [(Document::ours(), &ROUTES[..]), (Document::directory(), &directory_api::ROUTES[..])]
    {
        let routes: BTreeSet<_> =
            routes.iter().copied().filter(|route| !route.ends_with("{*rest}")).collect();
        assert_eq!(routes, document.paths().collect());
    }
}

#[tokio::test]
async fn the_document_has_exactly_the_methods() {
    let test = TestApp::new().await;
    let nobody = "11111111-1111-4111-8111-111111111111";
    for route in Document::ours().paths() {
        let path = route.replace("{tenant}", nobody).replace("{domain}", "acme.com");
        for method in METHODS {
            let sent = method.to_ascii_uppercase().parse().unwrap();
            let status = test.operator(sent, &path, None).await.status.as_u16();
            let is_documented = Document::ours().operation(route, method).is_some();
            assert_eq!(status != 405, is_documented, "{method} {route}: {status}");
        }
    }
}

#[test]
fn every_operation_has_a_unique_id_a_tag_and_its_parameters() {
    for document in documents() {
        check_operations(document);
    }
}

fn check_operations(document: &'static Document) {
    let tags = document.at("/tags").as_array().unwrap();
    let mut ids = BTreeSet::new();
    for operation in operations_of(document) {
        let id = operation.id();
        assert!(ids.insert(id), "{id} is not unique");
        assert!(operation.value["summary"].is_string(), "{id}");
        let tag = &operation.value["tags"][0];
        assert!(tags.iter().any(|known| known["name"] == *tag), "{id}: {tag}");
        let in_path = operation.parameters().filter(|parameter| parameter["in"] == "path");
        let in_path: BTreeSet<_> = in_path
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
            .collect();
        let segments = operation.path.split('/').filter(|segment| segment.starts_with('{'));
        assert_eq!(in_path, segments.map(str::to_owned).collect(), "{id}");
        let has_body = matches!(operation.method, "post" | "put" | "patch");
        assert!(has_body || operation.body().is_none(), "{id}");
        assert!(operation.body().is_none() || operation.examples().count() > 0, "{id}: no example");
    }
}

#[test]
fn every_example_is_valid() {
    let counts = documents().map(|document| {
        let mut count = 0;
        walk(document.text(), "", &mut |at, value| {
            let Some(schema) = value.get("schema") else { return };
            let many = value["examples"].as_object().into_iter().flatten();
            let many = many.map(|(_, one)| &one["value"]);
            for example in value.get("example").into_iter().chain(many) {
                let valid = document.check(schema, example, Openness::Closed);
                valid.unwrap_or_else(|error| panic!("{at}: {example}: {error}"));
                count += 1;
            }
        });
        count
    });
    assert!(counts[0] > 30 && counts[1] >= 9, "{counts:?}");
}

/// Examples that need a running identity provider.
const NEED_A_PROVIDER: [&str; 2] = ["by_url", "by_document"];

#[tokio::test]
async fn every_example_of_a_request_is_accepted() {
    for operation in operations() {
        for (name, example) in operation.examples() {
            if NEED_A_PROVIDER.contains(&name) {
                continue;
            }
            let test = TestApp::with_connection(json!({"jit": true})).await;
            let tokens = format!("/v1/tenants/{}/scim-tokens", test.acme.id);
            let answer = operation.send(&test, "", Some(example.clone())).await;
            assert!(answer.status.is_success(), "{}: {name}: {:?}", operation.id(), answer);
            assert_eq!(test.operator(Method::GET, &tokens, None).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_documents_are_served_and_may_be_cached() {
    let test = TestApp::new().await;
    let answer = test.operator(Method::GET, "/v1/openapi.json", None).await.expect(200);
    assert_eq!(answer.bytes, OPENAPI.as_bytes());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, max-age=300"));
    let answer = test.browse("/directory/v1/openapi.json", None).await.expect(200);
    assert_eq!(answer.bytes, directory_api::OPENAPI.as_bytes());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

/// Returns the value with one field set.
fn with(example: &Value, name: &str, value: Value) -> Value {
    let mut changed = example.clone();
    changed[name] = value;
    changed
}
