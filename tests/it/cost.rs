//! What a deployment costs: computed from AWS's list prices and from what requests consume here,
//! and held against the table in `docs/operations.md`.

use std::fmt::Write as _;

use harness::TestApp;
use harness::browser::{Browser, draft};
use harness::oidc::{App, GOOD};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::json;

use crate::tidy::text;

/// List prices in us-east-1, in dollars, November 2026.
mod price {
    /// HTTP API, a million requests.
    pub(super) const API: f64 = 1.00;
    /// Lambda, a million requests.
    pub(super) const INVOCATIONS: f64 = 0.20;
    /// Lambda on arm64, a gigabyte for a second.
    pub(super) const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
    /// DynamoDB on demand, a million units.
    pub(super) const READ: f64 = 0.125;
    pub(super) const WRITE: f64 = 0.625;
    /// DynamoDB, a gigabyte for a month, with point-in-time recovery.
    pub(super) const STORAGE: f64 = 0.25 + 0.20;
    /// Secrets Manager, a secret for a month.
    pub(super) const SECRET: f64 = 0.40;
    /// CloudWatch, a gigabyte taken in; and kept for a month, compressed to a seventh.
    pub(super) const LOGS: f64 = 0.50;
    pub(super) const LOGS_KEPT: f64 = 0.03 / 7.0;
    /// CloudWatch, an alarm for a month.
    pub(super) const ALARM: f64 = 0.10;
    /// CloudWatch, a metric of our own for a month; and a dashboard.
    pub(super) const METRIC: f64 = 0.30;
    pub(super) const DASHBOARD: f64 = 3.00;
}

/// What is assumed of a month, for each user. Half of what a provider sends finds no change.
mod month {
    pub(super) const SCIM_LOOKUPS: f64 = 16.0;
    pub(super) const SCIM_PATCHES: f64 = 3.0;
    pub(super) const SCIM_CREATIONS: f64 = 1.0;
    /// One for every working day.
    pub(super) const SIGN_INS: f64 = 20.0;
    /// authorize, ACS, token, userinfo.
    pub(super) const REQUESTS_OF_A_SIGN_IN: f64 = 4.0;
    /// Access log, summary line and Lambda's own, in gigabytes.
    pub(super) const LOGS_OF_A_REQUEST: f64 = 1.5e-6;
    pub(super) const LOGS_ARE_KEPT: f64 = 12.0;
    /// Memory of a function in gigabytes, times the seconds of a request.
    pub(super) const GIGABYTE_SECONDS: f64 = 0.25 * 0.020;
    /// A user with names, memberships and counters, in gigabytes.
    pub(super) const STORAGE_OF_A_USER: f64 = 2.5e-6;
}

/// Units of reading and writing.
#[derive(Clone, Copy, Debug, Default)]
struct Units {
    read: f64,
    write: f64,
}

impl Units {
    fn dollars(self) -> f64 {
        (self.read * price::READ + self.write * price::WRITE) / 1e6
    }
}

/// What requests consume, measured.
struct Measured {
    lookup: Units,
    patch: Units,
    creation: Units,
    sign_in: Units,
}

async fn measured() -> Measured {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(log.clone()), |config| {
        config.base_url = Some(harness::browser::BASE.to_owned());
    })
    .await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({"jit": true})).await.expect(200);
    let app = test.app(false).await;
    let take = || {
        let sum = |units: Units, call: local::dynamodb::Call| Units {
            read: units.read + call.read_units,
            write: units.write + call.write_units,
        };
        log.take().into_iter().fold(Units::default(), sum)
    };
    // The first sign-in links the person, and the first request of a process reads rules.
    sign_in(&test, &app).await;
    test.user("grace@acme.com").await;
    take();
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "linus@acme.com",
        "externalId": "00u-linus",
        "name": {"givenName": "Linus", "familyName": "Pauling"},
        "emails": [{"value": "linus@acme.com", "primary": true}],
    });
    let id = test.post("/Users", user).await.expect(201).text("id");
    let creation = take();
    test.get("/Users?filter=userName%20eq%20%22linus%40acme.com%22").await.expect(200);
    let lookup = take();
    let title = json!([{"op": "replace", "path": "title", "value": "Professor"}]);
    test.patch(&format!("/Users/{id}"), title).await.expect(200);
    let patch = take();
    sign_in(&test, &app).await;
    Measured { lookup, patch, creation, sign_in: take() }
}

/// From the app to the identity provider and back, to tokens and userinfo.
async fn sign_in(test: &TestApp, app: &App) {
    let mut browser = Browser::default();
    let path = format!("/oauth2/authorize?{}", app.query(GOOD));
    let request = browser.begin(test, &path).await;
    let answer = browser.respond(test, &draft(Some(&request)).response()).await.expect(303);
    let form = App::redemption(&answer.redirected("code").unwrap());
    let tokens = test.form_of(app, "/oauth2/token", &form).await.expect(200).json();
    test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
}

/// One column of the table.
fn column(measured: &Measured, fixed: f64, tenants: f64, users: f64) -> [f64; 6] {
    let scim = month::SCIM_LOOKUPS + month::SCIM_PATCHES + month::SCIM_CREATIONS;
    let requests = users * (scim + month::SIGN_INS * month::REQUESTS_OF_A_SIGN_IN);
    let logs = requests * month::LOGS_OF_A_REQUEST;
    let table = users
        * (month::SCIM_LOOKUPS * measured.lookup.dollars()
            + month::SCIM_PATCHES * measured.patch.dollars()
            + month::SCIM_CREATIONS * measured.creation.dollars()
            + month::SIGN_INS * measured.sign_in.dollars()
            + month::STORAGE_OF_A_USER * price::STORAGE);
    let parts = [
        requests * (price::API + price::INVOCATIONS) / 1e6
            + requests * month::GIGABYTE_SECONDS * price::GIGABYTE_SECOND,
        logs * (price::LOGS + month::LOGS_ARE_KEPT * price::LOGS_KEPT),
        table,
        tenants * price::SECRET,
        fixed,
    ];
    let [api, logs, table, tenants, fixed] = parts;
    [api, logs, table, tenants, fixed, parts.iter().sum()]
}

fn dollars(amount: f64) -> String {
    if amount < 100.0 { format!("${amount:.2}") } else { format!("${amount:.0}") }
}

#[tokio::test]
async fn the_costs_in_the_document_are_these() {
    let measured = measured().await;
    let template = text("template.yaml".as_ref()).unwrap();
    let of_type = |kind: &str| {
        let count = template.matches(&format!("Type: AWS::{kind}\n")).count();
        f64::from(u32::try_from(count).unwrap())
    };
    // The cursor's key, SAML keys and signing keys.
    let fixed = 3.0 * price::SECRET
        + of_type("CloudWatch::Alarm") * price::ALARM
        + of_type("Logs::MetricFilter") * price::METRIC
        + of_type("CloudWatch::Dashboard") * price::DASHBOARD;
    let columns = [(10.0, 2e3), (100.0, 1e5), (1e3, 2e6)]
        .map(|(tenants, users)| column(&measured, fixed, tenants, users));
    let rows = [
        "HTTP API and Lambda",
        "logs",
        "table",
        "secrets of tenants",
        "alarms, dashboard, other secrets",
        "**a month**",
    ];
    let mut expect = String::new();
    for (index, row) in rows.into_iter().enumerate() {
        let cells = columns.map(|column| {
            let cell = dollars(column[index]);
            if row.starts_with("**") { format!("**{cell}**") } else { cell }
        });
        let _ = writeln!(expect, "| {row} | {} |", cells.join(" | "));
    }
    let sign_in = measured.sign_in;
    let _ = write!(
        expect,
        "\nA sign-in, from the app and back to it, takes {} read units and {} write units",
        sign_in.read, sign_in.write
    );
    let document = text("docs/operations.md".as_ref()).unwrap();
    assert!(document.replace('\n', " ").contains(&expect.replace('\n', " ")), "{expect}");
}
