//! The check of a new version: against the real routers behind events of API Gateway, and against
//! routers with one defect each, which the check must find.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use lambda_http::request::LambdaRequest;
use lambda_http::{Context, LambdaEvent, Service as _};
use serde_json::{Value, json};
use shared::config::OperatorAuth;
use shared::deploy_check::{Check, CheckError, Function, Invoke, InvokeError};
use shared::events;
use shared::runtime::lambda::adapter;
use shared::runtime::state::AppState;
use shared::store::Lane;

/// How a version handles an event.
enum Fate {
    /// As a correct version does.
    Served,
    /// As a correct version does, with a changed response.
    Changed(fn(&mut Value)),
    /// With this response.
    Answered(Value),
    /// The function crashes.
    Crashed,
    /// The function never responds.
    Hung,
}

/// A new version with a defect.
struct Version<F> {
    app: AppState,
    fate: F,
    /// All events that it received.
    seen: Mutex<Vec<Value>>,
}

impl<F: Fn(Function, &Value) -> Fate + Sync> Version<F> {
    fn new(test: &TestApp, fate: F) -> Self {
        let mut config = test.app.config.clone();
        config.operator_auth = OperatorAuth::Iam;
        // As on AWS without a custom domain.
        config.base_url = None;
        Self { app: test.with_config(config), fate, seen: Mutex::default() }
    }

    /// The router of a function; `None` for the publisher of events.
    fn router(&self, function: Function) -> Option<Router> {
        let app = self.app.clone();
        match function {
            Function::Scim => Some(shared::scim_api::router(app)),
            Function::Admin => Some(harness::openapi::router(app)),
            Function::SamlAcs => Some(shared::saml_api::acs_router(app)),
            Function::SamlMetadata => Some(shared::saml_api::metadata_router(app)),
            Function::Oidc => Some(shared::oidc_api::router(app)),
            Function::Directory => Some(harness::openapi::directory_router(app)),
            Function::Events => None,
        }
    }

    /// Serves an event as the Lambda runtime does.
    async fn serve(&self, function: Function, event: &Value) -> Value {
        let Some(router) = self.router(function) else {
            let published = events::publish(&self.app.store, &self.app.clock, Lane::all()).await;
            return json!({"published": published.unwrap()});
        };
        let payload: LambdaRequest = serde_json::from_str(&event.to_string()).unwrap();
        let answer = adapter(router).call(LambdaEvent::new(payload, Context::default()));
        let answer = answer.await.unwrap();
        serde_json::to_value(answer).unwrap()
    }

    /// The tokens and cookies that it received.
    fn secrets(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let sent = |event: &Value| {
            [event["headers"]["authorization"].clone(), event["cookies"][0].clone()]
        };
        let sent = seen.iter().flat_map(sent);
        sent.filter_map(|text| Some(text.as_str()?.rsplit([' ', '=']).next()?.to_owned())).collect()
    }

    async fn check(&self) -> Result<(), CheckError> {
        let (clock, caller) = (&self.app.clock, "arn:aws:lambda:eu-west-1:1:function:check");
        Check { invoke: self, clock, host: "check.gatehouse.invalid", caller }.run().await
    }
}

impl<F: Fn(Function, &Value) -> Fate + Sync> Invoke for Version<F> {
    async fn invoke(&self, function: Function, event: &Value) -> Result<Value, InvokeError> {
        let fate = (self.fate)(function, event);
        self.seen.lock().unwrap().push(event.clone());
        match fate {
            Fate::Served => Ok(self.serve(function, event).await),
            Fate::Changed(change) => {
                let mut answer = self.serve(function, event).await;
                change(&mut answer);
                Ok(answer)
            }
            Fate::Answered(answer) => Ok(answer),
            Fate::Crashed => Err(InvokeError::Crashed("Unhandled Runtime.ExitError".to_owned())),
            Fate::Hung => {
                // From here on the clock runs forward by itself.
                tokio::time::pause();
                std::future::pending().await
            }
        }
    }
}

async fn deployment() -> TestApp {
    let test = TestApp::new().await;
    test.travel().await;
    test
}

async fn tenants(test: &TestApp) -> Vec<String> {
    let list = test.operator(Method::GET, "/v1/tenants", None).await.expect(200).json();
    let names = list["items"].as_array().unwrap().iter();
    names.map(|tenant| tenant["name"].as_str().unwrap().to_owned()).collect()
}

async fn apps(test: &TestApp) -> Vec<String> {
    let list = test.operator(Method::GET, "/v1/clients", None).await.expect(200).json();
    let names = list["items"].as_array().unwrap().iter();
    names.map(|app| app["name"].as_str().unwrap().to_owned()).collect()
}

/// Checks a version with a defect: the check fails at `step` with these texts and no secret, and
/// deletes its tenant.
#[track_caller]
fn assert_found_at(
    step: &'static str,
    expected: &'static str,
    received: &'static str,
    fate: impl Fn(Function, &Value) -> Fate + Sync,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let test = deployment().await;
        let version = Version::new(&test, fate);
        let failure = version.check().await.unwrap_err();
        assert_eq!(failure.step, step, "{failure}");
        assert!(failure.expected.contains(expected), "{failure}");
        assert!(failure.received.contains(received), "{failure}");
        assert_eq!(tenants(&test).await, ["Acme"], "the tenant was not deleted");
        assert_eq!(apps(&test).await, [""; 0], "the app was not deleted");
        for secret in version.secrets() {
            assert!(!failure.to_string().contains(&secret), "{failure}");
        }
    });
}

fn method(event: &Value) -> &str {
    event["requestContext"]["http"]["method"].as_str().unwrap()
}

/// Returns the SAML response in a post to the ACS.
fn response(event: &Value) -> Option<String> {
    let form = BASE64_STANDARD.decode(event["body"].as_str()?).unwrap();
    let form = String::from_utf8(form).unwrap().replace("%2B", "+").replace("%2F", "/");
    let field = form.replace("%3D", "=");
    let field = field.strip_prefix("SAMLResponse=")?;
    Some(String::from_utf8(BASE64_STANDARD.decode(field).unwrap()).unwrap())
}

fn signed_in() -> Fate {
    let cookies = ["__Host-gatehouse-session=abc; Path=/; Max-Age=3600"];
    Fate::Answered(json!({"statusCode": 200, "headers": {}, "cookies": cookies, "body": ""}))
}

fn status(status: u16) -> Fate {
    Fate::Answered(json!({"statusCode": status, "headers": {}, "cookies": [], "body": "{}"}))
}

#[tokio::test]
async fn a_correct_version_passes_and_its_tenant_is_deleted() {
    let test = deployment().await;
    let before = test.rows().await;
    let version = Version::new(&test, |_, _| Fate::Served);
    assert_eq!(version.check().await, Ok(()));
    assert_eq!(tenants(&test).await, ["Acme"]);
    assert_eq!(apps(&test).await, [""; 0]);
    let functions =
        ["/scim/v2/", "/v1/", "/saml/sso/", "/saml/metadata/", "/oauth2/", "/directory/v1/"];
    let seen = format!("{:?}", version.seen.lock().unwrap());
    assert!(functions.iter().all(|path| seen.contains(path)), "{seen}");
    // The activity of the tenant and the consumed ids expire.
    assert!(!test.rows().await.contains("IDP#check") || before.contains("IDP#check"));
}

#[tokio::test]
async fn the_functions_of_a_stack_can_be_checked_at_the_same_time() {
    let test = deployment().await;
    let version = Version::new(&test, |_, _| Fate::Served);
    let run = || version.check();
    let runs = tokio::join!(run(), run(), run(), run(), run(), run());
    assert_eq!(runs, (Ok(()), Ok(()), Ok(()), Ok(()), Ok(()), Ok(())));
    assert_eq!(tenants(&test).await, ["Acme"]);
}

#[tokio::test]
async fn a_version_that_cannot_read_the_layout_of_the_table_fails() {
    use shared::store::{LAYOUT, LayoutFit};
    let test = deployment().await;
    let version = Version::new(&test, |_, _| Fate::Served);
    let store = &test.app.store;
    // The next layout: a rollback to this version is still possible.
    assert_eq!(store.claim_layout(LAYOUT).await.unwrap(), LayoutFit::Fits);
    assert_eq!(store.claim_layout(LAYOUT + 1).await.unwrap(), LayoutFit::Fits);
    assert_eq!(version.check().await, Ok(()));
    assert_eq!(store.claim_layout(LAYOUT + 2).await.unwrap(), LayoutFit::Fits);
    let failure = version.check().await.unwrap_err();
    assert_eq!(failure.step, "table.layout");
    let expected = format!("the table has layout {}, and this version has {LAYOUT}", LAYOUT + 2);
    assert!(failure.received.contains(&expected), "{failure}");

    let skipping = store.claim_layout(LAYOUT + 4).await.unwrap();
    assert_eq!(skipping, LayoutFit::TableIsOlder(LAYOUT + 2));
    // A layout that does not fit was not recorded.
    assert_eq!(store.claim_layout(LAYOUT + 3).await.unwrap(), LayoutFit::Fits);
}

#[test]
fn a_defect_of_scim_is_found() {
    let of_scim = |function| function == Function::Scim;
    assert_found_at("scim.create", "status 201", "status 500", move |function, _| {
        if of_scim(function) { status(500) } else { Fate::Served }
    });
    assert_found_at("scim.create", "a response", "crashed: Unhandled", move |function, _| {
        if of_scim(function) { Fate::Crashed } else { Fate::Served }
    });
    assert_found_at("scim.create", "for API Gateway", "something else", move |function, _| {
        if of_scim(function) { Fate::Answered(json!({"errorMessage": "x"})) } else { Fate::Served }
    });
    assert_found_at("scim.filter", "/totalResults 1", "/totalResults 0", move |function, event| {
        let filters = of_scim(function) && event["rawQueryString"] != "";
        let body = json!({"totalResults": 0, "Resources": []}).to_string();
        let none = json!({"statusCode": 200, "headers": {}, "cookies": [], "body": body});
        if filters { Fate::Answered(none) } else { Fate::Served }
    });
    assert_found_at("scim.deactivate", "/active false", "/active true", move |function, event| {
        let patches = of_scim(function) && method(event) == "PATCH";
        let changed = |answer: &mut Value| {
            let body = answer["body"].as_str().unwrap().replace("false", "true");
            answer["body"] = body.into();
        };
        if patches { Fate::Changed(changed) } else { Fate::Served }
    });
    assert_found_at("scim.gone", "status 404", "status 200", move |function, event| {
        let deletes = of_scim(function) && method(event) == "DELETE";
        if deletes { status(204) } else { Fate::Served }
    });
}

#[test]
fn a_defect_of_token_authentication_is_found() {
    assert_found_at("scim.create", "status 201", "status 401", |function, _| {
        if function == Function::Scim { status(401) } else { Fate::Served }
    });
    assert_found_at("scim.wrong-token", "status 401", "status 200", |function, event| {
        let guessed = event["headers"]["authorization"].as_str().unwrap_or_default();
        let guessed = function == Function::Scim && guessed.ends_with("AAAAAAAA");
        if guessed { status(200) } else { Fate::Served }
    });
}

#[test]
fn a_sign_in_by_an_invalid_response_is_found() {
    assert_found_at("saml.tampered", "status 403", "status 200", |_, event| {
        let tampered = response(event).is_some_and(|xml| xml.contains("alan@"));
        if tampered { signed_in() } else { Fate::Served }
    });
    assert_found_at("saml.unsigned", "status 403", "status 200", |_, event| {
        let unsigned = response(event).is_some_and(|xml| !xml.contains("ds:Signature"));
        if unsigned { signed_in() } else { Fate::Served }
    });
    assert_found_at("saml.another-browser", "status 403", "status 200", |_, event| {
        let another = response(event).is_some() && event["cookies"].is_null();
        if another { signed_in() } else { Fate::Served }
    });
    let before = Mutex::new(Vec::new());
    assert_found_at("saml.replay", "status 303", "status 200", move |_, event| {
        let Some(xml) = response(event).filter(|_| event["cookies"].is_array()) else {
            return Fate::Served;
        };
        let mut before = before.lock().unwrap();
        let again = before.contains(&xml);
        before.push(xml);
        if again { signed_in() } else { Fate::Served }
    });
    // A refusal that sets a session cookie.
    assert_found_at("saml.tampered", "no session", "a session cookie", |_, event| {
        let tampered = response(event).is_some_and(|xml| xml.contains("alan@"));
        let cookie = |answer: &mut Value| answer["cookies"] = json!(["gatehouse-session=x"]);
        if tampered { Fate::Changed(cookie) } else { Fate::Served }
    });
}

#[test]
fn a_failing_sign_in_is_found() {
    assert_found_at("saml.connection", "status 200", "status 400", |function, event| {
        let puts = function == Function::Admin && method(event) == "PUT";
        if puts { status(400) } else { Fate::Served }
    });
    assert_found_at("saml.metadata", "status 200", "status 404", |function, _| {
        if function == Function::SamlMetadata { status(404) } else { Fate::Served }
    });
    assert_found_at(
        "saml.metadata",
        "entityID https://check",
        "entityID https://other",
        |function, _| {
            let changed = |answer: &mut Value| {
                let body = answer["body"].as_str().unwrap();
                answer["body"] =
                    body.replace("entityID=\"https://check", "entityID=\"https://other").into();
            };
            if function == Function::SamlMetadata { Fate::Changed(changed) } else { Fate::Served }
        },
    );
    assert_found_at("saml.start", "a redirect to https://idp", "another", |function, event| {
        let starts = function == Function::SamlAcs && method(event) == "GET";
        let moved =
            |answer: &mut Value| answer["headers"]["location"] = "https://evil.example/".into();
        if starts { Fate::Changed(moved) } else { Fate::Served }
    });
    assert_found_at("saml.sign-in", "status 200 or 302 or 303", "status 403", |_, event| {
        // Refuses every response.
        if response(event).is_some() { status(403) } else { Fate::Served }
    });
    assert_found_at("saml.sign-in", "a session", "no session cookie", |_, event| {
        let good = response(event)
            .is_some_and(|xml| xml.contains("grace@") && xml.contains("ds:Signature"));
        if good && event["cookies"].is_array() { status(200) } else { Fate::Served }
    });
}

#[test]
fn a_publisher_that_does_not_answer_is_found() {
    assert_found_at(
        "events.publish",
        "the number of published events",
        "something else",
        |on, _| {
            if on == Function::Events { Fate::Answered(json!({})) } else { Fate::Served }
        },
    );
}

#[test]
fn a_defect_of_openid_connect_discovery_is_found() {
    assert_found_at("oidc.discovery", "status 200", "status 503", |function, _| {
        if function == Function::Oidc { status(503) } else { Fate::Served }
    });
    assert_found_at("oidc.jwks", "/keys/0/alg \"RS256\"", "null", |function, event| {
        let keys = function == Function::Oidc && event["rawPath"] == "/oauth2/jwks";
        let emptied = |answer: &mut Value| answer["body"] = r#"{"keys":[]}"#.into();
        if keys { Fate::Changed(emptied) } else { Fate::Served }
    });
}

#[test]
fn a_defect_of_the_directory_is_found() {
    let of_directory = |function| function == Function::Directory;
    assert_found_at("directory.token", "status 200", "status 400", |_, event| {
        let asks = event["rawPath"] == "/oauth2/token";
        if asks { status(400) } else { Fate::Served }
    });
    // A version whose role may not read the keys.
    assert_found_at("directory.tenant", "status 200", "status 503", move |function, _| {
        if of_directory(function) { status(503) } else { Fate::Served }
    });
    assert_found_at("directory.user", "user_name \"grace@", "null", move |function, event| {
        let lists = event["rawPath"].as_str().unwrap().ends_with("/users");
        let none = |answer: &mut Value| {
            answer["body"] = r#"{"items":[],"next_cursor":null}"#.into();
        };
        if of_directory(function) && lists { Fate::Changed(none) } else { Fate::Served }
    });
    assert_found_at("directory.wrong-token", "status 401", "status 200", |function, event| {
        let sent = event["headers"]["authorization"].as_str().unwrap_or_default();
        let guessed = function == Function::Directory && sent.ends_with("AAAAAAAA");
        if guessed { status(200) } else { Fate::Served }
    });
    let reads = Mutex::new(0);
    assert_found_at("directory.deleted-app", "status 401", "status 200", move |function, event| {
        let path = event["rawPath"].as_str().unwrap();
        if !of_directory(function) || path.ends_with("/users") || path.contains("/users/") {
            return Fate::Served;
        }
        let mut reads = reads.lock().unwrap();
        *reads += 1;
        if *reads == 2 { status(200) } else { Fate::Served }
    });
}

#[tokio::test]
async fn a_run_deletes_the_app_of_a_run_that_crashed() {
    let test = deployment().await;
    for name in ["gatehouse-deployment-check-1", "The app"] {
        let app = json!({"name": name, "redirect_uris": ["https://app.example/callback"]});
        test.operator(Method::POST, "/v1/clients", Some(app)).await.expect(201);
    }
    let version = Version::new(&test, |_, _| Fate::Served);
    assert_eq!(version.check().await, Ok(()));
    assert_eq!(apps(&test).await, ["The app"]);
}

#[test]
fn a_version_that_does_not_respond_is_found() {
    assert_found_at("scim.read", "a response within 25 s", "none", |function, event| {
        let reads = function == Function::Scim
            && method(event) == "GET"
            && event["rawPath"] != "/scim/v2/Users";
        if reads { Fate::Hung } else { Fate::Served }
    });
}

#[tokio::test]
async fn the_next_run_deletes_the_tenant_of_a_failed_run() {
    let test = deployment().await;
    let deletes = |event: &Value| {
        let path = event["rawPath"].as_str().unwrap();
        method(event) == "DELETE" && path.starts_with("/v1/tenants/")
    };
    let version = Version::new(&test, |function, event| {
        if function == Function::Admin && deletes(event) { status(500) } else { Fate::Served }
    });
    let failure = version.check().await.unwrap_err();
    assert_eq!(failure.step, "tenant.remove", "{failure}");
    assert_eq!(tenants(&test).await, ["Acme", "Deployment check"]);

    // Its run may not be over.
    let version = Version::new(&test, |_, _| Fate::Served);
    assert_eq!(version.check().await, Ok(()));
    assert_eq!(tenants(&test).await, ["Acme", "Deployment check"]);

    test.clock.advance(Duration::from_mins(21));
    assert_eq!(version.check().await, Ok(()));
    assert_eq!(tenants(&test).await, ["Acme"]);
}
