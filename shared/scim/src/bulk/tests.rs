#![expect(clippy::needless_pass_by_value, reason = "cases read better with json! in place")]

use proptest::prelude::*;

use super::*;

fn bulk(operations: Value) -> Bulk {
    limited(None, operations)
}

fn limited(fail_on_errors: Option<u64>, operations: Value) -> Bulk {
    let body = json!({
        "schemas": [BULK_REQUEST],
        "failOnErrors": fail_on_errors,
        "Operations": operations,
    });
    Bulk::parse(body).unwrap()
}

/// Executes every operation as a service would. Operation `n` creates the id `id-n`; an operation
/// with `"fail": true` in its data fails.
fn run(mut bulk: Bulk) -> (Vec<String>, Vec<String>) {
    let mut done = Vec::new();
    while let Some(operation) = bulk.next_operation() {
        let BulkOperation { index, method, kind, id, version, data } = operation;
        assert!(bulk.next_operation().is_none(), "one at a time");
        let path =
            format!("{}/{}", kind.resource_type().endpoint, id.as_deref().unwrap_or_default());
        done.push(format!("{method:?} {path} {}{data}", version.unwrap_or_default()));
        let outcome = if data.get("fail").is_some() {
            Err(ScimError::Uniqueness { attribute: "userName" })
        } else {
            let status = if method == BulkMethod::Post { 201 } else { 200 };
            let id = id.unwrap_or_else(|| format!("id-{index}"));
            Ok(BulkSuccess { status, id, version: Some("W/\"1\"".to_owned()) })
        };
        bulk.record(index, outcome);
    }
    let answer = bulk.finish("https://x/scim/v2");
    assert_eq!(answer["schemas"], json!([BULK_RESPONSE]));
    let answers = answer["Operations"].as_array().unwrap().iter().map(Value::to_string).collect();
    (done, answers)
}

fn post(bulk_id: &str, path: &str, data: Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

fn member(bulk_id: &str) -> Value {
    json!({"members": [{"value": format!("bulkId:{bulk_id}")}, {"value": "old"}]})
}

#[test]
fn independent_operations_run_in_the_order_of_the_request() {
    let (done, answers) = run(bulk(json!([
        post("a", "/Users", json!({"userName": "a"})),
        {"method": "put", "path": "/Users/1", "version": "W/\"3\"", "data": {"userName": "b"}},
        {"method": "PATCH", "path": "/groups/2/", "data": {"Operations": []}},
        {"method": "DELETE", "path": "Users/3"},
    ])));
    insta::assert_snapshot!(done.join("\n"), @r#"
    Post /Users/ {"userName":"a"}
    Put /Users/1 W/"3"{"userName":"b"}
    Patch /Groups/2 {"Operations":[]}
    Delete /Users/3 null
    "#);
    insta::assert_snapshot!(answers.join("\n"), @r#"
    {"location":"https://x/scim/v2/Users/id-0","method":"POST","bulkId":"a","version":"W/\"1\"","status":"201"}
    {"location":"https://x/scim/v2/Users/1","method":"PUT","version":"W/\"1\"","status":"200"}
    {"location":"https://x/scim/v2/Groups/2","method":"PATCH","version":"W/\"1\"","status":"200"}
    {"location":"https://x/scim/v2/Users/3","method":"DELETE","version":"W/\"1\"","status":"200"}
    "#);
}

#[test]
fn an_operation_waits_for_the_resources_that_it_refers_to() {
    let (done, _) = run(bulk(json!([
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [
            {"op": "remove", "path": "members[value eq \"bulkId:u\" or value eq \"bulkId:v\"].x"},
        ]}},
        post("g", "/Groups", member("u")),
        post("u", "/Users", json!({"userName": "u", "urn:x": {"manager": {"value": "bulkId:v"}}})),
        post("v", "/Users", json!({"userName": "v"})),
    ])));
    insta::assert_snapshot!(done.join("\n"), @r#"
    Post /Users/ {"userName":"v"}
    Post /Users/ {"userName":"u","urn:x":{"manager":{"value":"id-3"}}}
    Post /Groups/ {"members":[{"value":"id-2"},{"value":"old"}]}
    Patch /Groups/id-1 {"Operations":[{"op":"remove","path":"members[value eq \"id-2\" or value eq \"id-3\"].x"}]}
    "#);
}

#[test]
fn only_a_string_that_names_a_resource_is_a_reference() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let (done, _) = run(bulk(json!([
        post("u", "/Users", json!({"title": "bulkId:hello", "path": "\"bulkId:x\""})),
        post("g", "/Groups", json!({"members": ["bulkId:u"], "displayName": "bulkId:u"})),
        post("h", "/Groups", json!({"members": "bulkId:u", "a": {"$ref": "bulkId:u"}})),
        {"method": "PATCH", "path": "/Users/1", "data": {"Operations": [
            {"op": "replace", "path": "title", "value": "bulkId:hello"},
            {"op": "add", "path": "members[value eq \"bulkId:g\"].display", "value": "bulkId:x"},
            {"op": "add", "path": "members", "value": ["bulkId:u"]},
            {"op": "add", "path": manager, "value": "bulkId:u"},
            {"op": "add", "value": {manager: "bulkId:u", "nickName": "bulkId:x"}},
        ]}},
    ])));
    insta::assert_snapshot!(done.join("\n"), @r#"
    Post /Users/ {"title":"bulkId:hello","path":"\"bulkId:x\""}
    Post /Groups/ {"members":["id-0"],"displayName":"bulkId:u"}
    Post /Groups/ {"members":"id-0","a":{"$ref":"id-0"}}
    Patch /Users/1 {"Operations":[{"op":"replace","path":"title","value":"bulkId:hello"},{"op":"add","path":"members[value eq \"id-1\"].display","value":"bulkId:x"},{"op":"add","path":"members","value":["id-0"]},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"id-0"},{"op":"add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":"id-0","nickName":"bulkId:x"}}]}
    "#);
}

#[test]
fn a_cycle_is_created_in_two_steps() {
    let (done, answers) = run(bulk(json!([
        post("z", "/Groups", member("a")),
        post("a", "/Groups", member("b")),
        post("b", "/Groups", member("a")),
        post("m", "/Users", json!({"manager": {"value": "bulkId:m"}, "userName": "m"})),
    ])));
    insta::assert_snapshot!(done.join("\n"), @r#"
    Post /Groups/ {"members":[{"value":"old"}]}
    Post /Groups/ {"members":[{"value":"id-1"},{"value":"old"}]}
    Post /Groups/ {"members":[{"value":"id-1"},{"value":"old"}]}
    Put /Groups/id-1 {"members":[{"value":"id-2"},{"value":"old"}]}
    Post /Users/ {"userName":"m"}
    Put /Users/id-3 {"manager":{"value":"id-3"},"userName":"m"}
    "#);
    insta::assert_snapshot!(answers.join("\n"), @r#"
    {"location":"https://x/scim/v2/Groups/id-0","method":"POST","bulkId":"z","version":"W/\"1\"","status":"201"}
    {"location":"https://x/scim/v2/Groups/id-1","method":"POST","bulkId":"a","version":"W/\"1\"","status":"201"}
    {"location":"https://x/scim/v2/Groups/id-2","method":"POST","bulkId":"b","version":"W/\"1\"","status":"201"}
    {"location":"https://x/scim/v2/Users/id-3","method":"POST","bulkId":"m","version":"W/\"1\"","status":"201"}
    "#);
}

#[test]
fn an_operation_that_refers_to_a_failed_one_fails() {
    let (done, answers) = run(bulk(json!([
        post("a", "/Users", json!({"fail": true})),
        post("b", "/Groups", member("a")),
        post("c", "/Groups", member("nope")),
        post("d", "/Groups", member("e")),
        post("e", "/Groups", json!({"fail": true, "members": [{"value": "bulkId:d"}]})),
    ])));
    insta::assert_snapshot!(done.join("\n"), @r#"
    Post /Users/ {"fail":true}
    Post /Groups/ {"members":[{"value":"old"}]}
    Post /Groups/ {"fail":true,"members":[{"value":"id-3"}]}
    "#);
    insta::assert_snapshot!(answers.join("\n"), @r#"
    {"method":"POST","bulkId":"a","status":"409","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"userName is already used by another resource"}}
    {"method":"POST","bulkId":"b","status":"400","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"bulkId:a names no resource that this request created"}}
    {"method":"POST","bulkId":"c","status":"400","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"bulkId:nope names no resource that this request created"}}
    {"location":"https://x/scim/v2/Groups/id-3","method":"POST","bulkId":"d","status":"400","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"bulkId:e names no resource that this request created"}}
    {"method":"POST","bulkId":"e","status":"409","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"userName is already used by another resource"}}
    "#);
}

#[test]
fn fail_on_errors_stops_after_that_many_errors() {
    let operations = json!([
        post("a", "/Users", json!({"fail": true})),
        post("b", "/Users", json!({})),
        {"method": "GET", "path": "/Users"},
        post("c", "/Users", json!({})),
    ]);
    let count = |limit| {
        let (done, answers) = run(limited(limit, operations.clone()));
        (done.len(), answers.len())
    };
    assert_eq!(count(None), (3, 4));
    assert_eq!(count(Some(0)), (3, 4));
    assert_eq!(count(Some(3)), (3, 4));
    assert_eq!(count(Some(2)), (2, 3));
    assert_eq!(count(Some(1)), (1, 1));
}

#[test]
fn an_invalid_operation_fails_by_itself() {
    let error = |operation: Value| {
        let (done, answers) = run(bulk(json!([operation])));
        assert!(done.is_empty());
        let answer: Value = serde_json::from_str(&answers[0]).unwrap();
        format!("{} {}", answer["status"].as_str().unwrap(), answer["response"]["detail"])
    };
    insta::assert_snapshot!(error(json!({"method": "POST", "path": "/Users", "data": {}})), @r#"400 "POST requires a bulkId (RFC 7644 section 3.7)""#);
    insta::assert_snapshot!(error(json!({"method": "GET", "path": "/Users/1"})), @r#"400 "method must be POST, PUT, PATCH or DELETE""#);
    insta::assert_snapshot!(error(json!({"path": "/Users/1"})), @r#"400 "method must be POST, PUT, PATCH or DELETE""#);
    insta::assert_snapshot!(error(json!({"method": 1, "path": "/Users/1"})), @r#"400 "method must be a string""#);
    insta::assert_snapshot!(error(json!({"method": "DELETE"})), @r#"400 "path is missing""#);
    insta::assert_snapshot!(error(json!({"method": "DELETE", "path": "/Users"})), @r#"400 "this method requires a path with an id""#);
    insta::assert_snapshot!(error(json!({"method": "DELETE", "path": "/Bulk/1"})), @r#"404 "/Bulk/1 not found""#);
    insta::assert_snapshot!(error(json!({"method": "PUT", "path": "/Users/1"})), @r#"400 "data is missing""#);
    insta::assert_snapshot!(error(post("a", "/Users/1", json!({}))), @r#"400 "POST requires a path without an id""#);
    insta::assert_snapshot!(error(json!({"method": "DELETE", "path": "/Users/bulkId:x"})), @r#"400 "bulkId:x names no resource that this request created""#);
    insta::assert_snapshot!(error(json!("DELETE")), @r#"400 "an operation must be an object""#);
}

#[test]
fn a_repeated_bulk_id_is_rejected() {
    let (done, answers) = run(bulk(json!([
        post("a", "/Users", json!({"userName": "a"})),
        post("a", "/Users", json!({"userName": "b"})),
        post("g", "/Groups", member("a")),
    ])));
    assert_eq!(done.len(), 2);
    assert!(done[1].contains("id-0"), "{done:?}");
    assert!(answers[1].contains("used twice"), "{answers:?}");
}

#[test]
fn an_invalid_bulk_request_is_rejected() {
    let error = |body: Value| Bulk::parse(body).unwrap_err().to_string();
    insta::assert_snapshot!(error(json!([])), @"the body must be an object of schema urn:ietf:params:scim:api:messages:2.0:BulkRequest with an array of Operations");
    insta::assert_snapshot!(error(json!({"schemas": [BULK_REQUEST]})), @"the body must be an object of schema urn:ietf:params:scim:api:messages:2.0:BulkRequest with an array of Operations");
    insta::assert_snapshot!(error(json!({"schemas": [], "Operations": []})), @"the body must be an object of schema urn:ietf:params:scim:api:messages:2.0:BulkRequest with an array of Operations");
    insta::assert_snapshot!(
        error(json!({"schemas": [BULK_REQUEST], "Operations": [], "failOnErrors": -1})),
        @"failOnErrors must be a whole number"
    );
    let many = vec![json!({}); 1001];
    insta::assert_snapshot!(error(json!({"schemas": [BULK_REQUEST], "Operations": many})), @"the request has 1001 operations, and the limit is 1000");
}

#[test]
fn a_thousand_operations_that_refer_to_each_other_are_scheduled_quickly() {
    let references: Vec<Value> = (0..50).map(|n| json!({"value": format!("bulkId:{n}")})).collect();
    let operations: Vec<Value> = (0..1000)
        .map(|n| post(&n.to_string(), "/Groups", json!({"members": references.clone()})))
        .collect();
    let start = std::time::Instant::now();
    let (done, answers) = run(bulk(Value::Array(operations)));
    assert_eq!((done.len(), answers.len()), (1050, 1000));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// Generates a few operations that refer to each other at random.
fn operations() -> impl Strategy<Value = Vec<Value>> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    let references = prop::collection::vec(name.clone(), 0..3);
    let operation = (name, references, prop::bool::weighted(0.1)).prop_map(|(name, on, fail)| {
        let members: Vec<Value> =
            on.iter().map(|on| json!({"value": format!("bulkId:{on}")})).collect();
        let mut data = json!({"members": members});
        if fail {
            data["fail"] = true.into();
        }
        post(name, "/Groups", data)
    });
    prop::collection::vec(operation, 0..6)
}

proptest! {
    #[test]
    fn every_operation_is_answered_once_and_every_reference_is_resolved(operations in operations()) {
        let sent = operations.len();
        let (done, answers) = run(bulk(Value::Array(operations)));
        prop_assert_eq!(answers.len(), sent);
        prop_assert!(done.iter().all(|done| !done.contains("bulkId:")), "{:?}", done);
    }
}
