//! Our tokens, verified by an independent JWT library with our discovery document and JWKS, by the
//! rules of API Gateway's JWT authoriser.

use std::process::Command;
use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::oidc::{App, GOOD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header,
};
use serde_json::{Value, json};

use crate::tidy::text;

const ISSUER: &str = "https://gatehouse.example";

/// The configuration of an authoriser, and the keys that it fetched.
struct Authoriser<'a> {
    test: &'a TestApp,
    audience: String,
    scope: &'static str,
    keys: JwkSet,
}

impl<'a> Authoriser<'a> {
    /// Reads the keys through the issuer's discovery document, without credentials.
    async fn of(test: &'a TestApp, audience: &str, scope: &'static str) -> Self {
        let configuration = test.browse("/.well-known/openid-configuration", None).await;
        let configuration = configuration.expect(200).json();
        assert_eq!(configuration["issuer"], ISSUER);
        let jwks_uri = configuration["jwks_uri"].as_str().unwrap();
        let keys = test.browse(jwks_uri.strip_prefix(ISSUER).unwrap(), None).await.expect(200);
        let keys = serde_json::from_slice(&keys.bytes).unwrap();
        Self { test, audience: audience.to_owned(), scope, keys }
    }

    /// Returns the claims of an accepted token. Checks `kid`, RSA signature, `iss`, `aud`, `exp`,
    /// `nbf` and `iat` if present, and one of the route's scopes.
    fn claims(&self, token: &str) -> Result<Value, String> {
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.ok_or("no kid")?;
        let key = self.keys.find(&kid).ok_or("kid is not in the JWKS")?;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["iss", "aud", "exp"]);
        // Checked below: the clock of the tests is not the system's.
        rules.validate_exp = false;
        let claims =
            decode::<Value>(token, &key, &rules).map_err(|error| error.to_string())?.claims;
        let now = self.test.clock.now().as_second();
        if claims["exp"].as_i64().is_none_or(|exp| exp <= now) {
            return Err("expired".to_owned());
        }
        let begins = |name: &str| claims[name].as_i64().is_none_or(|at| at <= now);
        if !begins("nbf") || !begins("iat") {
            return Err("not yet valid".to_owned());
        }
        let scopes = claims["scope"].as_str().unwrap_or_default();
        if !scopes.split(' ').any(|scope| scope == self.scope) {
            return Err("no scope of the route".to_owned());
        }
        Ok(claims)
    }
}

/// Returns the tokens of a sign-in with these scopes.
async fn tokens(test: &TestApp, app: &App, user: &str, scope: &str) -> (String, String) {
    let tokens = test.tokens(app, user, &GOOD.replace("openid", scope)).await;
    let named = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (named("access_token"), named("id_token"))
}

#[tokio::test]
async fn an_authoriser_accepts_our_access_token_and_passes_its_claims_to_the_api() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let (access_token, _) = tokens(&test, &app, &user, "openid+email").await;
    let authoriser = Authoriser::of(&test, ISSUER, "openid").await;
    let claims = authoriser.claims(&access_token).unwrap();
    assert_eq!(claims["sub"], user);
    assert_eq!(claims["client_id"], app.client_id);
    assert_eq!(claims["tenant"], test.acme.id);
    assert_eq!(claims["scope"], "openid email");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
}

#[tokio::test]
async fn an_authoriser_refuses_tokens_for_another_audience_or_scope() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let (access_token, id_token) = tokens(&test, &app, &user, "openid").await;
    let check = async |audience: &str, scope, token: &str, expect: &str| {
        let authoriser = Authoriser::of(&test, audience, scope).await;
        assert_eq!(authoriser.claims(token).map(|_| ()), Err(expect.to_owned()), "{token}");
    };
    check("https://other.example", "openid", &access_token, "InvalidAudience").await;
    check(ISSUER, "email", &access_token, "no scope of the route").await;
    // An ID token is for the app: it has another audience and no scope.
    check(ISSUER, "openid", &id_token, "InvalidAudience").await;
    check(&app.client_id, "openid", &id_token, "no scope of the route").await;
    assert_eq!(decode_header(&access_token).unwrap().typ.as_deref(), Some("at+jwt"));
    assert_eq!(decode_header(&id_token).unwrap().typ.as_deref(), Some("JWT"));
    test.clock.advance(Duration::from_secs(299));
    let authoriser = Authoriser::of(&test, ISSUER, "openid").await;
    authoriser.claims(&access_token).unwrap();
    test.clock.advance(Duration::from_secs(1));
    check(ISSUER, "openid", &access_token, "expired").await;
}

#[tokio::test]
async fn an_authoriser_refuses_a_token_that_was_changed() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let (access_token, id_token) = tokens(&test, &app, &user, "openid").await;
    let authoriser = Authoriser::of(&test, ISSUER, "openid").await;
    let (header, rest) = access_token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let (_, id_claims) = id_token.split_once('.').unwrap();
    let id_claims = id_claims.split('.').next().unwrap();
    let other = EncodingKey::from_secret(b"secret");
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = decode_header(&access_token).unwrap().kid;
    let body = json!({"iss": ISSUER, "aud": ISSUER, "exp": 4_000_000_000_u64, "scope": "openid"});
    for forged in [
        format!("{header}.{id_claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", signature.to_ascii_lowercase()),
        jsonwebtoken::encode(&hmac, &body, &other).unwrap(),
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &body, &other).unwrap(),
    ] {
        assert!(authoriser.claims(&forged).is_err(), "{forged}");
        test.userinfo(&forged).await.expect(401);
    }
}

#[tokio::test]
async fn an_authoriser_with_keys_from_two_hours_ago_accepts_tokens_after_a_rotation() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    for _ in 0..3 {
        let authoriser = Authoriser::of(&test, ISSUER, "openid").await;
        let before = tokens(&test, &app, &user, "openid").await.0;
        test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(200);
        let after = tokens(&test, &app, &user, "openid").await.0;
        assert_ne!(decode_header(&before).unwrap().kid, decode_header(&after).unwrap().kid);
        authoriser.claims(&before).unwrap();
        test.clock.advance(Duration::from_hours(2));
        let late = tokens(&test, &app, &user, "openid").await.0;
        authoriser.claims(&late).unwrap();
        // Not before every reader knows the next key.
        test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(409);
        test.clock.advance(Duration::from_hours(22));
    }
}

/// The response of the sample app's function to a request that API Gateway accepted. API Gateway
/// passes claims as strings.
fn sample_app(client_id: &str, claims: &Value) -> Value {
    let claims = claims.as_object().unwrap().iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), Value::from(text))
    });
    let claims: Value = claims.collect();
    let event = json!({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}});
    let template = text("docs/sample-app/template.yaml".as_ref()).unwrap();
    let (_, code) = template.split_once("InlineCode: |\n").unwrap();
    let lines = code.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    let code: String =
        lines.map(|line| line.get(8..).unwrap_or_default().to_owned() + "\n").collect();
    let call = "import sys\nprint(json.dumps(handler(json.loads(sys.argv[1]), None)))\n";
    let output = Command::new("python3")
        .args(["-c", &(code + call), &event.to_string()])
        .env("CLIENT_ID", client_id)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_sample_app_shows_its_users_their_claims_and_refuses_users_of_other_apps() {
    let test = TestApp::new().await;
    let (app, other) = (test.app(false).await, test.app(false).await);
    let user = test.user("ada@acme.com").await;
    let (access_token, _) = tokens(&test, &app, &user, "openid").await;
    let claims = Authoriser::of(&test, ISSUER, "openid").await.claims(&access_token).unwrap();
    let answer = sample_app(&app.client_id, &claims);
    assert_eq!(answer["statusCode"], 200);
    let who: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(who, json!({"user": user, "tenant": test.acme.id}));
    assert_eq!(sample_app(&other.client_id, &claims)["statusCode"], 403);
}
