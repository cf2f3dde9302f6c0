//! Concurrent clients, on several threads.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use harness::{Answer, TestApp};
use serde_json::{Value, json};
use shared::secrets::scim_tokens::ScimTokensError;
use types::ids::TenantId;

/// Sends all requests at the same time and waits for all answers.
async fn send_concurrently(
    test: &Arc<TestApp>,
    requests: Vec<(Method, String, Value)>,
) -> Vec<Answer> {
    let sent: Vec<_> = requests
        .into_iter()
        .map(|(method, path, body)| {
            let test = Arc::clone(test);
            tokio::spawn(async move { test.scim(method, &path, Some(body)).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_100_identical_creates_one_succeeds() {
    let test = Arc::new(TestApp::new().await);
    let body = json!({"userName": "Ada@acme.example", "externalId": "1"});
    let requests = vec![(Method::POST, "/Users".to_owned(), body); 100];
    let answers = send_concurrently(&test, requests).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 99));
    let conflict = answers.iter().find(|answer| answer.status == 409).unwrap();
    assert_eq!(conflict.json()["scimType"], "uniqueness");
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clients_adding_500_members_each_end_with_1000() {
    let test = Arc::new(TestApp::new().await);
    let mut ids = Vec::new();
    for n in 0..1_000 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let group = test.post("/Groups", json!({"displayName": "All"})).await.expect(201).text("id");
    let requests = ids
        .chunks(500)
        .map(|half| {
            let members: Vec<Value> = half.iter().map(|id| json!({"value": id})).collect();
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "members", "value": members}],
            });
            (Method::PATCH, format!("/Groups/{group}"), body)
        })
        .collect();
    for answer in send_concurrently(&test, requests).await {
        answer.expect(204);
    }
    let members = test.get(&format!("/Groups/{group}")).await.expect(200).json();
    assert_eq!(members["members"].as_array().unwrap().len(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_additions_and_removals_of_members_all_take_effect() {
    let test = Arc::new(TestApp::new().await);
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let leaving: Vec<Value> = ids[..30].iter().map(|id| json!({"value": id})).collect();
    let group = json!({"displayName": "All", "members": leaving});
    let group = test.post("/Groups", group).await.expect(201).text("id");
    let requests = ids
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let operation = if n < 30 {
                json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id}]})
            } else {
                json!({"op": "Add", "path": "members", "value": [{"value": id}]})
            };
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [operation],
            });
            (Method::PATCH, format!("/Groups/{group}"), body)
        })
        .collect();
    for answer in send_concurrently(&test, requests).await {
        answer.expect(200);
    }
    let group = test.get(&format!("/Groups/{group}")).await.expect(200).json();
    let mut members: Vec<&str> =
        group["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap()).collect();
    members.sort_unstable();
    let mut expected: Vec<&str> = ids[30..].iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(members, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_concurrent_creates_on_50_seats_50_are_licensed() {
    let test = Arc::new(TestApp::new().await);
    let seats = format!("/v1/tenants/{}/seats", test.acme.id);
    let pool = json!({"seats": 50, "auto_upgrade": false, "on_join": "grant"});
    test.operator(Method::PUT, &seats, Some(pool)).await.expect(200);
    let requests = (0..200)
        .map(|n| (Method::POST, "/Users".to_owned(), json!({"userName": format!("user{n}")})))
        .collect();
    let answers = send_concurrently(&test, requests).await;
    assert_eq!(count(&answers, 201), 200, "a full pool makes users view-only");
    let used = test.operator(Method::GET, &seats, None).await.expect(200).json();
    assert_eq!((&used["seats"], &used["used"]), (&json!(50), &json!(50)));
    let users = test.operator(Method::GET, &seats.replace("seats", "users?limit=1000"), None).await;
    let users = users.expect(200).json();
    let licensed = users["items"].as_array().unwrap().iter().filter(|u| u["license"] == "full");
    assert_eq!(licensed.count(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_concurrent_creates_that_require_a_seat_50_succeed() {
    let test = Arc::new(TestApp::new().await);
    let seats = format!("/v1/tenants/{}/seats", test.acme.id);
    test.operator(Method::PUT, &seats, Some(json!({"seats": 50}))).await.expect(200);
    let licence = json!({"license": "full"});
    let requests = (0..200)
        .map(|n| {
            let body = json!({
                "userName": format!("user{n}"),
                "urn:gatehouse:params:scim:schemas:extension:licence:1.0:User": licence,
            });
            (Method::POST, "/Users".to_owned(), body)
        })
        .collect();
    let answers = send_concurrently(&test, requests).await;
    assert_eq!((count(&answers, 201), count(&answers, 403)), (50, 150));
    assert_eq!(test.get("/Users?count=0").await.json()["totalResults"], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conflicting_patches_of_one_user_are_applied_one_after_the_other() {
    let test = Arc::new(TestApp::new().await);
    let id = test.user("ada").await;
    let requests = (0..40)
        .map(|n| {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "roles", "value": [{"value": format!("r{n}")}]}],
            });
            (Method::PATCH, format!("/Users/{id}"), body)
        })
        .collect();
    for answer in send_concurrently(&test, requests).await {
        answer.expect(200);
    }
    let user = test.get(&format!("/Users/{id}")).await.expect(200).json();
    assert_eq!(user["roles"].as_array().unwrap().len(), 40);
    assert_eq!(user["meta"]["version"], "W/\"41\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_of_tokens_neither_lose_nor_resurrect_one() {
    let test = TestApp::new().await;
    let apps = [test.app.clone(), test.with_config(test.app.config.clone())];
    let tenant: TenantId = test.acme.id.parse().unwrap();
    let now = test.clock.now();
    let end = now + Duration::from_hours(1);
    for round in 0..15 {
        let before = apps[0].scim_tokens.list(tenant, now).await.unwrap();
        let mut creators = Vec::new();
        let mut revokers = Vec::new();
        for (n, app) in apps.iter().cycle().take(4).enumerate() {
            let creator = app.clone();
            creators.push(tokio::spawn(async move {
                creator.scim_tokens.create(tenant, now, end).await
            }));
            // One of the two is not revoked, so that a lost token would be noticed.
            let (revoker, gone) = (app.clone(), before[0].id.clone());
            if n < 2 {
                revokers.push(tokio::spawn(async move {
                    revoker.scim_tokens.revoke(tenant, &gone, now).await
                }));
            }
        }
        let mut made = Vec::new();
        for creator in creators {
            match creator.await.unwrap() {
                Ok((_, stored)) => made.push(stored.id),
                Err(ScimTokensError::TwoLive) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let mut revoked = 0;
        for revoker in revokers {
            revoked += usize::from(revoker.await.unwrap().unwrap());
        }
        assert_eq!(revoked, 1, "round {round}: one of two revocations finds the token");
        let mut expect: Vec<String> = before[1..].iter().map(|token| token.id.clone()).collect();
        expect.extend(made);
        let after = apps[1].scim_tokens.list(tenant, now).await.unwrap();
        let mut after: Vec<String> = after.iter().map(|token| token.id.clone()).collect();
        // The order of the creators is not determined.
        after.sort();
        expect.sort();
        assert_eq!(after, expect, "round {round}");
        assert!((1..=2).contains(&after.len()), "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_for_the_lease_is_refused_as_contention() {
    let test = TestApp::new().await;
    let tenant: TenantId = test.acme.id.parse().unwrap();
    let path = format!("/v1/tenants/{tenant}/scim-tokens");
    let lease = test.app.store.lease_scim_tokens(tenant, test.clock.now()).await.unwrap();
    let refused = test.operator(Method::POST, &path, None).await.expect(503).json();
    assert_eq!(refused["code"], "contention");
    test.app.store.release(lease).await.unwrap();
    test.operator(Method::POST, &path, None).await.expect(201);
}

#[tokio::test]
async fn the_lease_of_a_crashed_writer_lapses() {
    let test = TestApp::new().await;
    let tenant: TenantId = test.acme.id.parse().unwrap();
    let crashed = test.app.store.lease_scim_tokens(tenant, test.clock.now()).await.unwrap();
    test.clock.advance(Duration::from_secs(40));
    let next = test.app.store.lease_scim_tokens(tenant, test.clock.now()).await.unwrap();
    test.app.store.release(crashed).await.unwrap();
    let path = format!("/v1/tenants/{tenant}/scim-tokens");
    test.app.store.release(next).await.unwrap();
    test.operator(Method::POST, &path, None).await.expect(201);
}

#[tokio::test]
async fn a_deleted_tenant_gets_no_token() {
    let test = TestApp::new().await;
    let tenant: TenantId = test.acme.id.parse().unwrap();
    test.operator(Method::DELETE, &format!("/v1/tenants/{tenant}"), None).await.expect(204);
    let now = test.clock.now();
    let refused = test.app.scim_tokens.create(tenant, now, now + Duration::from_hours(1)).await;
    assert!(matches!(refused, Err(ScimTokensError::NoTenant)));
}
