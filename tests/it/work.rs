//! The limits on the work, the answer and the rate of one request.

use std::collections::BTreeSet;

use axum::http::Method;
use harness::TestApp;
use harness::browser::percent_encoded;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Bytes of the resources of a page, as Lambda counts them, and of a whole answer.
const MOST_OF_A_PAGE: usize = 5 * 1024 * 1024;
const MOST: usize = 6_291_556;

/// Creates users with three texts of this length, in bytes.
async fn long_users(test: &TestApp, count: usize, word: &str, length: usize) {
    let long = word.repeat(length / word.len());
    for n in 0..count {
        let user = json!({
            "schemas": [USER], "userName": format!("long{n}"),
            "title": long, "x1": long, "x2": long,
        });
        test.post("/Users", user).await.expect(201);
    }
}

/// Returns the bytes that Lambda counts for an answer: it becomes a string of JSON.
fn counted(body: &str) -> usize {
    serde_json::to_string(body).unwrap().len()
}

fn ids(page: &Value) -> Vec<String> {
    let resources = page["Resources"].as_array().unwrap();
    assert_eq!(page["itemsPerPage"], resources.len());
    resources.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

/// Follows the cursors of a query to its end; returns the ids and the number of pages.
async fn walk(test: &TestApp, query: &str) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, Some(String::new()));
    while let Some(after) = cursor {
        let answer = test.get(&format!("/Users?{query}&cursor={after}")).await.expect(200);
        assert!(counted(&answer.body()) < MOST);
        let page = answer.json();
        found.extend(ids(&page));
        pages += 1;
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    (found, pages)
}

#[tokio::test]
async fn a_page_ends_before_its_answer_is_too_large() {
    // The second text takes twice its bytes in an answer, and four times in Lambda's.
    for (count, text, length) in [(36, "x", 60_000), (14, "\"", 39_000)] {
        let test = TestApp::new().await;
        long_users(&test, count, text, length).await;
        for query in ["count=1000", "count=1000&filter=title+pr", "count=1000&sortBy=userName"] {
            let (mut seen, mut start) = (BTreeSet::new(), 1);
            while seen.len() < count {
                let path = format!("/Users?{query}&startIndex={start}");
                let answer = test.get(&path).await.expect(200);
                assert!(counted(&answer.body()) < MOST_OF_A_PAGE + 10_000, "{query}");
                let page = answer.json();
                assert_eq!(page["totalResults"], count, "{query}");
                let found = ids(&page);
                assert!(!found.is_empty() && found.len() < count, "{query}: {}", found.len());
                start += found.len();
                seen.extend(found);
            }
            assert_eq!(start, count + 1, "{query}: each user is on one page");
        }
        for query in ["count=1000", "count=1000&filter=title+pr"] {
            let (found, pages) = walk(&test, query).await;
            assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), count, "{query}");
            assert_eq!(found.len(), count, "{query}");
            assert!(pages > 1, "{query}");
        }
    }
}

#[tokio::test]
async fn a_filter_that_costs_too_much_is_refused_by_index_and_shortened_by_cursor() {
    let test = TestApp::new().await;
    long_users(&test, 40, "Ы", 60_000).await;
    let terms: Vec<String> = (0..90).map(|n| format!("title co \"{n}\"")).collect();
    let filter = format!("filter={}", percent_encoded(&format!("{} or id pr", terms.join(" or "))));
    for sort in ["", "&sortBy=title"] {
        let refused = test.get(&format!("/Users?{filter}{sort}")).await.expect(400).json();
        assert_eq!(refused["scimType"], "tooMany");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("fewer terms") && detail.contains("cursor"), "{detail}");
    }
    let (found, pages) = walk(&test, &format!("{filter}&count=1000")).await;
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 40);
    assert!(pages > 1);
}

#[tokio::test]
async fn a_filter_with_many_terms_is_answered_for_a_small_collection() {
    let test = TestApp::new().await;
    for n in 0..20 {
        test.user(&format!("user{n}")).await;
    }
    let terms: Vec<String> = (0..100).map(|n| format!("userName co \"{n}\"")).collect();
    let filter = percent_encoded(&terms.join(" or "));
    let page = test.get(&format!("/Users?filter={filter}")).await.expect(200).json();
    assert_eq!(page["totalResults"], 20);
}

#[tokio::test]
async fn a_bulk_request_is_limited_by_the_size_of_what_it_changes() {
    let test = TestApp::new().await;
    long_users(&test, 1, "x", 60_000).await;
    let id = test.get("/Users?attributes=id").await.json()["Resources"][0]["id"].clone();
    let path = format!("/Users/{}", id.as_str().unwrap());
    let change = |n: usize| {
        let operations = json!([{"op": "replace", "path": "nickName", "value": format!("n{n}")}]);
        json!({"method": "PATCH", "path": path, "data": {"Operations": operations}})
    };
    let operations: Vec<Value> = (0..1_000).map(change).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    let answer = test.post("/Bulk", body).await.expect(200).json();
    let statuses: Vec<&str> = answer["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|done| done["status"].as_str().unwrap())
        .collect();
    let done = statuses.iter().take_while(|status| **status == "200").count();
    assert!(done > 10 && done < 100, "{done}");
    assert!(statuses[done..].iter().all(|status| *status == "429"));
    let user = test.get(&format!("{path}?attributes=nickName")).await.expect(200).json();
    assert_eq!(user["nickName"], format!("n{}", done - 1), "what was answered 200 has happened");
}

#[tokio::test]
async fn a_bulk_request_counts_as_its_operations_and_may_leave_a_debt() {
    let test = TestApp::with_rate_limit(2, 5).await;
    let create = |n: usize| {
        let user = json!({"schemas": [USER], "userName": format!("user{n}")});
        json!({"method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": user})
    };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": (0..25).map(create).collect::<Vec<_>>(),
    });
    test.post("/Bulk", body).await.expect(200);
    let refused = test.get("/Users").await.expect(429);
    // Twenty are owed and one is needed, at two a second.
    assert_eq!(refused.header("retry-after"), Some("11"));
    test.clock.advance(std::time::Duration::from_secs(11));
    test.get("/Users").await.expect(200);
}

#[tokio::test]
async fn a_request_counts_by_the_capacity_that_it_takes() {
    let limited = TestApp::with_rate_limit(1, 5).await;
    let mut ids = Vec::new();
    for n in 0..60 {
        limited.clock.advance(std::time::Duration::from_secs(5));
        ids.push(json!({"value": limited.user(&format!("user{n}")).await}));
    }
    let group = json!({"displayName": "all", "members": ids});
    limited.clock.advance(std::time::Duration::from_mins(1));
    limited.scim(Method::POST, "/Groups", Some(group)).await.expect(201);
    // Sixty memberships take four units each: more than ten creations of users.
    let refused = limited.get("/Users").await.expect(429);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((5..60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_long_list_of_names_is_limited_by_the_names_of_the_resources() {
    let test = TestApp::new().await;
    let keys = (0..15_000).map(|n| (format!("k{n}"), json!(1)));
    let mut user = json!({"schemas": [USER]});
    user.as_object_mut().unwrap().extend(keys);
    let mut ids = Vec::new();
    for n in 0..8 {
        user["userName"] = json!(format!("many{n}"));
        ids.push(test.post("/Users", user.clone()).await.expect(201).text("id"));
    }
    let names: Vec<String> = (0..100).map(|n| format!("urn:x:y:z{n}:a")).collect();
    let query = format!("attributes={}", names.join(","));
    // The names are resolved once for a resource; the names of eight are too many.
    test.get(&format!("/Users/{}?{query}", ids[0])).await.expect(200);
    let refused = test.get(&format!("/Users?{query}")).await.expect(400).json();
    assert_eq!(refused["scimType"], "tooMany");
    test.get(&format!("/Users?count=2&{query}")).await.expect(200);
}
