//! The costs of a deployment, computed from AWS's list prices and from the measured consumption of
//! requests, and compared with the tables in `docs/operations.md` and `README.md`.

use std::fmt::Write as _;

use harness::TestApp;
use harness::browser::{Browser, draft};
use harness::oidc::{App, GOOD};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::{Value, json};

use crate::template::{resources, routes, template};
use crate::tidy::text;

/// List prices in us-east-1, in dollars, November 2026.
mod price {
    /// HTTP API, per million requests.
    pub(super) const API: f64 = 1.00;
    /// Lambda, per million requests.
    pub(super) const INVOCATIONS: f64 = 0.20;
    /// Lambda on arm64, per gigabyte-second.
    pub(super) const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
    /// DynamoDB on demand, per million units.
    pub(super) const READ: f64 = 0.125;
    pub(super) const WRITE: f64 = 0.625;
    /// DynamoDB, per gigabyte-month, with point-in-time recovery.
    pub(super) const STORAGE: f64 = 0.25 + 0.20;
    /// Secrets Manager, per secret and month.
    pub(super) const SECRET: f64 = 0.40;
    /// CloudWatch, per gigabyte ingested; and per gigabyte-month stored, compressed to a seventh.
    pub(super) const LOGS: f64 = 0.50;
    pub(super) const LOGS_KEPT: f64 = 0.03 / 7.0;
    /// CloudWatch, per month: a metric of an alarm, and a composite alarm.
    pub(super) const ALARM: f64 = 0.10;
    pub(super) const COMPOSITE_ALARM: f64 = 0.50;
    /// CloudWatch, per month: a custom metric (charged for hours with data), a rule of Contributor
    /// Insights, and a dashboard.
    pub(super) const METRIC: f64 = 0.30;
    pub(super) const RULE: f64 = 0.50;
    pub(super) const DASHBOARD: f64 = 3.00;
    /// 4xx, 5xx, Count, Latency, `IntegrationLatency`, `DataProcessed`.
    pub(super) const METRICS_OF_A_ROUTE: f64 = 6.0;
    /// The permanent free tier of an account: metrics of alarms, rules, dashboards.
    pub(super) const FREE_ALARMS: f64 = 10.0;
    pub(super) const FREE_RULES: f64 = 1.0;
    pub(super) const FREE_DASHBOARDS: f64 = 3.0;
}

/// Assumed use per user and month. Half of the requests of a provider find no change.
mod month {
    pub(super) const SCIM_LOOKUPS: f64 = 16.0;
    pub(super) const SCIM_PATCHES: f64 = 3.0;
    pub(super) const SCIM_CREATIONS: f64 = 1.0;
    /// One for every working day.
    pub(super) const SIGN_INS: f64 = 20.0;
    /// authorize, ACS, token, userinfo.
    pub(super) const REQUESTS_OF_A_SIGN_IN: f64 = 4.0;
    /// Gigabytes of access log, summary line and lines of Lambda.
    pub(super) const LOGS_OF_A_REQUEST: f64 = 1.5e-6;
    pub(super) const LOGS_ARE_KEPT: f64 = 12.0;
    /// Gigabytes of memory of a function, times seconds of a request.
    pub(super) const GIGABYTE_SECONDS: f64 = 0.25 * 0.020;
    /// Gigabytes of a user with names, memberships and counters.
    pub(super) const STORAGE_OF_A_USER: f64 = 2.5e-6;
}

/// Read and write capacity units.
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

/// The measured consumption of requests.
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
    // The first sign-in links the person, and the first request of a process reads the seat rules.
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

/// A sign-in: from the app to the identity provider and back, to tokens and userinfo.
async fn sign_in(test: &TestApp, app: &App) {
    let mut browser = Browser::default();
    let path = format!("/oauth2/authorize?{}", app.query(GOOD));
    let request = browser.begin(test, &path).await;
    let answer = browser.respond(test, &draft(Some(&request)).response()).await.expect(303);
    let form = App::redemption(&answer.redirected("code").unwrap());
    let tokens = test.form_of(app, "/oauth2/token", &form).await.expect(200).json();
    test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
}

/// Cost of API Gateway and Lambda for a number of requests.
fn calls(requests: f64) -> f64 {
    requests * (price::API + price::INVOCATIONS) / 1e6
        + requests * month::GIGABYTE_SECONDS * price::GIGABYTE_SECOND
}

/// Cost of the logs of a number of requests.
fn logs(requests: f64) -> f64 {
    requests * month::LOGS_OF_A_REQUEST * (price::LOGS + month::LOGS_ARE_KEPT * price::LOGS_KEPT)
}

/// One column of the table.
fn column(measured: &Measured, fixed: f64, tenants: f64, users: f64) -> [f64; 6] {
    let scim = month::SCIM_LOOKUPS + month::SCIM_PATCHES + month::SCIM_CREATIONS;
    let requests = users * (scim + month::SIGN_INS * month::REQUESTS_OF_A_SIGN_IN);
    let table = users
        * (month::SCIM_LOOKUPS * measured.lookup.dollars()
            + month::SCIM_PATCHES * measured.patch.dollars()
            + month::SCIM_CREATIONS * measured.creation.dollars()
            + month::SIGN_INS * measured.sign_in.dollars()
            + month::STORAGE_OF_A_USER * price::STORAGE);
    let parts = [calls(requests), logs(requests), table, tenants * price::SECRET, fixed];
    let [api, logs, table, tenants, fixed] = parts;
    [api, logs, table, tenants, fixed, parts.iter().sum()]
}

fn dollars(amount: f64) -> String {
    if amount < 100.0 { format!("${amount:.2}") } else { format!("${amount:.0}") }
}

/// The resources of a deployment that are charged without use.
struct Fixed {
    secrets: f64,
    alarms: f64,
    composite_alarms: f64,
    rules: f64,
    dashboards: f64,
    /// Custom metrics, from logs.
    metrics: f64,
    /// Metrics of API Gateway per route, which CloudWatch charges as custom ones.
    route_metrics: f64,
}

impl Fixed {
    fn of(template: &Value) -> Self {
        let count = |kind: &str| f64::from(u32::try_from(resources(template, kind).len()).unwrap());
        let alarms = resources(template, "AWS::CloudWatch::Alarm");
        Self {
            // Cursor key, SAML keys and signing keys.
            secrets: 3.0,
            alarms: alarms.values().map(metrics_of).sum(),
            composite_alarms: count("AWS::CloudWatch::CompositeAlarm"),
            rules: count("AWS::CloudWatch::InsightRule"),
            dashboards: count("AWS::CloudWatch::Dashboard"),
            metrics: count("AWS::Logs::MetricFilter"),
            route_metrics: f64::from(u32::try_from(routes(template).len()).unwrap())
                * price::METRICS_OF_A_ROUTE,
        }
    }

    /// An idle month with each value of `Monitoring`: secrets, alarms, rule, dashboard, their sum,
    /// and the sum after an otherwise unused free tier.
    fn idle(&self) -> [[f64; 3]; 6] {
        let secrets = self.secrets * price::SECRET;
        let composite = self.composite_alarms * price::COMPOSITE_ALARM;
        let alarms = self.alarms * price::ALARM + composite;
        let rules = self.rules * price::RULE;
        let dashboards = self.dashboards * price::DASHBOARD;
        let charged = (self.alarms - price::FREE_ALARMS).max(0.0) * price::ALARM
            + composite
            + (self.rules - price::FREE_RULES).max(0.0) * price::RULE;
        let charged_dashboards =
            (self.dashboards - price::FREE_DASHBOARDS).max(0.0) * price::DASHBOARD;
        [
            [secrets; 3],
            [alarms, alarms, 0.0],
            [rules, rules, 0.0],
            [dashboards, 0.0, 0.0],
            [secrets + alarms + rules + dashboards, secrets + alarms + rules, secrets],
            [secrets + charged + charged_dashboards, secrets + charged, secrets],
        ]
    }

    /// A month in which every metric has data and every route is called in every hour.
    fn in_use(&self) -> f64 {
        let [.., [idle, ..], _] = self.idle();
        idle + (self.metrics + self.route_metrics) * price::METRIC
    }
}

/// Number of metrics that an alarm is charged for.
fn metrics_of(alarm: &Value) -> f64 {
    let listed = alarm["Properties"]["Metrics"].as_array().map_or(&[][..], Vec::as_slice);
    let read = listed.iter().filter(|metric| {
        let expression = metric["Expression"].to_string();
        metric.get("MetricStat").is_some() || expression.contains("INSIGHT_RULE_METRIC")
    });
    f64::from(u32::try_from(read.count().max(1)).unwrap())
}

/// Formats the rows of a Markdown table, each with a label and its amounts.
fn table<const N: usize>(rows: impl IntoIterator<Item = (&'static str, [f64; N])>) -> String {
    let mut table = String::new();
    for (row, amounts) in rows {
        let cells = amounts.map(|amount| {
            let cell = dollars(amount);
            if row.starts_with("**") { format!("**{cell}**") } else { cell }
        });
        let _ = writeln!(table, "| {row} | {} |", cells.join(" | "));
    }
    table
}

#[tokio::test]
async fn the_documented_costs_are_correct() {
    let measured = measured().await;
    let fixed = Fixed::of(&template());
    let columns = [(10.0, 2e3), (100.0, 1e5), (1e3, 2e6)]
        .map(|(tenants, users)| column(&measured, fixed.in_use(), tenants, users));
    let rows = [
        "HTTP API and Lambda",
        "logs",
        "table",
        "secrets of tenants",
        "alarms, metrics, dashboard, other secrets",
        "**a month**",
    ];
    let rows = rows.iter().enumerate().map(|(index, row)| (*row, columns.map(|c| c[index])));
    let mut expect = table(rows);
    let sign_in = measured.sign_in;
    let _ = write!(
        expect,
        "\nA sign-in, from the app and back to it, takes {} read units and {} write units",
        sign_in.read, sign_in.write
    );
    assert_contains("docs/operations.md", &expect);
    // Separately: a thousand sign-ins, and a tenant with its provisioning.
    let [.., tenant] = column(&measured, 0.0, 1.0, 1e4);
    let sign_ins = 1e3 * sign_in.dollars()
        + calls(1e3 * month::REQUESTS_OF_A_SIGN_IN)
        + logs(1e3 * month::REQUESTS_OF_A_SIGN_IN);
    assert_contains(
        "docs/operations.md",
        &format!(
            "A thousand sign-ins cost {}, a tenant of 10,000 users {} a month",
            dollars(sign_ins),
            dollars(tenant)
        ),
    );
}

#[test]
fn the_documented_idle_costs_are_correct() {
    let fixed = Fixed::of(&template());
    let rows = [
        "secrets of ours",
        "alarms",
        "rule that counts by tenant",
        "dashboard",
        "**a month**",
        "with what AWS gives free",
    ];
    let idle = fixed.idle();
    assert_contains("docs/operations.md", &table(rows.into_iter().zip(idle)));
    let [.., [all, _, bare], _] = idle;
    assert_contains(
        "README.md",
        &format!(
            "An idle deployment costs {} a month, {} with alarms and dashboard",
            dollars(bare),
            dollars(all)
        ),
    );
}

/// Fails unless the document contains `expected`, regardless of line breaks.
fn assert_contains(document: &str, expected: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text(document.as_ref()).unwrap()).contains(&words(expected)), "{expected}");
}
