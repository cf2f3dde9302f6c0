//! Tests that a deactivated user stays deactivated until a client sets `active` to `true`.

use axum::http::Method;
use harness::TestApp;
use serde_json::{Value, json};

async fn seats_used(test: &TestApp) -> Value {
    let path = format!("/v1/tenants/{}/seats", test.acme.id);
    test.operator(Method::GET, &path, None).await.expect(200).json()["used"].clone()
}

async fn active_users(test: &TestApp) -> Value {
    let found = test.get("/Users?filter=active+eq+true").await.expect(200);
    found.json()["totalResults"].clone()
}

#[tokio::test]
async fn clearing_active_does_not_reactivate_a_user() {
    let test = TestApp::new().await;
    let path = format!("/Users/{}", test.user("ada").await);
    let set = |active| json!([{"op": "replace", "path": "active", "value": active}]);
    for active in [false, true] {
        test.patch(&path, set(active)).await.expect(200);
        for clearing in [
            json!({"op": "replace", "path": "active", "value": ""}),
            json!({"op": "replace", "path": "active", "value": null}),
            json!({"op": "remove", "path": "active"}),
            json!({"op": "replace", "value": {"active": null}}),
            json!({"op": "remove", "value": {"active": null}}),
            json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active"}),
        ] {
            let answer = test.patch(&path, json!([clearing])).await.expect(200).json();
            // The answer may leave `active` out, but may not have the other value.
            assert_ne!(answer.get("active"), Some(&json!(!active)), "{clearing}");
            assert_eq!(seats_used(&test).await, i32::from(active), "{clearing}");
            assert_eq!(active_users(&test).await, i32::from(active), "{clearing}");
        }
    }
}
