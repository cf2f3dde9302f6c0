//! Checks the rows that the public functions can write. A fault in one of them must not make an app,
//! a domain or a connection: their roles deny these rows, and allow all that the functions write.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Method;
use harness::TestApp;
use harness::browser::{Browser, Idp, named, person, request_id};
use harness::oidc::{App, GOOD};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::AwsResponse;
use local::dynamodb::{Dynamo, Endpoint, NoResponseError, client_over};
use serde_json::{Value, json};
use shared::events;
use shared::runtime::state::AppState;
use shared::store::Lane;

use super::template;
use crate::sign_in_provider_initiated::sign_in_field;

/// Partitions that a role denies, whatever is written.
const NEVER: [&str; 9] =
    ["CLIENTS", "DOM#*", "EV#*", "FEED", "LAYOUT", "LOCK#*", "REFRESH", "TENANTS*", "WEBHOOKS*"];

/// The partition of a tenant's own row, its connections, domains, authorities and seats.
const OF_TENANT: &str = "*#T";

/// Attributes of an update in that partition: of the row of seats, and of a counter in the same
/// transaction. IAM may look at the items of a transaction together.
const OF_SEATS: [&str; 5] = ["e", "f", "pk", "seats", "sk"];

/// The roles, each with whether its function lets the pool of seats grow.
const ROLES: [(&str, bool); 3] = [("ScimRole", true), ("SamlAcsRole", true), ("OidcRole", false)];

/// One write as IAM sees it: the action, the partitions, and the names of the attributes.
#[derive(Clone, Debug)]
struct Access {
    action: String,
    partitions: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

/// Returns what a role has for the table: the statements that allow, and those that deny.
fn statements(role: &str) -> (Vec<Value>, Vec<Value>) {
    let template = template();
    let policies = &template["Resources"][role]["Properties"]["Policies"];
    let all = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap().iter();
    let of_table = all.filter(|statement| statement["Action"].to_string().contains("dynamodb:"));
    of_table.cloned().partition(|statement| statement["Effect"] == "Allow")
}

fn listed(value: &Value) -> Vec<String> {
    let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Matches like IAM's `StringLike`, for patterns with a star at one end.
fn matches(pattern: &str, key: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(prefix), _) => key.starts_with(prefix),
        (None, Some(suffix)) => key.ends_with(suffix),
        (None, None) => key == pattern,
    }
}

/// Whether a role allows a write: one statement allows it and none denies it. A deny with several
/// conditions needs all of them, each for any of the values in the request.
fn allows((allow, deny): &(Vec<Value>, Vec<Value>), access: &Access) -> bool {
    let names = |statement: &&Value| listed(&statement["Action"]).contains(&access.action);
    let is_denied = deny.iter().filter(names).any(|statement| {
        assert_eq!(statement["Resource"], json!({"!GetAtt": "Table.Arn"}));
        statement["Condition"].as_object().unwrap().iter().all(|(operator, values)| {
            let (key, values) = values.as_object().unwrap().iter().next().unwrap();
            let values = listed(values);
            match (operator.as_str(), key.as_str()) {
                ("ForAnyValue:StringLike", "dynamodb:LeadingKeys") => access
                    .partitions
                    .iter()
                    .any(|pk| values.iter().any(|pattern| matches(pattern, pk))),
                ("ForAnyValue:StringNotEquals", "dynamodb:Attributes") => {
                    access.attributes.iter().any(|name| !values.contains(name))
                }
                other => panic!("an unknown condition: {other:?}"),
            }
        })
    });
    allow.iter().filter(|statement| statement.get("Condition").is_none()).any(|s| names(&s))
        && !is_denied
}

#[test]
fn the_roles_deny_these_rows_and_no_others() {
    for (role, grows) in ROLES {
        let (allow, deny) = statements(role);
        let writes = |statement: &Value| -> BTreeSet<String> {
            let reads = ["GetItem", "BatchGetItem", "Query", "ConditionCheckItem"];
            let actions = listed(&statement["Action"]).into_iter();
            let is_write =
                |action: &String| !reads.iter().any(|read| action == &format!("dynamodb:{read}"));
            actions.filter(is_write).collect()
        };
        let granted: BTreeSet<String> = allow.iter().flat_map(writes).collect();
        let [first, of_tenant @ ..] = deny.as_slice() else { panic!("{role} denies nothing") };
        // A write that a later version needs is denied as well.
        assert_eq!(writes(first), granted, "{role}");
        let mut never: Vec<&str> = NEVER.to_vec();
        if !grows {
            never.push(OF_TENANT);
        }
        let keys = |patterns: &[&str]| json!({"dynamodb:LeadingKeys": patterns});
        assert_eq!(first["Condition"], json!({"ForAnyValue:StringLike": keys(&never)}), "{role}");
        let [whole, part] = of_tenant else {
            assert!(!grows && of_tenant.is_empty(), "{role}");
            continue;
        };
        let update = BTreeSet::from(["dynamodb:UpdateItem".to_owned()]);
        assert_eq!(&writes(whole) | &writes(part), granted, "{role}");
        assert_eq!(writes(part), update, "{role}");
        assert_eq!(whole["Condition"], json!({"ForAnyValue:StringLike": keys(&[OF_TENANT])}));
        let condition = json!({
            "ForAnyValue:StringLike": keys(&[OF_TENANT]),
            "ForAnyValue:StringNotEquals": {"dynamodb:Attributes": OF_SEATS},
        });
        assert_eq!(part["Condition"], condition, "{role}");
    }
}

/// A deployment whose calls of DynamoDB are recorded.
#[derive(Clone, Debug)]
struct Recorder {
    inner: Dynamo,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Endpoint for Recorder {
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError> {
        let request = serde_json::from_slice(body).unwrap();
        self.calls.lock().unwrap().push((operation.to_owned(), request));
        Endpoint::call(&self.inner, operation, body)
    }
}

impl Recorder {
    /// Returns the writes since the last call of this: each item alone, and each transaction and
    /// batch as a whole.
    fn take(&self) -> Vec<Access> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.iter().flat_map(|(operation, request)| accesses(operation, request)).collect()
    }
}

fn accesses(operation: &str, request: &Value) -> Vec<Access> {
    let action = |kind: &str| format!("dynamodb:{kind}Item");
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            vec![access(action(operation.strip_suffix("Item").unwrap()), request)]
        }
        "TransactWriteItems" => {
            let items = request["TransactItems"].as_array().unwrap().iter();
            let parts = items.flat_map(|item| item.as_object().unwrap());
            let writes = parts.filter(|(kind, _)| *kind != "ConditionCheck");
            let each: Vec<Access> = writes.map(|(kind, part)| access(action(kind), part)).collect();
            let together = ["Put", "Update", "Delete"].map(action).map(|action| {
                let of_action = each.iter().filter(|access| access.action == action);
                together(action.clone(), of_action)
            });
            let together = together.into_iter().filter(|access| !access.partitions.is_empty());
            each.iter().cloned().chain(together).collect()
        }
        "BatchWriteItem" => {
            let tables = request["RequestItems"].as_object().unwrap().values();
            let rows = tables.flat_map(|rows| rows.as_array().unwrap());
            let rows: Vec<Access> = rows
                .flat_map(|row| row.as_object().unwrap().values())
                .map(|row| access(String::new(), row))
                .collect();
            vec![together("dynamodb:BatchWriteItem".to_owned(), rows.iter())]
        }
        // Reads; and on AWS the template creates the table.
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" | "CreateTable"
        | "DescribeTable" | "UpdateTimeToLive" => Vec::new(),
        other => panic!("an unknown operation: {other}"),
    }
}

fn together<'a>(action: String, all: impl Iterator<Item = &'a Access>) -> Access {
    let (mut partitions, mut attributes) = (BTreeSet::new(), BTreeSet::new());
    for access in all {
        partitions.extend(access.partitions.iter().cloned());
        attributes.extend(access.attributes.iter().cloned());
    }
    Access { action, partitions, attributes }
}

fn access(action: String, part: &Value) -> Access {
    let row = part.get("Key").or_else(|| part.get("Item")).unwrap();
    let mut attributes: BTreeSet<String> = row.as_object().unwrap().keys().cloned().collect();
    for expression in ["UpdateExpression", "ConditionExpression"] {
        let text = part[expression].as_str().unwrap_or_default();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_#:".contains(c)));
        let functions =
            ["attribute_exists", "attribute_not_exists", "if_not_exists", "begins_with", "size"];
        let is_name = |word: &&str| {
            let is_keyword = word.chars().all(|c| c.is_ascii_uppercase());
            !word.is_empty()
                && !word.starts_with(':')
                && !is_keyword
                && !functions.contains(word)
                && !word.chars().all(|c| c.is_ascii_digit())
        };
        for word in words.filter(is_name) {
            let name = part["ExpressionAttributeNames"][word].as_str().unwrap_or(word);
            attributes.insert(name.to_owned());
        }
    }
    let partition = row["pk"]["S"].as_str().unwrap().to_owned();
    Access { action, partitions: BTreeSet::from([partition]), attributes }
}

/// A deployment whose functions run apart, each with its own state.
struct Functions {
    test: TestApp,
    calls: Recorder,
    app: App,
}

impl Functions {
    async fn new() -> Self {
        let calls = Recorder { inner: Dynamo::memory().unwrap(), calls: Arc::default() };
        let test = TestApp::over(client_over(calls.clone()), |config| {
            config.base_url = Some(harness::browser::BASE.to_owned());
        })
        .await;
        test.travel().await;
        let settings = json!({"jit": true, "allow_idp_initiated": true});
        test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
        let app = test.app(false).await;
        let functions = Self { test, calls, app };
        functions.fill_seats().await;
        functions
    }

    /// Leaves no free seat, so that the next user lets the pool grow.
    async fn fill_seats(&self) {
        let path = format!("/v1/tenants/{}/seats", self.test.acme.id);
        let full = json!({"seats": 0, "auto_upgrade": true});
        self.test.operator(Method::PUT, &path, Some(full)).await.expect(200);
    }

    /// The function with this router.
    fn function(&self, router: fn(AppState) -> Router) -> TestApp {
        let state = self.test.with_config(self.test.app.config.clone());
        self.test.beside(router(state))
    }

    /// Fails if the role denies a write since the last call; returns the last parts of the
    /// partitions that were written.
    fn assert_allowed(&self, role: &str) -> BTreeSet<String> {
        let statements = statements(role);
        let mut kinds = BTreeSet::new();
        for access in self.calls.take() {
            assert!(allows(&statements, &access), "{role} denies {access:?}");
            for partition in &access.partitions {
                let kind = partition.trim_start_matches(&self.test.acme.id);
                let kind = kind.trim_start_matches('#').split('#').next().unwrap();
                kinds.insert(kind.to_owned());
            }
        }
        kinds
    }
}

fn set(kinds: &[&str]) -> BTreeSet<String> {
    kinds.iter().map(|&kind| kind.to_owned()).collect()
}

#[tokio::test]
async fn the_role_of_scim_allows_all_that_it_writes() {
    let functions = Functions::new().await;
    // A user with links and grants.
    let (_, answer) = functions.test.sign_in_at(Idp::USUAL, person("id-1", "ada@acme.com")).await;
    answer.expect(303);
    let ada = functions.test.sign_ins().await[0]["user"].as_str().unwrap().to_owned();
    let rest = GOOD.replace("scope=openid", "scope=openid+offline_access");
    functions.test.tokens(&functions.app, &ada, &rest).await;
    functions.fill_seats().await;
    functions.calls.take();

    let scim = functions.function(shared::scim_api::router);
    let mut members = Vec::new();
    for n in 0..60 {
        let emails = json!([{"value": format!("{n}@acme.com")}]);
        let body =
            json!({"userName": format!("u{n}"), "externalId": format!("{n}"), "emails": emails});
        members.push(json!({"value": scim.post("/Users", body).await.expect(201).text("id")}));
    }
    let group = json!({"displayName": "All", "externalId": "all", "members": members});
    let group = scim.post("/Groups", group).await.expect(201).text("id");
    let none = json!([{"op": "remove", "path": "members"}]);
    scim.patch(&format!("/Groups/{group}"), none).await.expect_one_of(&[200, 204]);
    scim.set_active(&ada, false).await;
    scim.set_active(&ada, true).await;
    let path = format!("/Users/{ada}");
    let put = json!({"userName": "byron@acme.com", "externalId": "e"});
    scim.scim(Method::PUT, &path, Some(put)).await.expect(200);
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "DELETE", "path": path}],
    });
    scim.post("/Bulk", bulk).await.expect(200);
    scim.scim(Method::DELETE, &format!("/Groups/{group}"), None).await.expect(204);
    let written = functions.assert_allowed("ScimRole");
    for kind in ["A", "C", "E", "G", "GM", "GN", "GX", "L", "N", "T", "U", "X"] {
        assert!(written.contains(kind), "{kind} in {written:?}");
    }
}

#[tokio::test]
async fn the_role_of_saml_acs_allows_all_that_it_writes() {
    let functions = Functions::new().await;
    functions.calls.take();
    let acs = functions.function(shared::saml_api::acs_router);
    let sign_in = async |change| {
        let mut browser = Browser::default();
        browser.sign_in(&acs, "/saml/sso/acme.com", Idp::USUAL, change).await
    };
    for (change, status) in [
        (person("id-1", "ada@acme.com"), 303),
        (person("id-1", "ada@acme.com"), 303),
        (person("id-2", "ada@acme.com"), 403),
        (person("x", "eve@evil.com"), 403),
    ] {
        sign_in(change).await.expect(status);
    }
    // Another address, whose former one is no userName, and with it the removal of a lookup.
    for address in ["ada.byron@acme.com", "ada.king@acme.com"] {
        sign_in(person("id-1", address)).await.expect(303);
    }
    let mut browser = Browser::default();
    browser
        .sign_in(&acs, "/saml/sso/acme.com", Idp::USUAL, named("bo@acme.com", "bo@acme.com"))
        .await
        .expect(303);
    let mut unasked = Idp::USUAL.draft(None);
    named("bo@acme.com", "bo@acme.com")(&mut unasked);
    let page = browser.respond(&acs, &unasked.response()).await.expect(200);
    let field = sign_in_field(&page.bytes);
    let path = "/saml/sso/acme.com/continue";
    browser.post(&acs, path, &[("sign_in", &field)]).await.expect(303);
    let path = format!("/v1/tenants/{}/connections/acme.com/test", functions.test.acme.id);
    let mut written = functions.assert_allowed("SamlAcsRole");
    // The directory says that the identity is another one now: the link moves.
    let id = functions.test.sign_ins().await;
    let ada = id.iter().rev().find_map(|record| record["user"].as_str()).unwrap().to_owned();
    let operations = json!([{"op": "replace", "path": "externalId", "value": "id-2"}]);
    functions.test.patch(&format!("/Users/{ada}"), operations).await.expect(200);
    let link = functions.test.operator(Method::POST, &path, None).await.expect(201).text("url");
    functions.calls.take();
    sign_in(person("id-2", "ada@acme.com")).await.expect(303);
    let mut admin = Browser::default();
    let request = request_id(&admin.begin_test(&acs, &link).await.expect(303));
    admin.respond(&acs, &Idp::USUAL.draft(Some(&request)).response()).await.expect(200);
    written.extend(functions.assert_allowed("SamlAcsRole"));
    assert_eq!(written, set(&["A", "C", "E", "L", "N", "O", "OUT", "Q", "RA", "S", "T", "U"]));
}

#[tokio::test]
async fn the_role_of_oidc_allows_all_that_it_writes() {
    let functions = Functions::new().await;
    let (test, app) = (&functions.test, &functions.app);
    let (browser, answer) = test.sign_in_at(Idp::USUAL, |_| {}).await;
    answer.expect(303);
    functions.calls.take();
    let oidc = functions.function(shared::oidc_api::router);
    let rest = GOOD.replace("scope=openid", "scope=openid+offline_access");
    // A sign-in begins; the session gives codes.
    oidc.authorize(&app.query(&rest), None).await.expect(303);
    let code = async || {
        let answer = oidc.authorize(&app.query(&rest), Some(&browser.cookies())).await;
        App::redemption(&answer.expect(303).redirected("code").unwrap())
    };
    for replays in [false, true] {
        let form = code().await;
        let tokens = oidc.form_of(app, "/oauth2/token", &form).await.expect(200).json();
        let token = tokens["refresh_token"].as_str().unwrap();
        let refresh = format!("grant_type=refresh_token&refresh_token={token}");
        oidc.form_of(app, "/oauth2/token", &refresh).await.expect(200);
        oidc.form_of(app, "/oauth2/introspect", &format!("token={token}")).await.expect(200);
        oidc.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
        if replays {
            oidc.form_of(app, "/oauth2/token", &form).await.expect(400);
        } else {
            oidc.form_of(app, "/oauth2/revoke", &format!("token={token}")).await.expect(200);
        }
    }
    oidc.form_of(app, "/oauth2/lookup", "login_hint=ada@acme.com").await.expect(200);
    let tokens = oidc.form_of(app, "/oauth2/token", &code().await).await.expect(200).json();
    let hint = tokens["id_token"].as_str().unwrap();
    let logout = format!("/oauth2/logout?id_token_hint={hint}");
    oidc.browse(&logout, Some(&browser.cookies())).await.expect(200);
    let silent = app.query(&format!("{GOOD}&prompt=none"));
    let answer = oidc.authorize(&silent, Some(&browser.cookies())).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
    assert_eq!(functions.assert_allowed("OidcRole"), set(&["O", "Q"]));
}

/// Every write that the operator API makes to these rows is denied to the public functions, alone
/// and together with harmless ones.
#[tokio::test]
async fn the_roles_deny_the_rows_of_apps_domains_and_connections() {
    let functions = Functions::new().await;
    let test = &functions.test;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::PATCH, &tenant, Some(json!({"external_id": "17"}))).await.expect(200);
    let client = format!("/v1/clients/{}", functions.app.client_id);
    test.operator(Method::PATCH, &client, Some(json!({"name": "Eve"}))).await.expect(200);
    for path in ["/connections/acme.com/end-sessions", "/end-sessions"] {
        test.operator(Method::POST, &format!("{tenant}{path}"), None).await.expect(204);
    }
    for path in ["/domains/acme.com", "/connections/acme.com"] {
        test.operator(Method::DELETE, &format!("{tenant}{path}"), None).await.expect(204);
    }
    test.operator(Method::POST, "/v1/connections/refresh?resume=true", None).await.expect(200);
    test.user("eve@acme.com").await;
    events::publish(&test.app.store, &test.app.clock, Lane::all()).await.unwrap();
    let webhook = Some(json!({"url": "https://app.example/hook"}));
    test.operator(Method::POST, "/v1/webhooks", webhook).await.expect(201);
    test.operator(Method::DELETE, &client, None).await.expect(204);
    test.operator(Method::DELETE, &tenant, None).await.expect_one_of(&[202, 204]);
    let forbidden = |pk: &str| NEVER.iter().any(|p| matches(p, pk)) || matches(OF_TENANT, pk);
    let all = functions.calls.take();
    let mut seen = BTreeSet::new();
    for (role, _) in ROLES {
        let statements = statements(role);
        for access in all.iter().filter(|a| a.partitions.iter().any(|pk| forbidden(pk))) {
            seen.extend(access.partitions.iter().filter(|pk| forbidden(pk)).cloned());
            let may_be_seats = access.attributes.iter().all(|name| OF_SEATS.contains(&&**name));
            let is_seats = access.action == "dynamodb:UpdateItem" && may_be_seats;
            assert!(is_seats || !allows(&statements, access), "{role} allows {access:?}");
            // The same rows by every other write.
            for kind in ["PutItem", "DeleteItem", "BatchWriteItem"] {
                let mut other = Access { action: format!("dynamodb:{kind}"), ..access.clone() };
                assert!(!allows(&statements, &other), "{role} allows {other:?}");
                other.partitions.insert(format!("{}#U", test.acme.id));
                assert!(!allows(&statements, &other), "{role} allows {other:?}");
            }
            let mut update = Access { action: "dynamodb:UpdateItem".to_owned(), ..access.clone() };
            update.attributes.insert("doms".to_owned());
            assert!(!allows(&statements, &update), "{role} allows {update:?}");
        }
    }
    for pattern in NEVER.iter().chain([&OF_TENANT]) {
        // No test of this file checks the layout.
        let is_seen = seen.iter().any(|pk| matches(pattern, pk)) || *pattern == "LAYOUT";
        assert!(is_seen, "nothing wrote {pattern}: {seen:?}");
    }
}
