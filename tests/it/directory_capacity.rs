//! The cost of the calls of the directory API: calls of DynamoDB and capacity units.

use harness::TestApp;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::json;

/// A deployment whose calls are counted.
struct Meter {
    log: CallLog<Dynamo>,
    test: TestApp,
    token: String,
}

impl Meter {
    async fn new() -> Self {
        let log = CallLog::over(Dynamo::memory().unwrap());
        let test = TestApp::over(client_over(log.clone()), |_| {}).await;
        let app = test.app(false).await;
        let token = test.directory_token(&app).await;
        Self { log, test, token }
    }

    /// Reads a path below the first tenant; returns the calls in alphabetical order, and the read
    /// units. Nothing is written.
    async fn cost(&self, path: &str) -> (Vec<String>, f64) {
        let path = format!("/tenants/{}{path}", self.test.acme.id);
        self.log.take();
        self.test.directory(&self.token, &path).await.expect(200);
        let calls = self.log.take();
        assert!(calls.iter().all(|call| call.write_units == 0.0), "{path}: {calls:?}");
        let units = calls.iter().map(|call| call.read_units).sum();
        let mut names: Vec<String> = calls.into_iter().map(|call| call.operation).collect();
        names.sort();
        (names, units)
    }
}

/// Each call reads the app and the tenant: two of the units.
#[tokio::test]
async fn the_calls_of_the_directory_have_these_costs() {
    let meter = Meter::new().await;
    let ada = meter.test.user("ada@acme.com").await;
    let group = json!({"displayName": "Engineers", "members": [{"value": ada}]});
    let group = meter.test.post("/Groups", group).await.expect(201).text("id");
    let (get, query) = ("GetItem", "Query");
    for (path, calls, units) in [
        (format!("/users/{ada}"), vec![get, get, get, get, query], 4.5),
        (format!("/users/{ada}/groups"), vec![get, get, get, get, query], 4.5),
        ("/users?user_name=ada%40acme.com".to_owned(), vec![get, get, get, get], 4.0),
        ("/users?user_name=nobody".to_owned(), vec![get, get, get], 3.0),
        ("/users?email=ada%40acme.com".to_owned(), vec![get, get, get, get, query], 5.0),
        ("/users".to_owned(), vec![get, get, query], 3.0),
        (format!("/groups/{group}"), vec![get, get, get], 3.0),
        (format!("/groups/{group}/members"), vec![get, get, get, query], 4.0),
    ] {
        let found = meter.cost(&path).await;
        assert_eq!(found, (calls.iter().map(ToString::to_string).collect(), units), "{path}");
    }
    let (calls, units) = meter.cost("").await;
    assert_eq!(calls.len(), 8, "{calls:?}");
    assert!(units <= 8.0, "{units}");
}

#[tokio::test]
async fn a_page_costs_no_more_than_its_users() {
    let meter = Meter::new().await;
    for n in 0..120 {
        meter.test.user(&format!("u{n:03}@acme.com")).await;
    }
    let (calls, units) = meter.cost("/users?limit=10").await;
    assert_eq!(calls, ["GetItem", "GetItem", "Query"]);
    assert!(units <= 4.0, "{units}");
    // Strongly consistent: a read unit for each 4 KB.
    let (calls, units) = meter.cost("/users?limit=100").await;
    assert_eq!(calls, ["GetItem", "GetItem", "Query"]);
    assert!(units <= 20.0, "{units}");
}
