//! Filters and pages that read memberships: their results and their cost.

use std::fmt::Write as _;

use harness::TestApp;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::{Value, json};

async fn group(test: &TestApp, name: &str, members: &[String]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"displayName": name, "members": members});
    test.post("/Groups", body).await.expect(201).text("id")
}

/// Returns the ids that a filter finds, sorted.
async fn found(test: &TestApp, endpoint: &str, filter: &str) -> Vec<String> {
    let mut path = format!("/{endpoint}?count=1000&filter=");
    for byte in filter.bytes() {
        write!(path, "%{byte:02x}").unwrap();
    }
    let list = test.get(&path).await.expect(200).json();
    let ids = list["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ids: Vec<String> =
        ids.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn users_are_found_by_their_groups() {
    let test = TestApp::new().await;
    let (ada, bob, cy) = (test.user("a").await, test.user("b").await, test.user("c").await);
    let x = group(&test, "x", &[ada.clone(), bob.clone()]).await;
    let y = group(&test, "y", std::slice::from_ref(&bob)).await;
    group(&test, "z", std::slice::from_ref(&x)).await;
    for (filter, expect) in [
        (format!("groups eq \"{x}\""), vec![&ada, &bob]),
        (format!("groups.value eq \"{x}\""), vec![&ada, &bob]),
        (format!("groups[value eq \"{y}\"]"), vec![&bob]),
        (format!("groups eq \"{x}\" and userName eq \"a\""), vec![&ada]),
        (format!("groups eq \"{x}\" and groups eq \"{y}\""), vec![&bob]),
        (format!("groups eq \"{x}\" and not (groups eq \"{y}\")"), vec![&ada]),
        (format!("not (groups eq \"{x}\")"), vec![&cy]),
        (format!("groups eq \"{y}\" or userName eq \"c\""), vec![&bob, &cy]),
        (format!("groups eq \"{x}\" and groups pr"), vec![&ada, &bob]),
        ("groups pr".to_owned(), vec![&ada, &bob]),
        ("not (groups pr)".to_owned(), vec![&cy]),
        (format!("groups eq \"{ada}\""), vec![]),
        ("groups eq \"nobody\"".to_owned(), vec![]),
    ] {
        assert_eq!(found(&test, "Users", &filter).await, sorted(&expect), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_by_group_costs_no_call_for_each_user() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let mut ids = Vec::new();
    for n in 0..150 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let x = group(&test, "x", &ids[..120]).await;
    log.take();
    assert_eq!(found(&test, "Users", &format!("groups eq \"{x}\"")).await.len(), 120);
    let calls = log.take().len();
    assert!(calls <= 4, "{calls} calls");
    assert_eq!(found(&test, "Users", &format!("not (groups eq \"{x}\")")).await.len(), 30);
    let calls = log.take().len();
    assert!(calls <= 4, "{calls} calls");
}

#[tokio::test]
async fn a_filter_that_loads_memberships_is_limited_to_500_resources() {
    let test = TestApp::new().await;
    for n in 0..501 {
        test.user(&format!("user{n}")).await;
    }
    let refused = test.get("/Users?filter=groups+pr").await.expect(400).json();
    assert_eq!(refused["scimType"], "tooMany");
    let (mut pages, mut cursor) = (0, Some(String::new()));
    while let Some(after) = cursor {
        let path = format!("/Users?filter=not+(groups+pr)&count=400&cursor={after}");
        let page = test.get(&path).await.expect(200).json();
        pages += 1;
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, 2, "cursor paging has no such limit");
}

#[tokio::test]
async fn a_page_of_groups_shows_each_its_own_members() {
    let test = TestApp::new().await;
    let (a, b) = (test.user("a").await, test.user("b").await);
    let mut expect = Vec::new();
    for n in 0..40 {
        let members = sorted(&[vec![], vec![&a], vec![&b], vec![&a, &b]][n % 4]);
        let id = group(&test, &format!("g{n}"), &members).await;
        expect.push((id, members));
    }
    expect.sort_unstable();
    let page = test.get("/Groups?count=1000").await.expect(200).json();
    let shown: Vec<(String, Vec<String>)> = page["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
            let ids = members.iter().map(|member| member["value"].as_str().unwrap().to_owned());
            (group["id"].as_str().unwrap().to_owned(), ids.collect())
        })
        .collect();
    assert_eq!(shown, expect);
}

#[tokio::test]
async fn one_membership_is_found_at_the_same_cost_in_a_group_of_any_size() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let (ada, rest) = ids.split_first().unwrap();
    let small = group(&test, "small", std::slice::from_ref(ada)).await;
    let large = group(&test, "large", &ids).await;
    let units = || log.take().iter().map(|call| call.read_units + call.write_units).sum::<f64>();
    let mut price = Vec::new();
    for id in [&small, &large] {
        let mut prices = Vec::new();
        for filter in [
            format!("groups eq \"{id}\" and id eq \"{ada}\""),
            format!("userName eq \"user0\" and groups.value eq \"{id}\""),
        ] {
            units();
            assert_eq!(found(&test, "Users", &filter).await, [ada.as_str()], "{filter}");
            prices.push(units());
        }
        let member = format!("members[type eq \"User\" and value eq \"{ada}\"]");
        let remove = json!([{"op": "remove", "path": member}]);
        let path = format!("/Groups/{id}?excludedAttributes=members");
        test.patch(&path, remove).await.expect(200);
        prices.push(units());
        price.push(prices);
    }
    assert_eq!(price[0], price[1], "small and large");
    assert_eq!(found(&test, "Groups", &format!("members eq \"{ada}\"")).await, [""; 0]);
    let path = format!("/Groups/{large}");
    let members = test.get(&path).await.expect(200).json()["members"].as_array().unwrap().len();
    assert_eq!(members, rest.len());
}

#[tokio::test]
async fn alternatives_are_looked_up_without_reading_the_collection() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let x = group(&test, "x", &ids[..3]).await;
    let y = group(&test, "y", &[]).await;
    for (endpoint, filter, expect) in [
        (
            "Users",
            "userName eq \"user1\" or userName eq \"USER2\"".to_owned(),
            vec![&ids[1], &ids[2]],
        ),
        ("Users", format!("id eq \"{}\" or userName eq \"user7\"", ids[7]), vec![&ids[7]]),
        (
            "Users",
            format!("active eq true and (userName eq \"user5\" or groups eq \"{x}\")"),
            vec![&ids[0], &ids[1], &ids[2], &ids[5]],
        ),
        ("Groups", format!("displayName eq \"y\" or members eq \"{}\"", ids[0]), vec![&x, &y]),
    ] {
        log.take();
        assert_eq!(found(&test, endpoint, &filter).await, sorted(&expect), "{filter}");
        let units: f64 = log.take().iter().map(|call| call.read_units).sum();
        assert!(units <= 8.0, "{filter}: {units} units");
    }
}

#[tokio::test]
async fn results_of_a_lookup_are_paged_by_cursor_without_reading_the_collection() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |_| {}).await;
    let mut ids = Vec::new();
    for n in 0..50 {
        ids.push(test.user(&format!("user{n}")).await);
    }
    let x = group(&test, "x", &ids[..5]).await;
    let (mut seen, mut cursor) = (Vec::new(), Some(String::new()));
    while let Some(after) = cursor {
        let path = format!("/Users?filter=groups+eq+%22{x}%22&count=2&cursor={after}");
        let page = test.get(&path).await.expect(200).json();
        assert_eq!(page["totalResults"], 5);
        let users = page["Resources"].as_array().unwrap();
        seen.extend(users.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, sorted(&ids[..5].iter().collect::<Vec<_>>()));
    log.take();
    let one = test.get("/Users?filter=userName+eq+%22user9%22&cursor").await.expect(200).json();
    assert_eq!((&one["totalResults"], one.get("nextCursor")), (&json!(1), None));
    assert!(log.take().len() <= 3);
}
