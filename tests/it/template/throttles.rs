//! Checks that no one client can take the table: what the throttles of the template let a client
//! write, compared with what the table takes.

use harness::TestApp;
use harness::browser::{BASE, Browser, percent_encoded};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::{Value, json};
use shared::scim_api::WRITE_UNITS;
use shared::sign_in::PENDING_UNITS;

use super::{routes, template};

/// Returns the default of a parameter.
fn default_of(template: &Value, parameter: &str) -> f64 {
    template["Parameters"][parameter]["Default"].as_f64().unwrap()
}

/// Returns the requests per second that the template lets through on a route: those of the route if
/// it has a throttle of its own, or else those of the whole API.
fn throttle(template: &Value, route: &str) -> f64 {
    let settings = &template["Resources"]["Api"]["Properties"]["RouteSettings"];
    let own = &settings[format!("ANY {route}")]["ThrottlingRateLimit"];
    own.as_f64().unwrap_or_else(|| default_of(template, "ApiRateLimit"))
}

#[test]
fn no_client_can_take_more_than_half_of_the_write_units_of_the_table() {
    let template = template();
    let half = default_of(&template, "TableMaxWriteUnits") / 2.0;
    // Write units that a request without credentials can cause.
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let pending = PENDING_UNITS as f64;
    for (_, route, _) in routes(&template) {
        let units = match route.as_str() {
            "/oauth2/authorize" | "/saml/sso/{proxy+}" => pending,
            // These write only for a caller with credentials; without them, nothing.
            "/scim/v2" | "/scim/v2/{proxy+}" | "/v1/{proxy+}" | "/oauth2/{proxy+}"
            // These only read.
            | "/saml/metadata/{proxy+}" | "/.well-known/{proxy+}" | "/directory/v1/{proxy+}" => 0.0,
            other => panic!("{other}: what can a stranger write?"),
        };
        let taken = throttle(&template, &route) * units;
        assert!(taken <= half, "{route}: {taken} units a second, of {half}");
    }
    // A SCIM token, in one instance of the function.
    let taken = default_of(&template, "ScimRateLimit") * WRITE_UNITS;
    assert!(taken <= half, "a SCIM token: {taken} units a second, of {half}");
}

/// The routes on which a stranger writes have throttles of their own, which are not above that of
/// the API.
#[test]
fn a_throttle_of_a_route_is_of_an_existing_route_and_below_that_of_the_api() {
    let template = template();
    let routes = routes(&template);
    let settings = &template["Resources"]["Api"]["Properties"]["RouteSettings"];
    for (key, of_route) in settings.as_object().unwrap() {
        let path = key.strip_prefix("ANY ").unwrap();
        assert!(routes.iter().any(|(_, route, _)| route == path), "{key}");
        let own = of_route["ThrottlingRateLimit"].as_f64().unwrap();
        assert!(own < default_of(&template, "ApiRateLimit"), "{key}");
    }
}

#[tokio::test]
async fn a_start_of_a_sign_in_writes_one_row_of_bounded_size_or_none() {
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(calls.clone()), |config| {
        config.base_url = Some(BASE.to_owned());
    })
    .await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({})).await.expect(200);
    let app = test.app(false).await;
    let good = harness::oidc::GOOD;
    let state = |length: usize| percent_encoded(&"\"".repeat(length));
    let acr = |values: usize| vec!["a".repeat(256); values].join("+");
    for more in [
        String::new(),
        format!("&state={}", state(1_000)),
        format!("&state={}", state(4_096)),
        format!("&acr_values={}", acr(16)),
        format!("&state={}&acr_values={}", state(3_000), acr(16)),
    ] {
        let path = format!("/oauth2/authorize?{}{more}", app.query(&good.replace("&state=s1", "")));
        calls.take();
        Browser::default().get(&test, &path).await.expect_one_of(&[303, 400]);
        let written: Vec<f64> =
            calls.take().into_iter().map(|call| call.write_units).filter(|u| *u > 0.0).collect();
        assert!(written.len() <= 1, "{more}: {written:?}");
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let most = PENDING_UNITS as f64;
        assert!(written.iter().all(|units| *units <= most), "{more}: {written:?}");
    }
}
