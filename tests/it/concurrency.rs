//! Concurrent clients, on several threads.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use harness::items::text;
use harness::oidc::{App, GOOD};
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

/// A connection and a domain that change at the same time each read rows without the other change.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_made_while_its_domain_is_given_up_does_not_speak_for_it() {
    let test = Arc::new(TestApp::new().await);
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    for n in 0..15 {
        test.verify_domain(&test.acme.id, "acme.org").await;
        let send = |method: Method, path: String, body: Option<Value>| {
            let test = Arc::clone(&test);
            tokio::spawn(async move { test.operator(method, &path, body).await })
        };
        let connections: Vec<_> = (0..3)
            .map(|m| {
                let path = format!("{tenant}/connections/c{n}-{m}.example");
                send(Method::PUT, path, Some(json!({"domains": ["acme.org"]})))
            })
            .collect();
        let domain = send(Method::DELETE, format!("{tenant}/domains/acme.org"), None);
        domain.await.unwrap().expect_one_of(&[204, 503]);
        for connection in connections {
            connection.await.unwrap().expect_one_of(&[200, 503]);
        }
        let path = format!("{tenant}/domains/acme.org");
        test.operator(Method::DELETE, &path, None).await.expect_one_of(&[204, 404]);
        let speaks = |row: &Value| text(row, "doms").contains("acme.org");
        assert_eq!(test.items().await.iter().filter(|row| speaks(row)).count(), 0, "round {n}");
    }
}

/// Redeems one refresh token fifty times at once; returns the answers.
async fn redeem_concurrently(test: &Arc<TestApp>, app: &App, token: &str) -> Vec<Answer> {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let sent: Vec<_> = (0..50)
        .map(|_| {
            let (test, app, form) = (Arc::clone(test), app.clone(), form.clone());
            tokio::spawn(async move { test.form_of(&app, "/oauth2/token", &form).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

/// Rule 17 of `docs/authority.md`, row A11: two tabs, or fifty, sign nobody out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_redemptions_of_one_refresh_token_keep_one_grant() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let test = Arc::new(test);
    let rest = GOOD.replace("scope=openid", "scope=openid+offline_access");
    let tokens = test.tokens(&app, &user, &rest).await;
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    let rows = async |kind: &str| {
        let items = test.items().await.into_iter();
        let prefix = format!("{kind}#");
        items
            .filter(|row| text(row, "pk").ends_with("#O") && text(row, "sk").starts_with(&prefix))
            .count()
    };
    let (mut token, mut access_tokens) = (first.clone(), Vec::new());
    for generation in 1..=3 {
        let mut successors = Vec::new();
        for answer in redeem_concurrently(&test, &app, &token).await {
            let answer = answer.expect(200);
            successors.push(answer.text("refresh_token"));
            access_tokens.push(answer.text("access_token"));
        }
        successors.dedup();
        let [next] = successors.try_into().unwrap();
        assert_ne!(next, token);
        assert!(test.is_active(&app, &next).await);
        assert_eq!((rows("G").await, rows("F").await), (1, generation + 1));
        token = next;
        // Together within the time in which the first token may be sent again.
        test.clock.advance(Duration::from_secs(9));
    }
    for access_token in &access_tokens {
        test.userinfo(access_token).await.expect(200);
    }
    let form = format!("grant_type=refresh_token&refresh_token={first}");
    test.form_of(&app, "/oauth2/token", &form).await.expect(200);
    assert!(test.is_active(&app, &token).await);

    test.clock.advance(Duration::from_secs(31 - 27));
    for answer in redeem_concurrently(&test, &app, &first).await {
        assert_eq!(answer.expect(400).json()["error"], "invalid_grant");
    }
    for access_token in &access_tokens {
        test.userinfo(access_token).await.expect(401);
    }
    for answer in redeem_concurrently(&test, &app, &token).await {
        answer.expect(400);
    }
    assert_eq!(rows("G").await, 0);
}
