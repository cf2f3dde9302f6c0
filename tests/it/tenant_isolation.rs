//! One table of all routes, each called without a token, with the token of another tenant, and with
//! ids of another tenant.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use harness::oidc::GOOD;
use harness::{Answer, OPERATOR_KEY, TestApp};
use serde_json::{Value, json};

/// Every SCIM route, with a valid body. `{user}` and `{group}` are ids of the first tenant.
pub(crate) fn scim_routes() -> Vec<(Method, &'static str, Option<Value>)> {
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "eve"});
    let group = json!({"displayName": "Eves"});
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "Eve"}],
    });
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [],
    });
    vec![
        (Method::GET, "/Users", None),
        (Method::POST, "/Users", Some(user.clone())),
        (Method::POST, "/Users/.search", Some(search.clone())),
        (Method::GET, "/Users/{user}", None),
        (Method::PUT, "/Users/{user}", Some(user)),
        (Method::PATCH, "/Users/{user}", Some(patch.clone())),
        (Method::DELETE, "/Users/{user}", None),
        (Method::GET, "/Groups", None),
        (Method::POST, "/Groups", Some(group.clone())),
        (Method::POST, "/Groups/.search", Some(search.clone())),
        (Method::GET, "/Groups/{group}", None),
        (Method::PUT, "/Groups/{group}", Some(group)),
        (Method::PATCH, "/Groups/{group}", Some(patch)),
        (Method::DELETE, "/Groups/{group}", None),
        (Method::POST, "/.search", Some(search)),
        (Method::POST, "/Bulk", Some(bulk)),
        (Method::GET, "/Me", None),
        (Method::GET, "/ServiceProviderConfig", None),
        (Method::GET, "/ResourceTypes", None),
        (Method::GET, "/ResourceTypes/User", None),
        (Method::GET, "/Schemas", None),
        (Method::GET, "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", None),
        (Method::GET, "", None),
        (Method::GET, "/", None),
        (Method::GET, "/?filter=userName+eq+%22ada%22", None),
        (Method::GET, "/Nope", None),
    ]
}

/// Every route of the operator API, with a valid body.
pub(crate) fn operator_routes() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::GET, "/v1/tenants", None),
        (Method::POST, "/v1/tenants", Some(json!({"name": "Eve"}))),
        (Method::GET, "/v1/tenants/{tenant}", None),
        (Method::PATCH, "/v1/tenants/{tenant}", Some(json!({"name": "Eve"}))),
        (Method::DELETE, "/v1/tenants/{tenant}", None),
        (Method::GET, "/v1/tenants/{tenant}/scim-tokens", None),
        (Method::POST, "/v1/tenants/{tenant}/scim-tokens", None),
        (Method::DELETE, "/v1/tenants/{tenant}/scim-tokens/0000000000000000", None),
        (Method::GET, "/v1/tenants/{tenant}/seats", None),
        (Method::PUT, "/v1/tenants/{tenant}/seats", Some(json!({"seats": 1}))),
        (Method::GET, "/v1/tenants/{tenant}/users", None),
        (Method::POST, "/v1/tenants/{tenant}/end-sessions", None),
        (Method::GET, "/v1/tenants/{tenant}/domains", None),
        (Method::PUT, "/v1/tenants/{tenant}/domains/acme.com", Some(json!({}))),
        (Method::DELETE, "/v1/tenants/{tenant}/domains/acme.com", None),
        (Method::POST, "/v1/tenants/{tenant}/domains/acme.com/check", None),
        (Method::GET, "/v1/tenants/{tenant}/users/{user}", None),
        (Method::POST, "/v1/tenants/{tenant}/users/{user}/end-sessions", None),
        (Method::DELETE, "/v1/tenants/{tenant}/users/{user}/links/acme.com", None),
        (Method::GET, "/v1/tenants/{tenant}/groups", None),
        (Method::GET, "/v1/tenants/{tenant}/groups/{group}/members", None),
        (Method::GET, "/v1/tenants/{tenant}/activity", None),
        (Method::GET, "/v1/tenants/{tenant}/connections", None),
        (Method::GET, "/v1/tenants/{tenant}/connections/acme.com", None),
        (Method::PUT, "/v1/tenants/{tenant}/connections/acme.com", Some(json!({}))),
        (Method::DELETE, "/v1/tenants/{tenant}/connections/acme.com", None),
        (
            Method::POST,
            "/v1/tenants/{tenant}/connections/acme.com/explain",
            Some(json!({"saml_response": ""})),
        ),
        (Method::POST, "/v1/tenants/{tenant}/connections/acme.com/end-sessions", None),
        (Method::POST, "/v1/tenants/{tenant}/connections/acme.com/refresh", None),
        (Method::POST, "/v1/tenants/{tenant}/connections/acme.com/test", None),
        (Method::GET, "/v1/tenants/{tenant}/sign-ins", None),
        (Method::POST, "/v1/connections/refresh", None),
        (Method::GET, "/v1/saml-keys", None),
        (Method::POST, "/v1/saml-keys/rotate", None),
        (Method::GET, "/v1/clients", None),
        (Method::POST, "/v1/clients", Some(json!({"redirect_uris": ["https://eve.example/"]}))),
        (Method::GET, "/v1/clients/{client}", None),
        (Method::PATCH, "/v1/clients/{client}", Some(json!({"name": "Eve"}))),
        (Method::DELETE, "/v1/clients/{client}", None),
        (Method::GET, "/v1/webhooks", None),
        (Method::POST, "/v1/webhooks", Some(json!({"url": "https://eve.example/"}))),
        (Method::GET, "/v1/webhooks/{webhook}", None),
        (Method::PATCH, "/v1/webhooks/{webhook}", Some(json!({"paused": true}))),
        (Method::DELETE, "/v1/webhooks/{webhook}", None),
        (Method::POST, "/v1/webhooks/{webhook}/rotate", None),
        (Method::GET, "/v1/webhooks/{webhook}/deliveries", None),
        (Method::POST, "/v1/webhooks/{webhook}/replay", Some(json!({"after": "now"}))),
        (Method::POST, "/v1/webhooks/{webhook}/test", None),
        (Method::POST, "/v1/layout", None),
        (Method::POST, "/v1/oidc-keys/rotate", None),
        (Method::GET, "/v1/openapi.json", None),
        (Method::GET, "/v1/nope", None),
    ]
}

/// Every route of the directory API; all are reads.
pub(crate) fn directory_routes() -> Vec<&'static str> {
    vec![
        "/directory/v1/events",
        "/directory/v1/tenants",
        "/directory/v1/tenants/{tenant}",
        "/directory/v1/tenants/{tenant}/users",
        "/directory/v1/tenants/{tenant}/users/{user}",
        "/directory/v1/tenants/{tenant}/users/{user}/groups",
        "/directory/v1/tenants/{tenant}/groups",
        "/directory/v1/tenants/{tenant}/groups/{group}",
        "/directory/v1/tenants/{tenant}/groups/{group}/members",
        "/directory/v1/nope",
    ]
}

struct World {
    test: TestApp,
    user: String,
    group: String,
}

impl World {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let user = test.user("ada@acme.example").await;
        let group = json!({"displayName": "Engineers", "members": [{"value": user}]});
        let group = test.post("/Groups", group).await.expect(201).text("id");
        Self { test, user, group }
    }

    fn path(&self, route: &str) -> String {
        route
            .replace("{user}", &self.user)
            .replace("{group}", &self.group)
            .replace("{tenant}", &self.test.acme.id)
    }

    async fn send(
        &self,
        authorization: Option<&str>,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/scim+json");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.test.send(request.body(body).unwrap()).await
    }

    /// Returns all users and groups of the first tenant.
    async fn everything(&self) -> Value {
        let users = self.test.get("/Users").await.expect(200).json();
        let groups = self.test.get("/Groups").await.expect(200).json();
        json!([users, groups])
    }
}

#[tokio::test]
async fn every_scim_route_refuses_a_request_without_a_valid_token() {
    let world = World::new().await;
    let before = world.everything().await;
    let good = &world.test.acme.token;
    let other_end = format!("{}A", &good[..good.len() - 1]);
    let refused = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {good}")),
        Some(good.clone()),
        Some(format!("Bearer {good} {good}")),
        Some(format!("Bearer {}", if other_end == *good { "gh_scim_" } else { &other_end })),
    ];
    for (method, route, body) in scim_routes() {
        let path = world.path(&format!("/scim/v2{route}"));
        for authorization in &refused {
            let answer = world.send(authorization.as_deref(), &method, &path, body.as_ref()).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{method} {route} {authorization:?}"
            );
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{route}");
            if method != Method::HEAD {
                assert_eq!(answer.json()["status"], "401", "{method} {route}");
            }
        }
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn ids_of_another_tenant_look_like_missing_ones() {
    let world = World::new().await;
    let before = world.everything().await;
    let eve = world.test.tenant("Eve").await;
    let bearer = format!("Bearer {}", eve.token);
    let nobody = "11111111-1111-4111-8111-111111111111";
    for (method, route, body) in scim_routes() {
        if !route.contains('{') {
            continue;
        }
        let path = format!("/scim/v2{route}");
        let foreign = world.send(Some(&bearer), &method, &world.path(&path), body.as_ref()).await;
        let missing = path.replace("{user}", nobody).replace("{group}", nobody);
        let missing = world.send(Some(&bearer), &method, &missing, body.as_ref()).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{method} {route}");
        assert_eq!(foreign.status, missing.status, "{method} {route}");
        assert_eq!(foreign.bytes, missing.bytes, "{method} {route}");
        assert_eq!(foreign.headers, missing.headers, "{method} {route}");
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn another_tenant_can_neither_see_nor_reference_resources() {
    let world = World::new().await;
    let (test, user, group) = (&world.test, &world.user, &world.group);
    let before = world.everything().await;
    let eve = test.tenant("Eve").await;
    for path in [
        "/Users".to_owned(),
        "/Groups".to_owned(),
        format!("/Users?filter=id eq \"{user}\"").replace(' ', "+"),
        "/Users?filter=userName+eq+%22ada%40acme.example%22".to_owned(),
        format!("/Groups?filter=members+eq+%22{user}%22"),
        format!("/Groups?filter=id+eq+%22{group}%22+and+members+eq+%22{user}%22"),
    ] {
        let path = path.replace('"', "%22");
        let found = test.scim_as(&eve.token, Method::GET, &path, None).await.expect(200);
        assert_eq!(found.json()["totalResults"], 0, "{path}");
    }
    let thief = json!({"displayName": "Thieves", "members": [{"value": user}]});
    // A user of another tenant is left out like one that does not exist.
    let made = test.scim_as(&eve.token, Method::POST, "/Groups", Some(thief)).await.expect(201);
    assert_eq!(made.json().get("members"), None);
    let twin = json!({"userName": "ada@acme.example"});
    test.scim_as(&eve.token, Method::POST, "/Users", Some(twin)).await.expect(201);
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_cursor_of_another_tenant_is_refused() {
    let world = World::new().await;
    world.test.user("grace@acme.example").await;
    let page = world.test.get("/Users?cursor=&count=1").await.expect(200).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let eve = world.test.tenant("Eve").await;
    let path = format!("/Users?cursor={cursor}&count=1");
    let refused = world.test.scim_as(&eve.token, Method::GET, &path, None).await.expect(400);
    assert_eq!(refused.json()["scimType"], "invalidCursor");
    world.test.get(&path).await.expect(200);
}

#[tokio::test]
async fn every_operator_route_refuses_a_request_without_the_operator_key() {
    let world = World::new().await;
    let scim = format!("Bearer {}", world.test.acme.token);
    for (method, route, body) in operator_routes() {
        let path = world.path(route);
        for authorization in [None, Some("Bearer wrong"), Some("Bearer "), Some(scim.as_str())] {
            let answer = world.send(authorization, &method, &path, body.as_ref()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {route}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{route}");
        }
    }
    world.test.get("/Users").await.expect(200);
}

#[tokio::test]
async fn every_route_of_the_directory_refuses_a_request_without_a_token_for_it() {
    let world = World::new().await;
    let app = world.test.app(false).await;
    let grace = world.test.user("grace@acme.com").await;
    let tokens = world.test.tokens(&app, &grace, GOOD).await;
    let good = world.test.directory_token(&app).await;
    let refused = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(good.clone()),
        Some(format!("Bearer {good} {good}")),
        Some(format!("Basic {good}")),
        Some(format!("Bearer {}", world.test.acme.token)),
        Some(format!("Bearer {OPERATOR_KEY}")),
        Some(format!("Bearer {}", tokens["access_token"].as_str().unwrap())),
        Some(format!("Bearer {}", tokens["id_token"].as_str().unwrap())),
        app.basic(),
    ];
    for route in directory_routes() {
        let path = world.path(route);
        for authorization in &refused {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
                let answer = world.send(authorization.as_deref(), &method, &path, None).await;
                let status = answer.status;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {route} {authorization:?}");
                let is_bearer = authorization.as_ref().is_some_and(|sent| sent.contains("Bearer "));
                let challenge = if is_bearer { "Bearer error=\"invalid_token\"" } else { "Bearer" };
                assert_eq!(answer.header("www-authenticate"), Some(challenge), "{authorization:?}");
            }
        }
        let authorization = format!("Bearer {good}");
        let answer = world.send(Some(&authorization), &Method::GET, &path, None).await;
        answer.expect(if route.ends_with("nope") { 404 } else { 200 });
    }
}

#[tokio::test]
async fn at_the_directory_an_id_of_another_tenant_looks_like_a_missing_one() {
    let world = World::new().await;
    let eve = world.test.tenant("Eve").await;
    let token = world.test.directory_token(&world.test.app(false).await).await;
    let bearer = format!("Bearer {token}");
    let nobody = "11111111-1111-4111-8111-111111111111";
    let fill = |route: &str, tenant: &str, id: &str| {
        route.replace("{tenant}", tenant).replace("{user}", id).replace("{group}", id)
    };
    for route in directory_routes() {
        if !route.contains("{tenant}") {
            continue;
        }
        let mut missing = vec![fill(route, nobody, nobody), fill(route, "ext:nobody", nobody)];
        if route.contains("{user}") || route.contains("{group}") {
            missing.push(world.path(&route.replace("{tenant}", &eve.id)));
            missing.push(world.path(&route.replace("{tenant}", nobody)));
            // A group is no user, and the reverse.
            missing.push(fill(route, &world.test.acme.id, nobody));
            let swapped = route.replace("{user}", &world.group).replace("{group}", &world.user);
            missing.push(fill(&swapped, &world.test.acme.id, nobody));
            missing.push(fill(route, &world.test.acme.id, "x"));
        }
        let first = world.send(Some(&bearer), &Method::GET, &missing[0], None).await.expect(404);
        for path in &missing {
            let answer = world.send(Some(&bearer), &Method::GET, path, None).await;
            assert_eq!(answer.status, first.status, "{path}");
            assert_eq!(answer.bytes, first.bytes, "{path}");
            assert_eq!(answer.headers, first.headers, "{path}");
        }
    }
}

#[tokio::test]
async fn the_table_has_every_route() {
    let routes: Vec<&str> = scim_routes().iter().map(|(_, route, _)| *route).collect();
    for route in shared::scim_api::ROUTES {
        let short = route.strip_prefix("/scim/v2").unwrap();
        let covered = match short {
            "/Users/{id}" => "/Users/{user}",
            "/Groups/{id}" => "/Groups/{group}",
            "/ResourceTypes/{id}" => "/ResourceTypes/User",
            "/Schemas/{id}" => "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
            "/{*rest}" => "/Nope",
            other => other,
        };
        assert!(routes.contains(&covered), "{route} is not in the table");
    }
    let routes: Vec<&str> = operator_routes().iter().map(|(_, route, _)| *route).collect();
    for route in shared::operator_api::ROUTES {
        let covered = route
            .replace("{id}", "0000000000000000")
            .replace("{domain}", "acme.com")
            .replace("{connection}", "acme.com")
            .replace("{*rest}", "nope");
        assert!(routes.contains(&covered.as_str()), "{route} is not in the table");
    }
    let routes = directory_routes();
    // The document is public.
    let of_apps = shared::directory_api::ROUTES.iter().filter(|route| !route.contains("openapi"));
    for route in of_apps {
        let covered = route.replace("{*rest}", "nope");
        assert!(routes.contains(&covered.as_str()), "{route} is not in the table");
    }
}
