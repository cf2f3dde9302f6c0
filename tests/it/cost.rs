//! The costs of a deployment, computed from AWS's list prices and from the measured consumption of
//! requests, and compared with the tables in `docs/operations.md` and `README.md`.

use std::fmt::Write as _;
use std::time::Duration;

use harness::TestApp;
use harness::browser::{Browser, later_draft};
use harness::oidc::{App, GOOD};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::{Value, json};
use shared::events;
use shared::store::Lane;
use tokio::time::Instant;

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
    /// One each minute.
    pub(super) const CALLS_OF_THE_PUBLISHER: f64 = 60.0 * 730.0;
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

/// One request of a sign-in.
struct Step {
    name: &'static str,
    round_trips: u128,
    units: Units,
}

/// The deployment whose calls are counted. Every call takes a millisecond of the paused clock.
struct Meter {
    log: CallLog<Dynamo>,
    test: TestApp,
    started: Instant,
}

impl Meter {
    async fn new() -> Self {
        let log = CallLog::over(Dynamo::memory().unwrap()).with_latency(ROUND_TRIP);
        let test = TestApp::over(client_over(log.clone()), |config| {
            config.base_url = Some(harness::browser::BASE.to_owned());
        })
        .await;
        test.travel().await;
        test.connect("acme.com", &metadata::usual(IDP), json!({"jit": true})).await.expect(200);
        Self { log, test, started: Instant::now() }
    }

    /// The consumption since the last call.
    fn take(&mut self, name: &'static str) -> Step {
        let sum = |units: Units, call: local::dynamodb::Call| Units {
            read: units.read + call.read_units,
            write: units.write + call.write_units,
        };
        let units = self.log.take().into_iter().fold(Units::default(), sum);
        let round_trips = self.started.elapsed().as_millis() / ROUND_TRIP.as_millis();
        self.started = Instant::now();
        Step { name, round_trips, units }
    }

    /// A sign-in: from the app to the identity provider and back, to tokens and userinfo.
    async fn sign_in(&mut self, app: &App, asked: &str, person: &Person) -> (Vec<Step>, Value) {
        let mut browser = Browser::default();
        let path = format!("/oauth2/authorize?{}", app.query(asked));
        self.take("");
        let request = browser.begin(&self.test, &path).await;
        let authorize = self.take("`/oauth2/authorize`");
        let mut draft = later_draft(&request, person.seconds);
        if let Some(name_id) = person.name_id {
            harness::browser::person(name_id, "ada@acme.com")(&mut draft);
        }
        let answer = browser.respond(&self.test, &draft.response()).await.expect(303);
        let acs = self.take(person.acs);
        let form = App::redemption(&answer.redirected("code").unwrap());
        let tokens = self.test.form_of(app, "/oauth2/token", &form).await.expect(200).json();
        let token = self.take("`/oauth2/token`, a code");
        self.test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
        (vec![authorize, acs, token, self.take("`/oauth2/userinfo`")], tokens)
    }

    /// Publishes the events of the last change, alone: with others they would cost less.
    async fn publish(&self) {
        let (app, tenant) = (&self.test.app, self.test.acme.id.parse().unwrap());
        events::publish(&app.store, &app.clock, [Lane::of(tenant)]).await.unwrap();
    }

    /// A day passes.
    fn wait_a_day(&self) {
        self.test.clock.advance(Duration::from_secs(DAY.unsigned_abs()));
    }
}

/// The person who signs in, and when.
struct Person {
    /// Name of the step in which the response arrives.
    acs: &'static str,
    /// A persistent `NameID`; an address without it.
    name_id: Option<&'static str>,
    /// Time of the sign-in.
    seconds: i64,
}

async fn measured() -> Measured {
    let mut meter = Meter::new().await;
    let app = meter.test.app(false).await;
    // The first sign-in creates the person, and the first request of a process reads the seat rules.
    meter.sign_in(&app, GOOD, &Person { acs: "", name_id: None, seconds: 0 }).await;
    meter.test.user("grace@acme.com").await;
    meter.publish().await;
    meter.take("");
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "linus@acme.com",
        "externalId": "00u-linus",
        "name": {"givenName": "Linus", "familyName": "Pauling"},
        "emails": [{"value": "linus@acme.com", "primary": true}],
    });
    let id = meter.test.post("/Users", user).await.expect(201).text("id");
    meter.publish().await;
    let creation = meter.take("").units;
    let filter = "/Users?filter=userName%20eq%20%22linus%40acme.com%22";
    meter.test.get(filter).await.expect(200);
    let lookup = meter.take("").units;
    let title = json!([{"op": "replace", "path": "title", "value": "Professor"}]);
    meter.test.patch(&format!("/Users/{id}"), title).await.expect(200);
    meter.publish().await;
    let patch = meter.take("").units;
    meter.wait_a_day();
    let person = Person { acs: "", name_id: None, seconds: DAY };
    let (steps, _) = meter.sign_in(&app, GOOD, &person).await;
    let sum = |all: Units, step: &Step| Units {
        read: all.read + step.units.read,
        write: all.write + step.units.write,
    };
    let sign_in = steps.iter().fold(Units::default(), sum);
    Measured { lookup, patch, creation, sign_in }
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
    /// Calls of the publisher by its schedule, which find nothing.
    publisher: f64,
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
    async fn of(template: &Value) -> Self {
        let count = |kind: &str| f64::from(u32::try_from(resources(template, kind).len()).unwrap());
        let alarms = resources(template, "AWS::CloudWatch::Alarm");
        Self {
            // Cursor key, SAML keys and signing keys.
            secrets: 3.0,
            publisher: idle_publisher().await,
            alarms: alarms.values().map(metrics_of).sum(),
            composite_alarms: count("AWS::CloudWatch::CompositeAlarm"),
            rules: count("AWS::CloudWatch::InsightRule"),
            dashboards: count("AWS::CloudWatch::Dashboard"),
            metrics: metrics_of_filters(template),
            route_metrics: f64::from(u32::try_from(routes(template).len()).unwrap())
                * price::METRICS_OF_A_ROUTE,
        }
    }

    /// An idle month with each value of `Monitoring`: secrets, publisher, alarms, rule, dashboard, their sum,
    /// and the sum after an otherwise unused free tier.
    fn idle(&self) -> [[f64; 3]; 7] {
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
        let publisher = self.publisher;
        let bare = secrets + publisher;
        [
            [secrets; 3],
            [publisher; 3],
            [alarms, alarms, 0.0],
            [rules, rules, 0.0],
            [dashboards, 0.0, 0.0],
            [bare + alarms + rules + dashboards, bare + alarms + rules, bare],
            [bare + charged + charged_dashboards, bare + charged, bare],
        ]
    }

    /// A month in which every metric has data and every route is called in every hour.
    fn in_use(&self) -> f64 {
        let [.., [idle, ..], _] = self.idle();
        idle + (self.metrics + self.route_metrics) * price::METRIC
    }
}

/// A month of calls of the publisher that find no event.
async fn idle_publisher() -> f64 {
    let mut meter = Meter::new().await;
    meter.publish().await;
    meter.take("");
    let app = &meter.test.app;
    assert_eq!(events::publish_leftovers(&app.store, &app.clock).await.unwrap(), 0);
    let units = meter.take("").units;
    let of_a_call = price::INVOCATIONS / 1e6 + month::GIGABYTE_SECONDS * price::GIGABYTE_SECOND;
    month::CALLS_OF_THE_PUBLISHER * (units.dollars() + of_a_call)
}

/// Number of metrics that the filters of logs count in. Several may count in the same.
fn metrics_of_filters(template: &Value) -> f64 {
    let filters = resources(template, "AWS::Logs::MetricFilter");
    let names: std::collections::BTreeSet<String> = filters
        .values()
        .map(|filter| filter["Properties"]["MetricTransformations"][0]["MetricName"].to_string())
        .collect();
    f64::from(u32::try_from(names.len()).unwrap())
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

#[tokio::test(start_paused = true)]
async fn the_documented_round_trips_of_a_sign_in_are_correct() {
    let mut meter = Meter::new().await;
    let app = meter.test.app(false).await;
    let mut person = Person { acs: "`/saml/sso/…`, an address", name_id: None, seconds: 0 };
    meter.sign_in(&app, GOOD, &person).await;
    meter.wait_a_day();
    person.seconds = DAY;
    let (mut steps, _) = meter.sign_in(&app, GOOD, &person).await;
    person = Person {
        acs: "`/saml/sso/…`, the first with a stable identity",
        name_id: Some("00u-ada"),
        seconds: DAY,
    };
    let (first, _) = meter.sign_in(&app, GOOD, &person).await;
    meter.wait_a_day();
    person.seconds = 2 * DAY;
    person.acs = "`/saml/sso/…`, a stable identity";
    let offline = GOOD.replace("scope=openid", "scope=openid%20offline_access");
    let (later, tokens) = meter.sign_in(&app, &offline, &person).await;
    let acs = |steps: Vec<Step>| steps.into_iter().nth(1).unwrap();
    steps.splice(2..2, [acs(later), acs(first)]);
    let token = |name: &str| tokens[name].as_str().unwrap();
    assert!(meter.test.is_active(&app, token("access_token")).await);
    steps.push(meter.take("`/oauth2/introspect`"));
    let form = format!("grant_type=refresh_token&refresh_token={}", token("refresh_token"));
    meter.test.form_of(&app, "/oauth2/token", &form).await.expect(200);
    steps.push(meter.take("`/oauth2/token`, a refresh token"));
    let mut expect = String::new();
    for Step { name, round_trips, units } in steps {
        let _ = writeln!(expect, "| {name} | {round_trips} | {} | {} |", units.read, units.write);
    }
    assert_contains("docs/operations.md", &expect);
}

#[tokio::test(start_paused = true)]
async fn the_documented_costs_are_correct() {
    let measured = measured().await;
    let fixed = Fixed::of(&template()).await;
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

#[tokio::test(start_paused = true)]
async fn the_documented_idle_costs_are_correct() {
    let fixed = Fixed::of(&template()).await;
    let rows = [
        "secrets of ours",
        "schedule of the publisher",
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

/// The time that every call takes here.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

/// Fails unless the document contains `expected`, regardless of line breaks.
fn assert_contains(document: &str, expected: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text(document.as_ref()).unwrap()).contains(&words(expected)), "{expected}");
}
