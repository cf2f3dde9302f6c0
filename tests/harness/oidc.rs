//! An app that signs people in, and the browser between the app and us.

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use oidc::authorize::AuthorizeRequest;
use oidc::grant::{Authentication, SignInAuthority};
use oidc::parameters::Parameters;
use oidc::pkce::Pkce;
use oidc::purpose::Purpose;
use oidc::redirect_uri::RedirectUri;
use serde_json::{Value, json};
use shared::http::base_url::BaseUrl;
use shared::sign_in::{Destination, SignedIn, complete};
use types::hex::hex;

use crate::{Answer, TestApp};

/// A registered app.
#[derive(Clone, Debug)]
pub struct App {
    /// The `client_id`.
    pub client_id: String,
    /// The `client_secret`; `None` for a public client.
    pub client_secret: Option<String>,
}

/// The redirect URI of every app here.
pub const REDIRECT_URI: &str = "https://app.example/cb";

/// The PKCE verifier of the example in RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The rest of a valid authorization request.
pub const GOOD: &str = "response_type=code&scope=openid&state=s1&nonce=n1&domain=acme.com\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

impl App {
    /// Returns the query of an authorization request.
    pub fn query(&self, rest: &str) -> String {
        self.query_to(REDIRECT_URI, rest)
    }

    /// Returns the query of an authorization request with this redirect URI.
    pub fn query_to(&self, redirect_uri: &str, rest: &str) -> String {
        let redirect_uri = encoded(redirect_uri);
        format!("client_id={}&redirect_uri={redirect_uri}&{rest}", self.client_id)
    }

    /// Returns the `Authorization` header of `client_secret_basic`.
    pub fn basic(&self) -> Option<String> {
        let secret = self.client_secret.as_ref()?;
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{secret}", self.client_id))))
    }

    /// Returns the form of a token request for a code.
    pub fn redemption(code: &str) -> String {
        Self::redemption_at(REDIRECT_URI, code)
    }

    /// Returns the form of a token request for a code that was sent to this redirect URI.
    pub fn redemption_at(redirect_uri: &str, code: &str) -> String {
        let redirect_uri = encoded(redirect_uri);
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}\
            &code_verifier={VERIFIER}"
        )
    }
}

impl TestApp {
    /// Makes a deployment with a confidential app and the user `ada@acme.com`, returned by id.
    pub async fn with_app_and_user() -> (Self, App, String) {
        let test = Self::new().await;
        let app = test.app(false).await;
        let user = test.user("ada@acme.com").await;
        (test, app, user)
    }

    /// Registers an app.
    pub async fn app(&self, public: bool) -> App {
        let body = json!({
            "redirect_uris": [REDIRECT_URI],
            "initiate_login_uri": "https://app.example/login",
            "public": public,
        });
        self.registered(body).await
    }

    /// Registers an app with these fields.
    pub async fn registered(&self, body: Value) -> App {
        let made = self.operator(Method::POST, "/v1/clients", Some(body)).await.expect(201).json();
        App {
            client_id: made["client_id"].as_str().expect("a client_id").to_owned(),
            client_secret: made["client_secret"].as_str().map(str::to_owned),
        }
    }

    /// Opens a page, with a cookie if there is one.
    pub async fn browse(&self, path_and_query: &str, cookie: Option<&str>) -> Answer {
        let mut request = Request::builder().uri(path_and_query);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Opens `/oauth2/authorize`.
    pub async fn authorize(&self, query: &str, cookie: Option<&str>) -> Answer {
        self.browse(&format!("/oauth2/authorize?{query}"), cookie).await
    }

    /// Posts a form, with an `Authorization` header if there is one.
    pub async fn form(&self, path: &str, authorization: Option<&str>, form: &str) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    /// Posts a form as a page does, with a cookie if there is one.
    pub async fn form_with_cookie(&self, path: &str, cookie: Option<&str>, form: &str) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    /// Posts a form as an app.
    pub async fn form_of(&self, app: &App, path: &str, form: &str) -> Answer {
        self.form(path, app.basic().as_deref(), form).await
    }

    /// Returns a user of the first tenant as authenticated now at the connection `acme.com`.
    pub async fn signed_in(&self, user: &str) -> SignedIn {
        let tenant = self.acme.id.parse().expect("a tenant id");
        let user = user.parse().expect("a user id");
        let connection = "acme.com".parse().expect("a domain");
        let standing = self.app.store.standing(tenant, Some(user), &connection, None).await;
        let standing = standing.expect("the rows behind a session");
        let authority = SignInAuthority {
            tenant_generation: standing.tenant_generation.expect("a tenant"),
            connection_generation: standing.authority.generation,
            issuer: "https://idp.example".to_owned(),
            member_domains: None,
        };
        SignedIn {
            tenant,
            authentication: Authentication {
                user,
                user_generation: standing.user.map_or(0, |user| user.generation),
                connection: "acme.com".to_owned(),
                authority: Some(authority),
                auth_time: self.clock.now(),
                not_on_or_after: None,
                authn_context: None,
            },
        }
    }

    /// Returns the pending authorization request of an app.
    pub fn request(&self, app: &App, rest: &str) -> AuthorizeRequest {
        AuthorizeRequest::read(
            &Parameters::parse(&app.query(rest)).expect("parameters"),
            app.client_id.parse().expect("a client id"),
            RedirectUri::parse(REDIRECT_URI).expect("a URL"),
            Pkce::Required,
            self.clock.now(),
        )
        .expect("a good request")
    }

    /// Completes a sign-in, as after a verified response.
    pub async fn complete(&self, signed_in: SignedIn, purpose: Purpose) -> Answer {
        let base_url = BaseUrl::of(&self.app.config, &header::HeaderMap::new());
        let response = match Destination::find(&self.app, purpose, None).await {
            Ok(destination) => complete(&self.app, &base_url, signed_in, destination, None).await,
            Err(error) => error.into_response(None),
        };
        Answer::of("complete".to_owned(), response).await
    }

    /// Signs a user in to an app. Returns the code and the session cookie.
    pub async fn sign_in(&self, app: &App, user: &str, rest: &str) -> SignIn {
        let purpose = Purpose::App(Box::new(self.request(app, rest)));
        let answer = self.complete(self.signed_in(user).await, purpose).await.expect(303);
        SignIn { code: answer.redirected("code").expect("a code"), cookie: answer.cookie() }
    }

    /// Signs a user in and returns the tokens.
    pub async fn tokens(&self, app: &App, user: &str, rest: &str) -> Value {
        let SignIn { code, .. } = self.sign_in(app, user, rest).await;
        self.form_of(app, "/oauth2/token", &App::redemption(&code)).await.expect(200).json()
    }

    /// Returns a token of the app itself, for the directory.
    pub async fn directory_token(&self, app: &App) -> String {
        let form = "grant_type=client_credentials";
        self.form_of(app, "/oauth2/token", form).await.expect(200).text("access_token")
    }

    /// Reads from the directory with a token; `path` begins after `/directory/v1`.
    pub async fn directory(&self, token: &str, path: &str) -> Answer {
        let request = Request::builder()
            .uri(format!("/directory/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Requests userinfo with a token.
    pub async fn userinfo(&self, token: &str) -> Answer {
        let request = Request::builder()
            .uri("/oauth2/userinfo")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Whether introspection says that a token counts.
    pub async fn is_active(&self, app: &App, token: &str) -> bool {
        let form = format!("token={token}");
        let answer = self.form_of(app, "/oauth2/introspect", &form).await.expect(200).json();
        answer["active"] == true
    }

    /// Sets `active` of a user, as a provisioning client does.
    pub async fn set_active(&self, user: &str, active: bool) {
        let operations = json!([{"op": "replace", "path": "active", "value": active}]);
        self.patch(&format!("/Users/{user}"), operations).await.expect(200);
    }
}

/// The result of a sign-in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The code for the app.
    pub code: String,
    /// The `Cookie` header with the session.
    pub cookie: String,
}

impl Answer {
    /// Returns the fields of the form in a page, as a browser sends them.
    pub fn form_fields(&self) -> Vec<(String, String)> {
        let page = self.body();
        let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
        let text = |text: &str| text.split('"').next().map(unescaped).unwrap_or_default();
        inputs
            .map(|input| {
                let (_, value) = input.split_once("value=\"").expect("a value");
                (text(input), text(value))
            })
            .collect()
    }

    /// Returns a field of the form in a page.
    pub fn form_field(&self, name: &str) -> Option<String> {
        let field = self.form_fields().into_iter().find(|(found, _)| found == name);
        field.map(|(_, value)| value)
    }

    /// Returns a query parameter of the `Location`.
    pub fn redirected(&self, name: &str) -> Option<String> {
        let (_, query) = self.header("location")?.split_once('?')?;
        let parameters = Parameters::parse(query).ok()?;
        parameters.one(name).ok()?.map(str::to_owned)
    }

    /// Returns the cookie that was set, as a browser sends it.
    pub fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }
}

/// Returns the claims of a token without verifying it.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Returns the header of a token.
pub fn jose_header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Decodes the character references that our pages use.
pub fn unescaped(text: &str) -> String {
    let references =
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    references.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Encodes a value for a form.
pub fn encoded(value: &str) -> String {
    value.bytes().flat_map(|byte| ["%".to_owned(), hex(&[byte])]).collect()
}
