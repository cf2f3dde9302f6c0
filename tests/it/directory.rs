//! The directory API: tenants, users, groups and members, as an app reads them.

use std::time::Duration;

use axum::http::Method;
use harness::oidc::App;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

/// A deployment with an app and its token.
struct World {
    test: TestApp,
    app: App,
    token: String,
}

impl World {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(test: TestApp) -> Self {
        let app = test.app(false).await;
        let token = test.directory_token(&app).await;
        Self { test, app, token }
    }

    /// Reads a path below the first tenant.
    async fn get(&self, path: &str) -> Answer {
        let path = format!("/tenants/{}{path}", self.test.acme.id);
        self.test.directory(&self.token, &path).await
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer.json()
    }

    /// Reads all pages of a list; returns a field of the items, sorted, and the number of pages.
    async fn list(&self, path: &str, field: &str) -> (Vec<String>, usize) {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self.read(&format!("{path}{mark}cursor={cursor}")).await;
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            pages += 1;
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        found.sort();
        (found, pages)
    }

    /// Creates a user of the first tenant with these attributes; returns the id.
    async fn user(&self, attributes: Value) -> String {
        self.test.post("/Users", attributes).await.expect(201).text("id")
    }

    async fn group(&self, attributes: Value) -> String {
        self.test.post("/Groups", attributes).await.expect(201).text("id")
    }
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn a_user_has_a_column_for_each_usual_attribute() {
    let world = World::new().await;
    let id = world
        .user(json!({
            "userName": "Ada@acme.com",
            "externalId": "00u1",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "displayName": "Ada Lovelace",
            "title": "Countess",
            "userType": "Employee",
            "emails": [{"value": "ada@acme.com", "primary": true}],
            ENTERPRISE: {"department": "Engines", "manager": {"value": "42"}, "costCenter": "7"},
        }))
        .await;
    let mut user = world.read(&format!("/users/{id}")).await;
    let attributes = user["attributes"].take();
    assert_eq!(attributes["userType"], "Employee");
    assert_eq!(attributes[ENTERPRISE], json!({"costCenter": "7"}));
    let expected = json!({
        "id": id,
        "user_name": "Ada@acme.com",
        "external_id": "00u1",
        "active": true,
        "email": "ada@acme.com",
        "name": {
            "formatted": null,
            "given_name": "Ada",
            "family_name": "Lovelace",
            "middle_name": null,
            "honorific_prefix": null,
            "honorific_suffix": null,
        },
        "display_name": "Ada Lovelace",
        "title": "Countess",
        "department": "Engines",
        "manager_id": "42",
        "locale": null,
        "timezone": null,
        "license": "full",
        "attributes": null,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "version": 1,
        "groups": [],
    });
    assert_eq!(user, expected);
}

#[tokio::test]
async fn a_change_by_scim_is_read_at_once() {
    let world = World::new().await;
    let id = world.test.user("ada@acme.com").await;
    world.test.clock.advance(Duration::from_mins(1));
    world.test.set_active(&id, false).await;
    let user = world.read(&format!("/users/{id}")).await;
    assert_eq!((&user["active"], &user["version"]), (&json!(false), &json!(2)));
    assert_eq!(user["updated_at"], "2026-01-01T00:01:00Z");
    let list = world.read("/users").await;
    assert_eq!(list["items"][0]["active"], false);
    world.test.scim(Method::DELETE, &format!("/Users/{id}"), None).await.expect(204);
    world.get(&format!("/users/{id}")).await.expect(404);
    assert_eq!(world.read("/users").await, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_user_names_its_groups_and_a_group_its_members() {
    let world = World::new().await;
    let (ada, eve) = (world.test.user("ada").await, world.test.user("eve").await);
    let inner = json!({"displayName": "Inner", "members": [{"value": ada}]});
    let inner = world.group(inner).await;
    let members = json!([{"value": ada}, {"value": eve}, {"value": inner}]);
    let outer = json!({"displayName": "Outer", "externalId": "o-1", "members": members});
    let outer = world.group(outer).await;

    let user = world.read(&format!("/users/{ada}")).await;
    let mut groups = user["groups"].as_array().unwrap().clone();
    groups.sort_by_key(|group| group["display_name"].to_string());
    let expected = [("Inner", &inner), ("Outer", &outer)];
    let expected = expected.map(|(name, id)| json!({"id": id, "display_name": name}));
    assert_eq!(groups, expected);
    let path = format!("/users/{ada}/groups?limit=1");
    assert_eq!(world.list(&path, "display_name").await, (vec!["Inner".into(), "Outer".into()], 2));

    let group = world.read(&format!("/groups/{outer}")).await;
    let expected = json!({
        "id": outer,
        "display_name": "Outer",
        "external_id": "o-1",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "version": group["version"],
    });
    assert_eq!(group, expected);
    assert_eq!(world.read("/groups?display_name=OUTER").await["items"], json!([expected]));
    let members = world.read(&format!("/groups/{outer}/members")).await;
    assert_eq!(members["next_cursor"], Value::Null);
    let mut members = members["items"].as_array().unwrap().clone();
    members.sort_by_key(|member| member["type"].to_string());
    assert_eq!(members[0], json!({"id": inner, "type": "group"}));
    assert!(members[1..].iter().all(|member| member["type"] == "user"));
    let (ids, pages) = world.list(&format!("/groups/{outer}/members?limit=2"), "id").await;
    let mut expected = vec![ada, eve, inner];
    expected.sort();
    assert_eq!((ids, pages), (expected, 2));
}

#[tokio::test]
async fn a_list_has_every_user_once_in_pages_of_any_length() {
    let world = World::new().await;
    let names: Vec<String> = (0..7).map(|n| format!("u{n}")).collect();
    for name in &names {
        world.test.user(name).await;
    }
    for limit in [1, 3, 7, 8, 500] {
        let (found, pages) = world.list(&format!("/users?limit={limit}"), "user_name").await;
        assert_eq!(found, names, "{limit}");
        assert!(pages >= names.len().div_ceil(limit), "{limit}: {pages}");
    }
    let page = world.read("/users?limit=3").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    assert!(page["items"][0].get("groups").is_none());
    // The last item of the page is deleted: the next page still begins behind it.
    let last = page["items"][2]["id"].as_str().unwrap();
    assert_eq!(page["next_cursor"], last);
    world.test.scim(Method::DELETE, &format!("/Users/{last}"), None).await.expect(204);
    let next = world.read(&format!("/users?limit=500&cursor={last}")).await;
    assert_eq!(next["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn users_are_found_by_name_external_id_and_any_address() {
    let world = World::new().await;
    let emails = json!([{"value": "ada@acme.com", "primary": true}, {"value": "L@acme.com"}]);
    world.user(json!({"userName": "Ada", "externalId": "7", "emails": emails})).await;
    world.user(json!({"userName": "eve@acme.com", "externalId": "7"})).await;
    let twin = json!([{"value": "L@ACME.com"}]);
    world.user(json!({"userName": "zoe", "externalId": "8", "emails": twin})).await;
    for (query, expected) in [
        ("user_name=ADA", &["Ada"][..]),
        ("user_name=ada%40acme.com", &[]),
        ("external_id=7", &["Ada", "eve@acme.com"]),
        ("external_id=7&limit=1", &["Ada", "eve@acme.com"]),
        ("external_id=07", &[]),
        ("email=ADA%40acme.com", &["Ada"]),
        ("email=eve%40acme.com", &["eve@acme.com"]),
        ("email=l%40acme.com", &["Ada", "zoe"]),
        ("email=l%40acme.com&limit=1", &["Ada", "zoe"]),
        ("email=l%40acme.com&external_id=8", &["zoe"]),
        ("user_name=ada&external_id=8", &[]),
        ("user_name=ada&updated_since=2026-01-01T00:00:00Z", &["Ada"]),
        ("user_name=ada&updated_since=2026-01-01T00:00:01Z", &[]),
    ] {
        let (found, _) = world.list(&format!("/users?{query}"), "user_name").await;
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn users_can_be_listed_by_the_time_of_their_last_change() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(world.test.user(&format!("u{n:02}")).await);
        world.test.clock.advance(Duration::from_secs(1));
    }
    let query = "/users?updated_since=2026-01-01T00:00:17Z&limit=2";
    let (found, _) = world.list(query, "user_name").await;
    assert_eq!(found, ["u17", "u18", "u19"]);
    world.test.set_active(&ids[3], false).await;
    let (found, _) = world.list(query, "user_name").await;
    assert_eq!(found, ["u03", "u17", "u18", "u19"]);
    let (found, pages) =
        world.list("/users?updated_since=2027-01-01T00:00:00%2B01:00", "user_name").await;
    assert_eq!((found.len(), pages), (0, 1));
}

#[tokio::test]
async fn a_page_of_large_users_ends_before_it_is_too_large_for_a_response() {
    let world = World::new().await;
    for n in 0..50 {
        let long = "\"".repeat(60_000);
        world.user(json!({"userName": format!("u{n:02}"), "nickName": long})).await;
    }
    let page = world.get("/users?limit=500").await.expect(200);
    let quotes = page.bytes.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    assert!(page.bytes.len() + quotes < 6_000_000, "{}", page.bytes.len());
    let items = page.json()["items"].as_array().unwrap().len();
    assert!((4..50).contains(&items), "{items}");
    let (found, pages) = world.list("/users?limit=500", "user_name").await;
    assert_eq!((found.len(), pages), (50, 50_usize.div_ceil(items)));
    // The filter reads as much as fits in a page, whether or not it selects it.
    let page = world.read("/users?updated_since=2027-01-01T00:00:00Z").await;
    assert_eq!(page["items"], json!([]));
    assert!(page["next_cursor"].is_string());
}

#[tokio::test]
async fn groups_are_listed_and_found() {
    let world = World::new().await;
    for (name, id) in [("Engineers", "1"), ("Poets", "2"), ("Twins", "2")] {
        world.group(json!({"displayName": name, "externalId": id})).await;
    }
    for (query, expected) in [
        ("limit=2", &["Engineers", "Poets", "Twins"][..]),
        ("display_name=engineers", &["Engineers"]),
        ("display_name=engineer", &[]),
        ("external_id=2", &["Poets", "Twins"]),
        ("external_id=2&display_name=twins", &["Twins"]),
        ("external_id=1&display_name=twins", &[]),
    ] {
        let (found, _) = world.list(&format!("/groups?{query}"), "display_name").await;
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_tenant_shows_its_verified_domains_its_connections_and_its_seats() {
    let world = World::of(TestApp::with_connection(json!({"jit": true})).await).await;
    let test = &world.test;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let name = json!({"external_id": "customer/42"});
    test.operator(Method::PATCH, &tenant, Some(name)).await.expect(200);
    let pending = format!("{tenant}/domains/acme.org");
    test.operator(Method::PUT, &pending, Some(json!({}))).await.expect(200);
    let waiting = format!("{tenant}/connections/later.example");
    test.operator(Method::PUT, &waiting, Some(json!({}))).await.expect(200);
    let seats = json!({"seats": 5});
    test.operator(Method::PUT, &format!("{tenant}/seats"), Some(seats)).await.expect(200);
    test.user("ada@acme.com").await;

    let expected = json!({
        "id": test.acme.id,
        "external_id": "customer/42",
        "name": "Acme",
        "domains": ["acme.com"],
        "connections": [
            {"name": "acme.com", "status": "ready"},
            {"name": "later.example", "status": "waiting_for_metadata"},
        ],
        "seats": {"seats": 5, "used": 1},
    });
    assert_eq!(world.read("").await, expected);
    // By the app's own id, percent-encoded.
    let by_name = test.directory(&world.token, "/tenants/ext:customer%2F42").await.expect(200);
    assert_eq!(by_name.json(), expected);
    let users = test.directory(&world.token, "/tenants/ext:customer%2F42/users").await;
    assert_eq!(users.expect(200).json()["items"][0]["user_name"], "ada@acme.com");
    let found = test.directory(&world.token, "/tenants?external_id=customer%2F42").await;
    assert_eq!(found.expect(200).json(), json!({"items": [expected], "next_cursor": null}));
    let none = test.directory(&world.token, "/tenants?external_id=customer").await.expect(200);
    assert_eq!(none.json()["items"], json!([]));
    let off = json!({"enabled": false});
    let connection = format!("{tenant}/connections/acme.com");
    test.operator(Method::PUT, &connection, Some(off)).await.expect(200);
    assert_eq!(world.read("").await["connections"][0]["status"], "disabled");
}

#[tokio::test]
async fn tenants_are_listed_in_pages_also_while_some_are_deleted() {
    let world = World::new().await;
    let mut expected = vec!["Acme".to_owned()];
    for n in 0..4 {
        let name = format!("T{n}");
        world.test.tenant(&name).await;
        expected.push(name);
    }
    // Listed, but not there: as if they were deleted between the two reads of a page.
    let ghosts = [1, 2, 3].map(|n| format!("00000000-0000-7000-8000-00000000000{n}"));
    let ghosts = ghosts.map(|id| json!({"pk": {"S": "TENANTS"}, "sk": {"S": id}}));
    world.test.put_items(&ghosts).await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/tenants?limit=2&cursor={cursor}");
        let page = world.test.directory(&world.token, &path).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_unknown_or_invalid_parameter_is_refused_on_every_route() {
    let world = World::new().await;
    let ada = world.test.user("ada").await;
    let group = world.group(json!({"displayName": "Engineers"})).await;
    let known = [
        ("", "external_id, cursor, limit"),
        ("/{tenant}", "none"),
        ("/{tenant}/users", "email, user_name, external_id, updated_since, cursor, limit"),
        ("/{tenant}/users/{user}", "none"),
        ("/{tenant}/users/{user}/groups", "cursor, limit"),
        ("/{tenant}/groups", "display_name, external_id, cursor, limit"),
        ("/{tenant}/groups/{group}", "none"),
        ("/{tenant}/groups/{group}/members", "cursor, limit"),
    ];
    let refused = async |path: &str, token: &str| {
        let answer = world.test.directory(token, path).await.expect(400);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["code"], "invalid");
        answer.text("detail")
    };
    for (route, names) in known {
        let path = format!("/tenants{route}")
            .replace("{tenant}", &world.test.acme.id)
            .replace("{user}", &ada)
            .replace("{group}", &group);
        for query in ["emial=ada", "Limit=1", "updatedSince=x", "=1"] {
            let detail = refused(&format!("{path}?{query}"), &world.token).await;
            let name = query.split('=').next().unwrap();
            assert!(detail.contains(&format!("{name:?}")) && detail.ends_with(names), "{detail}");
        }
        if !names.contains("limit") {
            continue;
        }
        for query in ["limit=0", "limit=501", "limit=x", "limit=1&limit=1", "cursor=x"] {
            refused(&format!("{path}?{query}"), &world.token).await;
        }
    }
    let users = format!("/tenants/{}/users", world.test.acme.id);
    for query in ["email=", "user_name=", "external_id=", "updated_since=", "updated_since=2026"] {
        refused(&format!("{users}?{query}"), &world.token).await;
    }
    refused("/openapi.json?x=1", "").await;
    // An unknown tenant does not hide the mistake.
    refused("/tenants/ext:nobody/users?emial=x", &world.token).await;
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let world = World::new().await;
    assert_eq!(world.get("/nope").await.expect(404).json()["code"], "not_found");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = axum::http::Request::builder()
            .method(method)
            .uri("/directory/v1/tenants")
            .header("authorization", format!("Bearer {}", world.token));
        let answer = world.test.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.expect(405).json()["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn a_token_counts_at_the_directory_for_ten_minutes_and_while_its_app_exists() {
    let world = World::new().await;
    world.test.clock.advance(Duration::from_secs(599));
    world.get("").await.expect(200);
    world.test.clock.advance(Duration::from_secs(1));
    let expired = world.get("").await.expect(401);
    assert_eq!(expired.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));

    let token = world.test.directory_token(&world.app).await;
    world.test.directory(&token, "/tenants").await.expect(200);
    let path = format!("/v1/clients/{}", world.app.client_id);
    world.test.operator(Method::DELETE, &path, None).await.expect(204);
    world.test.directory(&token, "/tenants").await.expect(401);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused_at_the_directory() {
    let world = World::new().await;
    let mut config = world.test.app.config.clone();
    config.base_url = Some("https://other.example".to_owned());
    let state = world.test.with_config(config);
    let elsewhere = world.test.beside(shared::directory_api::router(state));
    elsewhere.directory(&world.token, "/tenants").await.expect(401);
    world.get("").await.expect(200);
}

#[tokio::test]
async fn a_process_that_only_reads_makes_no_keys() {
    let test = TestApp::new().await;
    let refused = test.directory("a.b.c", "/tenants").await.expect(401);
    assert_eq!(refused.json()["code"], "unauthorized");
    let keys = test.app.oidc_keys.load(test.clock.now()).await.unwrap();
    assert!(keys.is_none());
}
