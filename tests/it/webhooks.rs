//! Webhooks: every event arrives in order, signed, whatever the endpoint does meanwhile; nothing is
//! sent that must not be.

mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use directory::event::EventType;
use harness::TestApp;
use local::dynamodb::{Call, CallLog, Dynamo, client_over};
use serde_json::{Value, json};
use shared::events::{Deliverer, publish, publish_always};
use shared::http::guarded_client::Reach;
use shared::store::Lane;
use shared::webhooks::Sender;

use self::world::{World, run};

#[tokio::test]
async fn an_event_arrives_signed_as_the_feed_of_the_directory_shows_it() {
    let world = World::new().await;
    let (id, secret) = world.webhook("/hook", json!({})).await;
    world.users(0..1).await;
    world.deliver().await;
    let [message] = world.receiver.take().try_into().unwrap();
    assert!(message.is_signed_by(&secret), "{message:?}");
    assert!(!message.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let now = world.test.clock.now().as_second();
    assert_eq!(message.header("webhook-timestamp"), now.to_string());
    assert_eq!(message.header("content-type"), "application/json");
    let token = world.test.directory_token(&world.test.app(false).await).await;
    let feed = world.test.directory(&token, "/events").await.expect(200).json();
    assert_eq!(message.json(), feed["items"][0]);
    assert_eq!(message.header("webhook-id"), feed["items"][0]["id"]);
    // The cursor of the webhook is that of the event.
    let shown = world.show(&id).await;
    assert_eq!((&shown["cursor"], &shown["status"]), (&feed["next"], &json!("active")));
    assert_eq!(shown["last_attempt"]["status"], 204);
    // Nothing is sent twice.
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
}

#[tokio::test]
async fn an_endpoint_that_was_down_gets_every_event_in_order() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.receiver.answer([500, 503, 404, 400, 301]);
    let mut attempts = 0;
    for day in 0..5 {
        world.users(day * 30..(day + 1) * 30).await;
        world.deliver().await;
        attempts += world.receiver.take().len();
        let shown = world.show(&id).await;
        assert_eq!(shown["status"], "failing", "{shown}");
        // Until the next attempt is due, nothing is sent.
        world.deliver().await;
        assert_eq!(world.receiver.take_ids(), [""; 0]);
        world.test.clock.advance(Duration::from_hours(3));
    }
    assert_eq!(attempts, 5);
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), world.feed().await);
    assert_eq!(world.show(&id).await["status"], "active");
    // All attempts are listed but those before the last hundred.
    let listed = world.call(Method::GET, &id, "/deliveries", None).await.expect(200).json();
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len(), 100);
    assert_eq!(
        Some(&listed[0]["event_id"]),
        world.feed().await.last().map(|id| json!(id)).as_ref()
    );
    assert!(listed.iter().all(|attempt| attempt["delivered"] == true), "{listed:?}");
}

#[tokio::test]
async fn gone_pauses_at_once_and_a_resumed_webhook_goes_on_where_it_was() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.receiver.answer([204, 410]);
    world.users(0..3).await;
    world.deliver().await;
    let shown = world.show(&id).await;
    assert_eq!((&shown["status"], &shown["pause_reason"]), (&json!("paused"), &json!("gone")));
    world.test.clock.advance(Duration::from_hours(100));
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), world.feed().await[..2]);
    let resume = Some(json!({"paused": false}));
    let resumed = world.call(Method::PATCH, &id, "", resume).await.expect(200).json();
    assert_eq!((&resumed["status"], &resumed["pause_reason"]), (&json!("active"), &Value::Null));
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), world.feed().await[1..]);
}

#[tokio::test]
async fn three_days_of_failures_pause_a_webhook() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.receiver.answer(std::iter::repeat_n(500, 100));
    world.users(0..1).await;
    let mut attempts = 0;
    while world.show(&id).await["status"] != "paused" {
        world.deliver().await;
        attempts += world.receiver.take().len();
        world.test.clock.advance(Duration::from_hours(25));
        assert!(attempts < 20);
    }
    assert_eq!(attempts, 4);
    assert_eq!(world.show(&id).await["pause_reason"], "failing");
}

#[tokio::test]
async fn a_redirect_is_not_followed_a_slow_answer_ends_and_a_large_one_is_accepted() {
    let world = World::new().await;
    let (redirect, _) = world.webhook("/redirect", json!({})).await;
    let (slow, _) = world.webhook("/slow", json!({})).await;
    let (large, _) = world.webhook("/large", json!({})).await;
    world.users(0..1).await;
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    let last = async |id: &str| world.show(id).await["last_attempt"].clone();
    assert_eq!(last(&redirect).await["status"], 307);
    assert_eq!(last(&redirect).await["delivered"], false);
    assert_eq!(last(&slow).await["error"], "timed_out");
    assert_eq!(last(&large).await["delivered"], true);
}

#[tokio::test]
async fn on_aws_nothing_is_sent_to_an_address_that_is_not_public() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.users(0..1).await;
    let app = &world.test.app;
    publish(&app.store, &app.clock, Lane::all()).await.unwrap();
    world.deliverer(Reach::Internet).deliver_due(run()).await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    assert_eq!(world.show(&id).await["status"], "failing");
    // A deployment on AWS does not accept such a URL.
    let test = TestApp::new().await;
    for (url, status) in [
        ("https://app.example/hook", 201),
        ("https://app.example:8443/hook", 201),
        ("http://app.example/hook", 400),
        ("http://127.0.0.1:7400/", 400),
        ("https://127.0.0.1/", 400),
        ("https://10.0.0.1/", 400),
        ("https://169.254.169.254/", 400),
        ("https://[::1]/", 400),
        ("https://user:password@app.example/", 400),
        ("hook", 400),
    ] {
        let body = Some(json!({"url": url}));
        let answer = test.operator(Method::POST, "/v1/webhooks", body).await;
        assert_eq!(answer.status.as_u16(), status, "{url}");
    }
}

#[tokio::test]
async fn a_receiver_that_knows_either_secret_accepts_every_message_of_a_rotation() {
    let world = World::new().await;
    let (id, old) = world.webhook("/hook", json!({})).await;
    // The deliverer has the old secret in its cache.
    let deliverer = world.deliverer(Reach::Loopback);
    let deliver = async || {
        let app = &world.test.app;
        publish(&app.store, &app.clock, Lane::all()).await.unwrap();
        deliverer.deliver_due(run()).await;
        let [message] = world.receiver.take().try_into().unwrap();
        message
    };
    world.users(0..1).await;
    assert!(deliver().await.is_signed_by(&old));
    let rotated = world.call(Method::POST, &id, "/rotate", None).await.expect(200);
    let new = rotated.text("secret");
    assert_eq!(rotated.text("former_secret_expires_at"), "2026-01-02T00:00:00Z");
    world.users(1..2).await;
    let message = deliver().await;
    assert!(message.is_signed_by(&old) && message.is_signed_by(&new), "{message:?}");
    world.call(Method::POST, &id, "/rotate", None).await.expect(409);
    world.test.clock.advance(Duration::from_hours(24));
    world.users(2..3).await;
    let message = deliver().await;
    assert!(!message.is_signed_by(&old) && message.is_signed_by(&new), "{message:?}");
    world.call(Method::POST, &id, "/rotate", None).await.expect(200);
}

#[tokio::test]
async fn two_deliverers_at_once_send_each_event_once() {
    let world = World::new().await;
    world.webhook("/hook", json!({})).await;
    world.users(0..40).await;
    let app = &world.test.app;
    publish(&app.store, &app.clock, Lane::all()).await.unwrap();
    let (one, other) = (world.deliverer(Reach::Loopback), world.deliverer(Reach::Loopback));
    tokio::join!(one.deliver_due(run()), other.deliver_due(run()), one.deliver_due(run()));
    assert_eq!(world.receiver.take_ids(), world.feed().await);
    assert_eq!(world.receiver.at_once.lock().unwrap().1, 1);
}

#[tokio::test]
async fn in_one_process_an_endpoint_that_hangs_delays_neither_the_feed_nor_other_endpoints() {
    let world = World::new().await;
    let (hanging, _) = world.webhook("/slow", json!({})).await;
    world.webhook("/hook", json!({})).await;
    let app = &world.test.app;
    // With the time limit of fifteen seconds, which this test does not reach.
    let sender = Sender::new(Reach::Loopback).unwrap();
    let (store, secrets, clock) = (app.store.clone(), Arc::clone(&app.secrets), app.clock.clone());
    let deliverer = Deliverer::new(store.clone(), secrets, clock.clone(), sender);
    let publisher = tokio::spawn(publish_always(store, clock, deliverer));
    for n in 0..3 {
        world.users(n..n + 1).await;
        world.receiver.wait_for(n + 1).await;
    }
    assert_eq!(world.receiver.take_ids(), world.feed().await);
    assert_eq!(world.show(&hanging).await["last_attempt"], Value::Null);
    publisher.abort();
}

#[tokio::test]
async fn a_deliverer_that_was_killed_holds_up_its_webhook_for_less_than_a_minute() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.users(0..1).await;
    let held = world.test.app.store.hold_webhook(id.parse().unwrap(), world.test.clock.now()).await;
    let held = held.unwrap().unwrap();
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    world.test.clock.advance(Duration::from_mins(1));
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), world.feed().await);
    // A write of the first one has no effect now.
    let stored = world.test.app.store.store_progress(&held, world.test.clock.now()).await.unwrap();
    assert!(!stored);
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
}

#[tokio::test]
async fn an_endpoint_gets_the_types_and_tenants_that_it_selects() {
    let world = World::new().await;
    let globex = world.test.tenant("Globex").await;
    let (types, _) = world.webhook("/hook", json!({"types": ["user.deleted"]})).await;
    world.users(0..2).await;
    let ada = world.test.user("ada@acme.com").await;
    world.test.scim(Method::DELETE, &format!("/Users/{ada}"), None).await.expect(204);
    world.deliver().await;
    let [message] = world.receiver.take().try_into().unwrap();
    assert_eq!(message.json()["type"], "user.deleted");
    assert_eq!(world.show(&types).await["status"], "active");
    let only_globex = json!({"types": null, "tenants": [globex.id]});
    let changed = world.call(Method::PATCH, &types, "", Some(only_globex)).await.expect(200).json();
    assert_eq!((&changed["types"], &changed["tenants"]), (&Value::Null, &json!([globex.id])));
    world.users(2..3).await;
    let eve = json!({"userName": "eve@globex.com"});
    world.test.scim_as(&globex.token, Method::POST, "/Users", Some(eve)).await.expect(201);
    world.deliver().await;
    let [message] = world.receiver.take().try_into().unwrap();
    assert_eq!(message.json()["tenant"]["id"], globex.id);
    for odd in [
        json!({"types": ["user.renamed"]}),
        json!({"types": []}),
        json!({"tenants": ["7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111"]}),
    ] {
        world.call(Method::PATCH, &types, "", Some(odd)).await.expect(400);
    }
}

#[tokio::test]
async fn nothing_of_a_deleted_tenant_is_sent() {
    let world = World::new().await;
    world.webhook("/hook", json!({})).await;
    world.users(0..3).await;
    let app = &world.test.app;
    publish(&app.store, &app.clock, Lane::all()).await.unwrap();
    // The tenant is deleted while the first message is answered: the others are in memory already.
    let tenant = world.test.acme.id.parse().unwrap();
    *world.receiver.deletes.lock().unwrap() = Some((app.clone(), tenant));
    world.deliver().await;
    let messages = world.receiver.take();
    assert!(messages[0].body.contains("@acme.com"), "{messages:?}");
    assert_eq!(messages.len(), 3);
    for message in &messages[1..] {
        assert!(!message.body.contains("acme"), "{message:?}");
        assert_eq!(message.json()["tenant_deleted"], true);
        assert_eq!(message.json().get("data"), None);
    }
}

#[tokio::test]
async fn events_are_sent_again_from_a_cursor_of_the_feed() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.users(0..3).await;
    world.deliver().await;
    let first = world.receiver.take()[0].json();
    let replay = async |after: &Value| {
        world.call(Method::POST, &id, "/replay", Some(json!({"after": after}))).await
    };
    let shown = replay(&first["cursor"]).await.expect(200).json();
    assert_eq!(shown["cursor"], first["cursor"]);
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), world.feed().await[1..]);
    replay(&first["cursor"]).await.expect(200);
    replay(&json!("now")).await.expect(200);
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    for odd in ["", "x", "AAAAAAAAAAEAAAAAAAAAAQ"] {
        replay(&json!(odd)).await.expect(400);
    }
}

#[tokio::test]
async fn a_webhook_whose_next_event_is_not_kept_any_more_is_paused() {
    let world = World::new().await;
    let (id, _) = world.webhook("/hook", json!({})).await;
    world.call(Method::PATCH, &id, "", Some(json!({"paused": true}))).await.expect(200);
    world.users(0..1).await;
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    world.test.clock.advance(Duration::from_hours(24 * 91));
    world.users(1..2).await;
    world.call(Method::PATCH, &id, "", Some(json!({"paused": false}))).await.expect(200);
    world.deliver().await;
    assert_eq!(world.receiver.take_ids(), [""; 0]);
    assert_eq!(world.show(&id).await["pause_reason"], "expired");
}

#[tokio::test]
async fn a_test_message_shows_whether_the_endpoint_answers() {
    let world = World::new().await;
    let (id, secret) = world.webhook("/hook", json!({})).await;
    let test = async || world.call(Method::POST, &id, "/test", None).await.expect(200).json();
    assert_eq!(test().await["delivered"], true);
    let [message] = world.receiver.take().try_into().unwrap();
    assert!(message.is_signed_by(&secret));
    assert_eq!(message.json()["type"], "webhook.test");
    world.receiver.answer([418]);
    let outcome = test().await;
    assert_eq!((&outcome["delivered"], &outcome["status"]), (&json!(false), &json!(418)));
    // It is no event: the webhook is as it was.
    let shown = world.show(&id).await;
    assert_eq!((&shown["status"], &shown["last_attempt"]), (&json!("active"), &Value::Null));
    let nobody = json!({"url": "http://127.0.0.1:9/"});
    world.call(Method::PATCH, &id, "", Some(nobody)).await.expect(200);
    assert_eq!(test().await["error"], "unreachable");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_is_not_in_the_table() {
    let world = World::new().await;
    let (id, secret) = world.webhook("/hook", json!({})).await;
    let rotated = world.call(Method::POST, &id, "/rotate", None).await.expect(200).text("secret");
    world.users(0..1).await;
    world.deliver().await;
    let list = world.test.operator(Method::GET, "/v1/webhooks", None).await.expect(200).body();
    let one = world.call(Method::GET, &id, "", None).await.expect(200).body();
    let deliveries = world.call(Method::GET, &id, "/deliveries", None).await.expect(200).body();
    for text in [list, one, deliveries, world.test.rows().await] {
        assert!(text.contains(&id) || text.contains("event_id"), "{text}");
        for secret in [&secret, &rotated] {
            assert!(!text.contains(secret.strip_prefix("whsec_").unwrap()), "{text}");
        }
        assert!(!text.contains("whsec_"));
    }
}

#[tokio::test]
async fn at_most_twenty_webhooks_exist_and_a_deleted_one_leaves_nothing() {
    let world = World::new().await;
    let before = world.test.rows().await;
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        ids.insert(world.webhook("/hook", json!({})).await.0);
    }
    let body = Some(json!({"url": "https://app.example/hook"}));
    world.test.operator(Method::POST, "/v1/webhooks", body).await.expect(409);
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/webhooks?limit=7&cursor={cursor}");
        let page = world.test.operator(Method::GET, &path, None).await.expect(200).json();
        let items = page["items"].as_array().unwrap().iter();
        listed.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(listed, ids.iter().cloned().collect::<Vec<_>>());
    for id in &ids {
        // The attempts are deleted too.
        world.call(Method::POST, id, "/test", None).await.expect(200);
        world.call(Method::DELETE, id, "", None).await.expect(204);
        world.call(Method::GET, id, "", None).await.expect(404);
        world.call(Method::DELETE, id, "", None).await.expect(404);
    }
    assert_eq!(world.test.rows().await, before);
}

#[tokio::test]
async fn a_message_takes_two_write_units_a_run_two_more_and_only_calls_that_the_role_allows() {
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let world = World::over(client_over(calls.clone())).await;
    world.webhook("/hook", json!({})).await;
    let mut used = Vec::new();
    for users in [0..10, 10..30, 30..30] {
        world.users(users).await;
        let app = &world.test.app;
        publish(&app.store, &app.clock, Lane::all()).await.unwrap();
        calls.take();
        world.deliverer(Reach::Loopback).deliver_due(run()).await;
        let taken = calls.take();
        for call in &taken {
            let allowed = ["GetItem", "PutItem", "Query", "UpdateItem"];
            assert!(allowed.contains(&call.operation.as_str()), "{call:?}");
            let is_write = ["PutItem", "UpdateItem"].contains(&call.operation.as_str());
            if let Some(pk) = &call.partition {
                let of_webhooks = pk.starts_with("WEBHOOKS");
                let is_read = pk == "FEED" || pk.starts_with("EV#") || pk.ends_with("#T");
                assert!(of_webhooks || (is_read && !is_write), "{call:?}");
            }
        }
        let sum = |units: fn(&Call) -> f64| taken.iter().map(units).sum::<f64>();
        used.push((sum(|call| call.read_units), sum(|call| call.write_units)));
    }
    let [(reads, ten), (more_reads, twenty), idle] = used[..] else { panic!("{used:?}") };
    assert_eq!((ten, twenty), (22.0, 42.0), "{used:?}");
    // The tenant of each event; and the events, several in one unit.
    let per_message = (more_reads - reads) / 10.0;
    assert!((1.0..2.0).contains(&per_message), "{used:?}");
    assert!(reads < 25.0, "{used:?}");
    // Without an event to deliver: the list of webhooks and the head of the feed.
    assert_eq!(idle, (2.0, 0.0));
}

#[test]
fn the_document_of_the_operator_api_names_every_type_of_event() {
    let document: Value = serde_json::from_str(shared::operator_api::OPENAPI).unwrap();
    let schemas = &document["components"]["schemas"];
    let names: Vec<&str> = EventType::ALL.iter().map(|known| known.as_str()).collect();
    let listed: BTreeSet<&str> = schemas["EventType"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(listed, names.iter().copied().collect());
    for schema in ["Webhook", "CreatedWebhook", "NewWebhook", "WebhookPatch"] {
        assert_eq!(schemas[schema]["properties"]["types"]["maxItems"], names.len(), "{schema}");
    }
}
