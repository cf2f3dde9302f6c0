//! Names that clients give with a URN: in the many forms of our URNs, and in their own extensions.

use axum::http::Method;
use harness::TestApp;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// URNs of extensions as customers have them: of Okta, WSO2, Atlassian, and without any structure.
const CUSTOM: [&str; 5] = [
    "urn:okta:onprem_app:1.0:user:custom",
    "urn:scim:wso2:schema",
    "urn:scim:schemas:extension:atlassian-external:1.0",
    "urn:UserAttributes",
    "urn:example:params:scim:schemas:extension:custom:1.0:User",
];

#[tokio::test]
async fn a_user_is_deactivated_under_every_name_or_the_request_is_refused() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    let path = format!("/Users/{id}");
    for name in [
        "active".to_owned(),
        "User.active".to_owned(),
        format!("{USER}:active"),
        format!("{USER}.active"),
        "urn:scim:schemas:core:2.0:active".to_owned(),
        "urn:scim:schemas:core:1.0:User.active".to_owned(),
        "urn:ietf:params:scim:schemas:core:2.0:active".to_owned(),
    ] {
        for value in [false, true] {
            let operation = json!([{"op": "replace", "path": name, "value": value}]);
            let patched = test.patch(&path, operation).await.expect(200).json();
            assert_eq!(patched["active"], value, "{name}");
            let operation = json!([{"op": "replace", "value": {name.clone(): !value}}]);
            let patched = test.patch(&path, operation).await.expect(200).json();
            assert_eq!(patched["active"], !value, "{name}");
            assert_eq!(patched["schemas"], json!([USER]), "{name}");
            let put = json!({"userName": "ada", name.clone(): value});
            let put = test.scim(Method::PUT, &path, Some(put)).await.expect(200).json();
            assert_eq!(put["active"], value, "{name}");
            let query =
                format!("/Users?filter={name}%20eq%20{value}&attributes={name}&sortBy={name}");
            let found = test.get(&query).await.expect(200).json();
            assert_eq!(found["totalResults"], 1, "{name}");
            assert_eq!(found["Resources"][0]["active"], value, "{name}");
        }
    }
    let before = test.get(&path).await.json();
    for name in [
        format!("{GROUP}:active"),
        "Group.active".to_owned(),
        format!("{USER}:name:givenName"),
        "urn:ietf:params:scim:schema:core:2.0:User:active".to_owned(),
        "urn:ietf:params:scim:schemas:core:2.0:Users:active".to_owned(),
    ] {
        let with_path = json!([{"op": "replace", "path": name, "value": false}]);
        let without_path = json!([{"op": "replace", "value": {name.clone(): false}}]);
        let body = json!({"userName": "ada", name.clone(): false});
        for refused in [
            test.patch(&path, with_path).await,
            test.patch(&path, without_path).await,
            test.scim(Method::PUT, &path, Some(body)).await,
            test.get(&format!("/Users?attributes={name}")).await,
            test.get(&format!("/Users?sortBy={name}")).await,
            test.get(&format!("{path}?excludedAttributes={name}")).await,
        ] {
            assert_eq!(refused.expect(400).json()["scimType"], "invalidPath", "{name}");
        }
        let filtered = test.get(&format!("/Users?filter={name}%20eq%20false")).await;
        assert_eq!(filtered.expect(400).json()["scimType"], "invalidFilter", "{name}");
    }
    assert_eq!(test.get(&path).await.json(), before);
}

#[tokio::test]
async fn a_search_of_all_types_may_name_the_attributes_of_each() {
    let test = TestApp::new().await;
    test.user("ada").await;
    test.post("/Groups", json!({"displayName": "staff"})).await.expect(201);
    let filter = format!("{USER}:userName eq \"ada\" or {GROUP}:displayName eq \"staff\"");
    let found = test.post("/.search", json!({"filter": filter})).await.expect(200).json();
    assert_eq!(found["totalResults"], 2);
}

#[tokio::test]
async fn a_bulk_request_resolves_names_like_a_single_one() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    let patch = |path: &str| {
        json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": {
            "Operations": [{"op": "replace", "path": path, "value": false}],
        }})
    };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [patch(&format!("{GROUP}:active")), patch("urn:scim:schemas:core:1.0.active")],
    });
    let done = test.post("/Bulk", body).await.expect(200).json();
    assert_eq!(done["Operations"][0]["response"]["scimType"], "invalidPath");
    assert_eq!(done["Operations"][1]["status"], "200");
    assert_eq!(test.get(&format!("/Users/{id}")).await.json()["active"], false);
}

#[tokio::test]
async fn an_extension_of_any_urn_is_changed_found_and_selected_like_a_declared_one() {
    for urn in CUSTOM {
        let test = TestApp::new().await;
        let body = json!({"userName": "ada", urn: {"team": "Blue", "level": 1}});
        let id = test.post("/Users", body).await.expect(201).text("id");
        test.post("/Users", json!({"userName": "bob", urn: {"team": "amber"}})).await.expect(201);
        let path = format!("/Users/{id}");
        let patched = async |operation: Value| -> Value {
            let user = test.patch(&path, json!([operation])).await.expect(200).json();
            let own = user["schemas"].as_array().unwrap().len();
            let expected = if user.get(urn).is_some() { 2 } else { 1 };
            assert_eq!(own, expected, "{urn}: {user}");
            user.get(urn).cloned().unwrap_or_default()
        };
        let add = json!({"op": "add", "path": format!("{urn}:team"), "value": "Green"});
        assert_eq!(patched(add).await, json!({"team": "Green", "level": 1}), "{urn}");
        let dot = json!({"op": "replace", "path": format!("{urn}.address.city"), "value": "Bonn"});
        let with_city = json!({"team": "Green", "level": 1, "address": {"city": "Bonn"}});
        assert_eq!(patched(dot).await, with_city, "{urn}");
        let remove = json!({"op": "remove", "path": format!("{urn}:address")});
        assert_eq!(patched(remove).await, json!({"team": "Green", "level": 1}), "{urn}");
        let object = json!({"op": "replace", "path": urn, "value": {"level": 2}});
        assert_eq!(patched(object).await, json!({"team": "Green", "level": 2}), "{urn}");
        let without_path = json!({"op": "replace", "value": {urn: {"team": "Red"}}});
        assert_eq!(patched(without_path).await, json!({"team": "Red", "level": 2}), "{urn}");

        let found =
            async |query: &str| test.get(&format!("/Users?{query}")).await.expect(200).json();
        for filter in ["team%20eq%20%22RED%22", "team%20sw%20%22re%22", "level%20gt%201"] {
            let found = found(&format!("filter={urn}:{filter}")).await;
            assert_eq!(found["totalResults"], 1, "{urn} {filter}");
            assert_eq!(found["Resources"][0]["userName"], "ada", "{urn} {filter}");
        }
        let sorted = found(&format!("sortBy={urn}:team")).await;
        assert_eq!(sorted["Resources"][0]["userName"], "bob", "{urn}");
        let one = found(&format!("attributes={urn}:level&filter=userName%20eq%20%22ada%22")).await;
        assert_eq!(one["Resources"][0][urn], json!({"level": 2}), "{urn}");
        let whole = test.get(&format!("{path}?attributes={urn}")).await.json();
        assert_eq!(whole[urn], json!({"team": "Red", "level": 2}), "{urn}");
        assert_eq!(whole.get("userName"), None, "{urn}");
        let rest = test.get(&format!("{path}?excludedAttributes={urn}")).await.json();
        assert_eq!((rest.get(urn), &rest["userName"]), (None, &json!("ada")), "{urn}");

        assert_eq!(patched(json!({"op": "remove", "path": urn})).await, Value::Null, "{urn}");
        let new = json!({"op": "add", "value": {urn: {"team": "New"}}});
        assert_eq!(patched(new).await, json!({"team": "New"}), "{urn}");
    }
}

#[tokio::test]
async fn schemas_of_a_patch_tell_where_a_new_urn_ends() {
    let test = TestApp::new().await;
    for urn in CUSTOM {
        let id = test.user(urn).await;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp", urn],
            "Operations": [{"op": "add", "path": format!("{urn}:team"), "value": "Red"}],
        });
        let path = format!("/Users/{id}");
        let user = test.scim(Method::PATCH, &path, Some(body)).await.expect(200).json();
        assert_eq!(user[urn], json!({"team": "Red"}), "{user}");
    }
}

#[tokio::test]
async fn the_older_extension_of_lucid_takes_no_seat_for_a_viewer() {
    let test = TestApp::new().await;
    let seats = format!("/v1/tenants/{}/seats", test.acme.id);
    test.operator(Method::PUT, &seats, Some(json!({"seats": 1}))).await.expect(200);
    let old = "urn:ietf:params:scim:schemas:extension:lucid:1.0:User";
    let new = "urn:ietf:params:scim:schemas:extension:lucid:2.0:User";
    let viewer = json!({"userName": "ada", old: {"productLicenses": {"Lucidchart": false}}});
    let viewer = test.post("/Users", viewer).await.expect(201).json();
    assert_eq!(viewer[new]["productLicenses"]["Lucidchart"], "False", "{viewer}");
    assert_eq!(viewer.get(old), None);
    assert_eq!(test.operator(Method::GET, &seats, None).await.json()["used"], 0);
    let editor = json!({"userName": "bob", format!("{old}:productLicenses.Lucidchart"): true});
    test.post("/Users", editor).await.expect(201);
    assert_eq!(test.operator(Method::GET, &seats, None).await.json()["used"], 1);
}

#[tokio::test]
async fn strict_mode_has_no_other_names() {
    let test = TestApp::new().await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::PATCH, &tenant, Some(json!({"strict": true}))).await.expect(200);
    let id = test.user("ada").await;
    for name in [
        format!("{USER}.active"),
        "User.active".to_owned(),
        "urn:scim:schemas:core:2.0:User:active".to_owned(),
        "urn:ietf:params:scim:schemas:core:2.0:active".to_owned(),
    ] {
        let operation = json!([{"op": "replace", "path": name, "value": false}]);
        let refused = test.patch(&format!("/Users/{id}"), operation).await.expect(400).json();
        assert_eq!(refused["scimType"], "invalidPath", "{name}");
        test.post("/Users", json!({"userName": "bob", name.clone(): false})).await.expect(400);
    }
    for body in [
        json!({"userName": "bob", "department": "D"}),
        json!({"userName": "bob", "schemas": ["urn:scim:schemas:core:1.0"]}),
        json!({"userName": "bob", "schemas": "[]"}),
        json!({"userName": "bob", "title": [{"value": "T"}]}),
    ] {
        test.post("/Users", body).await.expect(400);
    }
    let exact = json!({"userName": "bob", format!("{ENTERPRISE}:department"): "D"});
    test.post("/Users", exact).await.expect(201);
}
