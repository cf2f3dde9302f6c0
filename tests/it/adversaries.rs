//! Adversaries: identity providers of another tenant, of another connection of the same tenant and
//! of a federation, a former provider, a former holder of the domain, and SCIM clients of other
//! tenants. After every change of who may speak for whom, each tries every route.
//!
//! The rules have the numbers of `docs/authority.md`.

mod attacks;
mod world;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::browser::{Idp, named, person};
use harness::items::text;
use harness::oidc::GOOD;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};

use self::attacks::{acmes, attack};
use self::world::{ACME, OLD, World};
use crate::tenant_isolation::operator_routes;

/// A change of who may speak for whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transition {
    DomainVerifiedAgain,
    DomainLost,
    DomainDeleted,
    DomainMoved,
    ConnectionDisabled,
    ConnectionDeleted,
    ProviderReplaced,
    CertificateRemoved,
    DomainsOfConnectionChanged,
    UserDeactivated,
    UserDeleted,
    UserRenamed,
    UserMovedToAnotherDomain,
    SessionsOfUserEnded,
    SessionsOfConnectionEnded,
    SessionsOfTenantEnded,
    LinkRemoved,
    TenantDeleted,
}

use Transition::{
    CertificateRemoved, ConnectionDeleted, ConnectionDisabled, DomainDeleted, DomainLost,
    DomainMoved, DomainVerifiedAgain, DomainsOfConnectionChanged, LinkRemoved, ProviderReplaced,
    SessionsOfConnectionEnded, SessionsOfTenantEnded, SessionsOfUserEnded, TenantDeleted,
    UserDeactivated, UserDeleted, UserMovedToAnotherDomain, UserRenamed,
};

/// Each transition; whether Ada's credentials count after it, and whether her provider may sign her
/// in anew.
const TRANSITIONS: [(Transition, bool, bool); 18] = [
    (DomainVerifiedAgain, true, true),
    (DomainLost, false, false),
    (DomainDeleted, false, false),
    (DomainMoved, false, false),
    (ConnectionDisabled, false, false),
    (ConnectionDeleted, false, false),
    (ProviderReplaced, false, false),
    (CertificateRemoved, false, false),
    (DomainsOfConnectionChanged, false, false),
    (UserDeactivated, false, false),
    (UserDeleted, false, false),
    (UserRenamed, true, true),
    (UserMovedToAnotherDomain, false, false),
    (SessionsOfUserEnded, false, true),
    (SessionsOfConnectionEnded, false, true),
    (SessionsOfTenantEnded, false, true),
    (LinkRemoved, true, true),
    (TenantDeleted, false, false),
];

impl Transition {
    async fn apply(self, world: &World) {
        let tenant = format!("/v1/tenants/{}", world.test.acme.id);
        let domain = format!("{tenant}/domains/acme.com");
        let connection = format!("{tenant}/connections/{}", ACME.connection);
        let user = format!("{tenant}/users/{}", world.ada);
        let settings = |change: Value| {
            let mut body = json!({"domains": ["acme.com"]});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            Some(body)
        };
        let path = match self {
            Self::DomainVerifiedAgain => return world.prove(&world.test.acme.id, "acme.com").await,
            Self::DomainLost => return lose_domain(world, &domain).await,
            Self::DomainMoved => {
                let owner = world.test.tenant("Owner").await;
                return world.prove(&owner.id, "acme.com").await;
            }
            Self::ProviderReplaced => {
                let newer = Idp { issuer: "https://newer.example/saml", ..ACME };
                let domains = json!({"domains": ["acme.com"]});
                return world.connect(&world.test.acme.id, newer, domains).await;
            }
            Self::CertificateRemoved => {
                let keys = metadata::key("use=\"signing\"", &KEYS.idp_next);
                let role = metadata::descriptor(&keys, &metadata::services());
                let body = settings(json!({"idp_metadata_xml": metadata::entity(IDP, &role)}));
                return drop(world.operator(Method::PUT, &connection, body).await);
            }
            Self::ConnectionDisabled => {
                let body = settings(json!({"enabled": false}));
                return drop(world.operator(Method::PUT, &connection, body).await);
            }
            Self::DomainsOfConnectionChanged => {
                let body = settings(json!({"domains": ["acme.org"]}));
                return drop(world.operator(Method::PUT, &connection, body).await);
            }
            Self::UserDeactivated => return world.test.set_active(&world.ada, false).await,
            Self::UserDeleted => {
                let path = format!("/Users/{}", world.ada);
                world.test.scim(Method::DELETE, &path, None).await.expect(204);
                return;
            }
            Self::UserRenamed => return rename(world, "byron@acme.com").await,
            Self::UserMovedToAnotherDomain => return rename(world, "ada@acme.org").await,
            Self::DomainDeleted => (Method::DELETE, domain),
            Self::ConnectionDeleted => (Method::DELETE, connection),
            Self::LinkRemoved => (Method::DELETE, format!("{user}/links/{}", ACME.connection)),
            Self::TenantDeleted => (Method::DELETE, tenant),
            Self::SessionsOfUserEnded => (Method::POST, format!("{user}/end-sessions")),
            Self::SessionsOfConnectionEnded => (Method::POST, format!("{connection}/end-sessions")),
            Self::SessionsOfTenantEnded => (Method::POST, format!("{tenant}/end-sessions")),
        };
        let (method, path) = path;
        let answer = world.test.operator(method, &path, None).await;
        answer.expect_one_of(&[202, 204]);
    }
}

async fn rename(world: &World, name: &str) {
    let emails = json!([{"value": name, "primary": true}]);
    world
        .patch_ada(json!([
            {"op": "replace", "path": "userName", "value": name},
            {"op": "replace", "path": "emails", "value": emails},
        ]))
        .await;
}

/// Loses a domain whose record has been missing for a week.
async fn lose_domain(world: &World, domain: &str) {
    let check = format!("{domain}/check");
    world.dns.remove("_gatehouse.acme.com");
    world.operator(Method::POST, &check, None).await;
    // The week must not pass by the clock: every session would be over by itself.
    let now = world.test.clock.now();
    let a_week_ago = now - Duration::from_hours(8 * 24);
    let mut rows = world.test.items().await;
    rows.retain(|row| {
        text(row, "pk") == format!("{}#T", world.test.acme.id)
            && text(row, "sk") == "DOMAIN#acme.com"
    });
    let row = rows[0].to_string();
    let (before, rest) = row.split_once("\\\"absent_since\\\":\\\"").unwrap();
    let (_, after) = rest.split_once("\\\"").unwrap();
    let row = format!("{before}\\\"absent_since\\\":\\\"{a_week_ago}\\\"{after}");
    world.test.put_items(&[serde_json::from_str(&row).unwrap()]).await;
    let checked = world.operator(Method::POST, &check, None).await;
    assert_eq!(checked["state"], "lost");
}

/// Makes the transition, lets every adversary try every route, and looks at what is left.
async fn check(transition: Transition, is_alive: bool, may_sign_in: bool) -> usize {
    let world = World::new().await;
    let after = format!("{transition:?}");
    transition.apply(&world).await;
    let before = world.rows_of_acme().await;
    let count = attack(&world, &after).await;

    let now = world.rows_of_acme().await;
    let written: Vec<_> = now.iter().filter(|row| !before.contains(row)).collect();
    let removed: Vec<_> = before.iter().filter(|row| !now.contains(row)).collect();
    assert!(written.is_empty(), "after {after}: an adversary wrote {written:#?}");
    assert!(removed.is_empty(), "after {after}: an adversary removed {removed:#?}");
    assert_records_name_nobody(&world, &after).await;
    for credentials in &world.ended {
        let uses = world.uses(credentials).await;
        let alive = uses.iter().find(|(_, counts)| *counts);
        assert_eq!(alive, None, "after {after}: {}", credentials.holder);
    }
    for (what, counts) in world.uses(&world.adas).await {
        assert_eq!(counts, is_alive, "after {after}: {what}");
    }
    let as_before = person("new-1", "ada@acme.com");
    let mut browser = harness::browser::Browser::default();
    let path = format!("/saml/sso/{}", ACME.connection);
    let begun = browser.get(&world.test, &path).await;
    if begun.header("location").is_some() {
        browser.sign_in(&world.test, &path, ACME, as_before).await;
    }
    assert_eq!(browser.has_session(), may_sign_in, "after {after}");
    count
}

/// The refusals of the adversaries are recorded for Acme, and none names a user. The rows of the
/// adversaries have nothing of Acme.
async fn assert_records_name_nobody(world: &World, after: &str) {
    for row in world.test.items().await {
        let pk = text(&row, "pk");
        let content = row.to_string();
        if pk == format!("{}#S", world.test.acme.id) {
            // Ada's own sign-ins are of before.
            let is_refusal = !text(&row, "code").is_empty();
            assert!(is_refusal != row["user"].is_object(), "after {after}: {content}");
        }
        if pk.starts_with(&world.eve.id) || pk.starts_with(&world.former.id) {
            for secret in world.secrets() {
                assert!(!content.contains(secret), "after {after}: {content}");
            }
        }
    }
}

/// Checks the transitions one after the other.
async fn check_all(transitions: &[Transition]) {
    for (transition, is_alive, may_sign_in) in TRANSITIONS {
        if transitions.contains(&transition) {
            let count = check(transition, is_alive, may_sign_in).await;
            assert!(count > 150, "{count}");
        }
    }
}

const OF_DOMAINS: [Transition; 5] =
    [DomainVerifiedAgain, DomainLost, DomainDeleted, DomainMoved, DomainsOfConnectionChanged];
const OF_CONNECTIONS: [Transition; 4] =
    [ConnectionDisabled, ConnectionDeleted, ProviderReplaced, CertificateRemoved];
const OF_USERS: [Transition; 5] =
    [UserDeactivated, UserDeleted, UserRenamed, UserMovedToAnotherDomain, LinkRemoved];
const OF_SESSIONS: [Transition; 4] =
    [SessionsOfUserEnded, SessionsOfConnectionEnded, SessionsOfTenantEnded, TenantDeleted];

#[tokio::test]
async fn no_change_of_a_domain_leaves_a_way_in() {
    check_all(&OF_DOMAINS).await;
}

#[tokio::test]
async fn no_change_of_a_connection_leaves_a_way_in() {
    check_all(&OF_CONNECTIONS).await;
}

#[tokio::test]
async fn no_change_of_a_user_leaves_a_way_in() {
    check_all(&OF_USERS).await;
}

#[tokio::test]
async fn no_end_of_sessions_leaves_a_way_in() {
    check_all(&OF_SESSIONS).await;
}

#[test]
fn every_transition_is_checked() {
    let checked = [&OF_DOMAINS[..], &OF_CONNECTIONS, &OF_USERS, &OF_SESSIONS].concat();
    assert!(TRANSITIONS.iter().all(|(transition, ..)| checked.contains(transition)));
}

/// The operator API takes no credential of anybody but the operator.
#[tokio::test]
async fn no_credential_of_an_adversary_opens_the_operator_api() {
    let world = World::new().await;
    let frank = &world.own[0];
    for (method, route, body) in operator_routes() {
        let path = acmes(&world, route).replace("{tenant}", &world.test.acme.id);
        for authorization in [
            format!("Bearer {}", world.former.token),
            format!("Bearer {}", frank.access),
            format!("Bearer {}", frank.refresh),
            world.other_app.basic().unwrap(),
        ] {
            let request = Request::builder()
                .method(&method)
                .uri(&path)
                .header(header::AUTHORIZATION, authorization)
                .header(header::COOKIE, frank.browser.cookies())
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.as_ref().map_or_else(Body::empty, |body| Body::from(body.to_string())));
            world.test.send(request.unwrap()).await.expect(401);
        }
    }
}

/// A transition that is undone does not bring back what ended.
#[tokio::test]
async fn what_ended_stays_ended_when_the_change_is_undone() {
    for transition in [DomainDeleted, ConnectionDisabled, ConnectionDeleted, ProviderReplaced] {
        let world = World::new().await;
        let acme = world.test.acme.id.clone();
        transition.apply(&world).await;
        world.prove(&acme, "acme.com").await;
        world.connect(&acme, ACME, json!({"domains": ["acme.com"]})).await;
        for (what, counts) in world.uses(&world.adas).await {
            assert!(!counts, "after {transition:?}: {what}");
        }
        let again = world.sign_in("Ada", ACME, person("new-1", "ada@acme.com")).await;
        for (what, counts) in world.uses(&again).await {
            assert!(counts, "after {transition:?}: {what}");
        }
        // Nor for the provider of before.
        world.connect(&acme, OLD, json!({"domains": ["acme.com"]})).await;
        for credentials in [&world.adas, &again] {
            let uses = world.uses(credentials).await;
            assert!(uses.iter().all(|(_, counts)| !counts), "after {transition:?}: {uses:?}");
        }
    }
}

/// Rule 6: a connection that has the name of somebody else's domain stands for none of its people.
#[tokio::test]
async fn a_connection_named_after_a_domain_of_another_tenant_does_not_stand_for_it() {
    let world = World::new().await;
    let frank = &world.own[0];
    let ask = async |organisation: &str| {
        let rest = GOOD.replace("domain=acme.com", &format!("{organisation}&prompt=none"));
        let path = format!("/oauth2/authorize?{}", world.app.query(&rest));
        frank.browser.clone().get(&world.test, &path).await.expect(303).redirected("code")
    };
    assert_eq!(ask("domain=acme.com").await, None);
    assert_eq!(ask("login_hint=frank%40acme.com").await, None);
    assert!(ask("domain=former.com").await.is_some());
    // Its own name in URLs stays, and is what an app may ask for.
    assert!(ask("connection=acme.com").await.is_some());
    let userinfo = world.test.userinfo(&frank.access).await.expect(200).json();
    assert_eq!(userinfo["domain"], "former.com");
    let (_, answer) = world
        .test
        .sign_in_at(self::world::FORMER, named("frank@former.com", "frank@former.com"))
        .await;
    // An app that begins a request with the hint gets the session that it was told about.
    let answer = answer.expect(303);
    assert_eq!(answer.redirected("login_hint").as_deref(), Some("former.com"));
}
