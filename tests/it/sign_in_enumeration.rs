//! Nothing public tells who is a customer (rule 21): a name that nobody has, a connection without
//! metadata and a disabled one get the same answer.

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{BASE, draft_for, percent_encoded};
use harness::oidc::GOOD;
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::json;

/// All of one length, so that `Content-Length` is too.
const UNKNOWN: &str = "name-0.example";
const UNFINISHED: &str = "name-1.example";
const UNFINISHED_SIGNING: &str = "name-2.example";
const DISABLED: &str = "name-3.example";
const READY: &str = "name-4.example";

async fn world() -> TestApp {
    let test = TestApp::with(|config| config.base_url = Some(BASE.to_owned())).await;
    test.travel().await;
    let put = async |name: &str, body| {
        test.verify_domain(&test.acme.id, name).await;
        let path = format!("/v1/tenants/{}/connections/{name}", test.acme.id);
        test.operator(Method::PUT, &path, Some(body)).await.expect(200);
    };
    put(UNFINISHED, json!({})).await;
    put(UNFINISHED_SIGNING, json!({"sign_requests": true, "allow_idp_initiated": true})).await;
    let disabled = json!({"enabled": false, "sign_requests": true, "jit": true});
    test.connect(DISABLED, &metadata::usual(IDP), disabled).await.expect(200);
    test.connect(READY, &metadata::usual(IDP), json!({"sign_requests": true})).await.expect(200);
    test
}

/// Requests that anybody can send. Each is a method, a path and the fields of a form.
fn requests(name: &str, client: &str) -> Vec<(Method, String, Option<String>)> {
    let get = |path: &str| (Method::GET, path.replace("{name}", name), None);
    let post = |path: &str, form: String| (Method::POST, path.replace("{name}", name), Some(form));
    let draft = |request| {
        let acs = format!("{BASE}/saml/sso/{name}");
        draft_for(&acs, &format!("{BASE}/saml/metadata/{name}"), request).response()
    };
    let field = |xml: String| {
        let field = percent_encoded(&BASE64_STANDARD.encode(xml));
        format!("SAMLResponse={field}&RelayState=x")
    };
    let id = "_0123456789abcdef0123456789abcdef01234567";
    let mut requests = vec![
        get("/saml/metadata/{name}"),
        get("/saml/metadata/{name}?naming=oid"),
        get("/saml/metadata/{name}?signed=1"),
        get("/saml/metadata/{name}?signed=1&naming=oid"),
        get("/saml/sso/{name}"),
        get("/saml/sso/{name}?target=https://app.example/welcome"),
        get("/saml/sso/{name}?target=https://evil.example/"),
        get("/saml/sso/{name}/with"),
        get(&format!("/saml/sso/{{name}}/with?sign_in={id}&idp={IDP}")),
        get(&format!("/saml/sso/{{name}}/test/{id}")),
        get(&format!("/saml/sso/{{name}}/test/{id}/begin")),
        post(&format!("/saml/sso/{{name}}/test/{id}/begin"), String::new()),
        get("/saml/sso/{name}/resume"),
        get(&format!("/saml/sso/{{name}}/resume?sign_in={id}")),
        post("/saml/sso/{name}/continue", String::new()),
        post("/saml/sso/{name}/continue", format!("sign_in={id}")),
    ];
    for acs in ["/saml/sso/{name}", "/saml/sso/{name}/federated"] {
        let forms = [
            String::new(),
            "SAMLResponse=%25".to_owned(),
            field("<x/>".to_owned()),
            field(draft(None)),
            field(draft(Some(id))),
            format!("SAMLResponse={}", "A".repeat(1_100_000)),
        ];
        requests.extend(forms.into_iter().map(|form| post(acs, form)));
    }
    for organisation in ["domain={name}", "login_hint=ada@{name}", "connection={name}"] {
        for prompt in ["", "&prompt=login", "&prompt=none"] {
            let query = format!("{client}&{organisation}{prompt}");
            requests.push(get(&format!("/oauth2/authorize?{query}")));
            requests.push(post("/oauth2/authorize", query.replace("{name}", name)));
        }
    }
    requests
}

async fn answers(test: &TestApp, name: &str, client: &str) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for (method, path, form) in requests(name, client) {
        let sent = format!("{method} {path} {:.40}", form.as_deref().unwrap_or_default());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.map_or_else(Body::empty, Body::from));
        let answer = test.send(request.unwrap()).await;
        let body = String::from_utf8(answer.bytes.clone()).unwrap();
        // A signature is over the name too, and has the same length for all.
        let mut body = body.replace(name, "{name}");
        for element in ["SignatureValue", "DigestValue"] {
            if let Some((before, rest)) = body.split_once(&format!("<ds:{element}>")) {
                let (_, after) = rest.split_once(&format!("</ds:{element}>")).unwrap();
                body = format!("{before}<ds:{element}/>{after}");
            }
        }
        let headers = format!("{:?}", answer.headers).replace(name, "{name}");
        answers.push((sent.replace(name, "{name}"), format!("{} {headers} {body}", answer.status)));
    }
    answers
}

#[tokio::test]
async fn an_unknown_name_cannot_be_told_from_a_connection_that_nobody_can_sign_in_at() {
    let test = world().await;
    let app = test.app(false).await;
    // Without the parameter that names the organisation.
    let query = app.query(GOOD);
    let client: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("domain=")).collect();
    let client = client.join("&");
    let unknown = answers(&test, UNKNOWN, &client).await;
    for name in [UNFINISHED, UNFINISHED_SIGNING, DISABLED] {
        for (unknown, known) in unknown.iter().zip(answers(&test, name, &client).await) {
            assert_eq!(*unknown, known, "{name}");
        }
    }
    let ready = answers(&test, READY, &client).await;
    let same = unknown.iter().filter(|answer| ready.contains(answer)).count();
    assert!(same < unknown.len() / 2, "the requests reach a ready connection: {same}");
}

#[tokio::test]
async fn before_the_first_connection_no_name_has_metadata() {
    let test = TestApp::new().await;
    let get = Request::get("/saml/metadata/name-0.example").body(Body::empty()).unwrap();
    test.send(get).await.expect(404);
}
