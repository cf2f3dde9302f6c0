//! The feed of events, as an app reads it while clients change the directory.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use harness::browser::{Browser, draft, person};
use harness::oidc::App;
use harness::{Answer, TestApp};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use shared::events;
use shared::store::Lane;

use crate::tidy::text;

/// A deployment with an app that reads its feed.
struct World {
    test: TestApp,
    token: String,
}

impl World {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(test: TestApp) -> Self {
        let app: App = test.app(false).await;
        let token = test.directory_token(&app).await;
        Self { test, token }
    }

    async fn publish(&self) {
        let app = &self.test.app;
        events::publish(&app.store, &app.clock, Lane::all()).await.unwrap();
    }

    async fn get(&self, query: &str) -> Answer {
        self.test.directory(&self.token, &format!("/events?{query}")).await
    }

    /// Reads a part of the feed; returns the events and the next cursor.
    async fn page(&self, query: &str) -> (Vec<Value>, String) {
        let mut page = self.get(query).await.expect(200).json();
        let next = page["next"].as_str().unwrap().to_owned();
        let Value::Array(items) = page["items"].take() else { panic!("no list: {page}") };
        (items, next)
    }

    /// Publishes, and reads the feed from the beginning to its end, `limit` events at a time.
    async fn feed(&self, limit: usize) -> Vec<Value> {
        self.publish().await;
        let (mut all, mut cursor) = self.page(&format!("limit={limit}")).await;
        loop {
            let (items, next) = self.page(&format!("limit={limit}&after={cursor}")).await;
            if items.is_empty() {
                return all;
            }
            all.extend(items);
            cursor = next;
        }
    }

    async fn user(&self, name: &str) -> String {
        let user = json!({
            "userName": name,
            "externalId": format!("00u-{name}"),
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "displayName": "Ada Lovelace",
            "title": "Analyst",
            "userType": "Employee",
        });
        self.test.post("/Users", user).await.expect(201).text("id")
    }

    async fn replace(&self, path: &str, attribute: &str, value: Value) {
        let operation = json!([{"op": "replace", "path": attribute, "value": value}]);
        self.test.patch(path, operation).await.expect_one_of(&[200, 204]);
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Makes a change of every type.
async fn change_everything(world: &World) -> String {
    let ada = world.user("ada@acme.com").await;
    let path = format!("/Users/{ada}");
    world.replace(&path, "title", json!("Chief Analyst")).await;
    world.replace(&path, "active", json!(false)).await;
    world.replace(&path, "active", json!(true)).await;
    let license = "urn:gatehouse:params:scim:schemas:extension:licence:1.0:User:license";
    world.replace(&path, license, json!("view_only")).await;
    let group = json!({"displayName": "Engineers", "members": [{"value": ada}]});
    let group = world.test.post("/Groups", group).await.expect(201).text("id");
    world.replace(&format!("/Groups/{group}"), "displayName", json!("Engine builders")).await;
    world.test.scim(Method::DELETE, &path, None).await.expect(204);
    world.test.scim(Method::DELETE, &format!("/Groups/{group}"), None).await.expect(204);
    ada
}

#[tokio::test]
async fn an_app_sees_every_change_once_in_one_order_whatever_the_size_of_its_pages() {
    let world = World::new().await;
    let ada = change_everything(&world).await;
    let events = world.feed(1).await;
    let expected = [
        "user.created",
        "user.updated",
        "user.deactivated",
        "user.reactivated",
        "user.updated",
        "license.changed",
        "group.created",
        "group.member_added",
        "group.updated",
        "group.member_removed",
        "user.deleted",
        "group.deleted",
    ];
    let sorted = |mut types: Vec<&str>| {
        types.sort_unstable();
        types.join(" ")
    };
    assert_eq!(sorted(types(&events)), sorted(expected.to_vec()));
    let of_ada: Vec<Value> =
        events.iter().filter(|event| event["resource"]["id"] == *ada).cloned().collect();
    let of_users = [&expected[..6], &["user.deleted"]].concat();
    assert_eq!(types(&of_ada), of_users);
    for limit in [5, 1_000] {
        assert_eq!(world.feed(limit).await, events, "{limit}");
    }
    let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len());
}

/// The names of the members of a value, with those inside.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{path}/{name}");
                found.insert(path.clone());
                members(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, path, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn members_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    members(value, "", &mut found);
    found
}

#[tokio::test]
async fn every_type_of_event_is_documented_with_an_example_that_the_feed_produces() {
    let world = World::new().await;
    change_everything(&world).await;
    let mut produced: BTreeMap<String, Value> = BTreeMap::new();
    for event in world.feed(100).await {
        produced.entry(event["type"].as_str().unwrap().to_owned()).or_insert(event);
    }
    let document = text("docs/events.md".as_ref()).unwrap();
    let mut documented = BTreeSet::new();
    for section in document.split("\n### `").skip(1) {
        let (name, rest) = section.split_once('`').unwrap();
        let example = rest.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let example: Value = serde_json::from_str(example).unwrap();
        assert_eq!(example["type"], name);
        let event = &produced[name];
        let (of_example, of_event) = (members_of(&example), members_of(event));
        let unknown: Vec<_> = of_example.difference(&of_event).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?} are not in {event}");
        if name == "user.created" || name.starts_with("group.") {
            let of_data = |members: &BTreeSet<String>| -> BTreeSet<String> {
                members.iter().filter(|member| member.starts_with("/data")).cloned().collect()
            };
            // The example of an attribute is one of many.
            let of_event: BTreeSet<_> = of_data(&of_event);
            if !name.ends_with("updated") {
                assert_eq!(of_data(&of_example), of_event, "{name}");
            }
        }
        documented.insert(name.to_owned());
    }
    assert_eq!(documented, produced.into_keys().collect());
}

#[tokio::test]
async fn an_event_says_who_made_the_change() {
    let world = World::of(TestApp::with_connection(json!({"jit": true})).await).await;
    world.user("ada@acme.com").await;
    let mut browser = Browser::default();
    let request = browser.begin(&world.test, "/saml/sso/acme.com").await;
    let mut answer = draft(Some(&request));
    person("bo", "bo@acme.com")(&mut answer);
    browser.respond(&world.test, &answer.response()).await.expect(303);
    let events = world.feed(100).await;
    let by = |name: &str| {
        let event = events.iter().find(|event| event["data"]["user_name"] == name).unwrap();
        (event["source"].clone(), event["actor"].clone())
    };
    let (source, actor) = by("ada@acme.com");
    assert_eq!((source, &actor["type"]), (json!("scim"), &json!("scim_token")));
    let token = world.test.acme.token.split('_').nth(3).unwrap().to_owned();
    assert_eq!(actor["id"], token);
    assert_eq!(
        by("bo@acme.com"),
        (json!("jit"), json!({"type": "connection", "name": "acme.com"}))
    );
}

#[tokio::test]
async fn tenant_and_types_select_events_and_the_cursor_moves_past_the_others() {
    let world = World::new().await;
    let other = world.test.tenant("Other").await;
    world.user("ada@acme.com").await;
    let user = json!({"userName": "eve@other.com"});
    world.test.scim_as(&other.token, Method::POST, "/Users", Some(user)).await.expect(201);
    world.publish().await;
    let (of_other, next) = world.page(&format!("tenant={}", other.id)).await;
    assert_eq!(of_other.len(), 1);
    assert_eq!(of_other[0]["data"]["user_name"], "eve@other.com");
    assert_eq!(of_other[0]["tenant"], json!({"id": other.id, "external_id": null}));
    assert_eq!(world.page(&format!("after={next}")).await.0, Vec::<Value>::new());
    let (deleted, after_all) = world.page("types=user.deleted,group.deleted").await;
    assert_eq!((deleted, after_all), (Vec::new(), next));
    let detail = world.get("types=user.renamed").await.expect(400).text("detail");
    assert!(detail.contains("user.renamed"), "{detail}");
    world.get("tenant=ext:nobody").await.expect(404);
}

#[tokio::test]
async fn a_reader_begins_at_now_and_a_cursor_that_is_forged_foreign_or_too_old_is_an_error() {
    let world = World::new().await;
    // Before the first event there is a cursor already.
    let (none, start) = world.page("after=now").await;
    assert_eq!(none.len(), 0);
    world.user("ada@acme.com").await;
    world.publish().await;
    assert_eq!(world.page(&format!("after={start}")).await.0.len(), 1);
    let (none, now) = world.page("after=now").await;
    assert_eq!(none.len(), 0);
    world.user("bo@acme.com").await;
    world.publish().await;
    let (items, next) = world.page(&format!("after={now}")).await;
    assert_eq!((types(&items), items[0]["cursor"].as_str()), (vec!["user.created"], Some(&*next)));
    let elsewhere = World::new().await;
    elsewhere.user("ada@acme.com").await;
    elsewhere.publish().await;
    let (_, foreign) = elsewhere.page("").await;
    let beyond = format!("{}___________", &next[..11]);
    for cursor in ["x", "", "AAAA", &foreign, &beyond] {
        world.get(&format!("after={cursor}")).await.expect(400);
    }
    for query in ["limit=0", "limit=1001", "afer=now", "cursor=x", "limit=1&limit=2"] {
        world.get(query).await.expect(400);
    }
    let days = SignedDuration::from_hours(24 * 91);
    world.test.clock.advance(days.unsigned_abs());
    let token = world.test.directory_token(&world.test.app(false).await).await;
    let world = World { token, ..world };
    let problem = world.get(&format!("after={now}")).await.expect(410);
    assert_eq!(problem.text("code"), "cursor_expired");
    assert_eq!(world.page("").await.0.len(), 0);
}

#[tokio::test]
async fn of_a_deleted_tenant_the_feed_says_only_that_there_were_events() {
    let world = World::new().await;
    let other = world.test.tenant("Other").await;
    for name in ["eve@other.com", "mallory@other.com"] {
        world
            .test
            .scim_as(&other.token, Method::POST, "/Users", Some(json!({"userName": name})))
            .await
            .expect(201);
        // The second is not published when the tenant is deleted.
        if name.starts_with("eve") {
            world.publish().await;
        }
    }
    let path = format!("/v1/tenants/{}", other.id);
    world.test.operator(Method::DELETE, &path, None).await.expect(204);
    let events = world.feed(100).await;
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event["tenant_deleted"], true);
        assert!(!event.to_string().contains("other.com"), "{event}");
    }
    let rows = world.test.items().await;
    let of_events = rows.iter().filter(|row| row["ty"]["S"] == "user.created");
    assert!(of_events.clone().count() == 2 && of_events.clone().all(|row| row["d"].is_null()));
}

#[tokio::test]
async fn a_table_that_follows_the_feed_equals_the_directory() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(world.user(&format!("u{n}@acme.com")).await);
    }
    for (n, id) in ids.iter().enumerate() {
        let path = format!("/Users/{id}");
        match n % 4 {
            0 => world.replace(&path, "active", json!(false)).await,
            1 => world.replace(&path, "title", json!("Engineer")).await,
            2 => drop(world.test.scim(Method::DELETE, &path, None).await.expect(204)),
            _ => {}
        }
    }
    let mut table: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for event in world.feed(7).await {
        let id = event["resource"]["id"].as_str().unwrap().to_owned();
        match event["type"].as_str().unwrap() {
            "user.deleted" => drop(table.remove(&id)),
            _ => drop(table.insert(id, event["data"].as_object().unwrap().clone())),
        }
    }
    let path = format!("/tenants/{}/users?limit=100", world.test.acme.id);
    let mut users = world.test.directory(&world.token, &path).await.expect(200).json();
    let Value::Array(users) = users["items"].take() else { panic!("no list") };
    let expected = users.into_iter().map(|user| {
        let user = user.as_object().unwrap().clone();
        (user["id"].as_str().unwrap().to_owned(), user)
    });
    assert_eq!(table, expected.collect());
}
