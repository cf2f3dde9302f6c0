//! The claims of tokens and of userinfo (OpenID Connect Core §2, §5.1, RFC 9068 §2.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::amr::authentication_methods;
use super::client::ClientId;
use super::grant::Grant;
use super::scopes::{Scope, Scopes};
use types::domain::Domain;
use types::email_address::EmailAddress;
use types::ids::{GrantId, ResourceId, TenantId};

/// The user that claims are made about.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The id of the user: `sub`.
    pub user: ResourceId,
    /// The SCIM resource.
    pub document: &'a Map<String, Value>,
    /// The time of the last change: `updated_at`.
    pub last_modified: Timestamp,
    /// The licence: `license`.
    pub license: &'a str,
    /// The names of the groups; empty if they were not asked for.
    pub groups: &'a [String],
}

/// Claims about the user: those of userinfo, which the ID token has too. `connection`: the name of
/// the connection that signed in. `domains`: those that it may speak for.
pub fn user_claims(
    person: &Person<'_>,
    scopes: &Scopes,
    connection: &str,
    domains: &[Domain],
) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(person.user));
    claims.insert("tenant".to_owned(), json!(person.tenant));
    claims.insert("domain".to_owned(), json!(domain_of_connection(connection, domains)));
    claims.insert("license".to_owned(), json!(person.license));
    if scopes.has(Scope::Profile) {
        claims.extend(profile(person));
    }
    if scopes.has(Scope::Email)
        && let Some(email) = email(person.document)
    {
        // An identity provider may send any address: only one in a domain that its tenant has
        // verified is known to be the person's.
        let address = EmailAddress::parse(&email);
        let is_verified = address.is_ok_and(|address| domains.contains(address.domain()));
        claims.insert("email_verified".to_owned(), json!(is_verified));
        claims.insert("email".to_owned(), json!(email));
    }
    if scopes.has(Scope::Groups) {
        claims.insert("groups".to_owned(), json!(person.groups));
    }
    claims
}

/// The domain that stands for a connection towards apps: its name if it speaks for that, else the
/// first of its domains. The name alone is only an address in URLs: another tenant may hold it.
pub fn domain_of_connection<'a>(connection: &str, domains: &'a [Domain]) -> Option<&'a Domain> {
    let named = domains.iter().find(|domain| domain.as_str() == connection);
    named.or_else(|| domains.first())
}

fn profile(person: &Person<'_>) -> impl Iterator<Item = (String, Value)> {
    let document = person.document;
    let name = document.get("name");
    let part = |part: &str| text(name.and_then(|name| name.get(part)));
    let given_and_family = || {
        let both = [part("givenName"), part("familyName")];
        let both: Vec<_> = both.iter().flatten().map(String::as_str).collect();
        (!both.is_empty()).then(|| both.join(" "))
    };
    let full = text(document.get("displayName")).or_else(|| part("formatted"));
    [
        ("name", full.or_else(given_and_family)),
        ("given_name", part("givenName")),
        ("middle_name", part("middleName")),
        ("family_name", part("familyName")),
        ("nickname", text(document.get("nickName"))),
        ("preferred_username", text(document.get("userName"))),
        ("profile", text(document.get("profileUrl"))),
        ("locale", text(document.get("locale"))),
        ("zoneinfo", text(document.get("timezone"))),
    ]
    .into_iter()
    .filter_map(|(claim, value)| Some((claim.to_owned(), Value::from(value?))))
    .chain([("updated_at".to_owned(), json!(person.last_modified.as_second()))])
}

/// Returns the primary address, or the first, or a `userName` that is an address.
fn email(document: &Map<String, Value>) -> Option<String> {
    let emails = document.get("emails").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_primary = |email: &&Value| email.get("primary").and_then(Value::as_bool) == Some(true);
    let chosen = emails.iter().find(is_primary).or_else(|| emails.first());
    let value = text(chosen.and_then(|email| email.get("value")));
    value.or_else(|| text(document.get("userName"))).filter(|value| value.contains('@'))
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns the claims of the ID token (OpenID Connect Core §2): those about the user, and those
/// about the sign-in.
pub fn id_token(
    issuer: &str,
    grant: &Grant,
    nonce: Option<&str>,
    user_claims: Map<String, Value>,
    now: Timestamp,
) -> Value {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(issuer));
    claims.insert("aud".to_owned(), json!(grant.client_id));
    claims.insert("iat".to_owned(), json!(now.as_second()));
    claims.insert("exp".to_owned(), json!(grant.access_token_end(now).as_second()));
    claims.insert("auth_time".to_owned(), json!(grant.authentication.auth_time.as_second()));
    if let Some(class) = &grant.authentication.authn_context {
        claims.insert("acr".to_owned(), json!(class));
        let methods = authentication_methods(class);
        if !methods.is_empty() {
            claims.insert("amr".to_owned(), json!(methods));
        }
    }
    if let Some(nonce) = nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims.extend(user_claims);
    Value::Object(claims)
}

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessToken {
    /// The issuer.
    pub iss: String,
    /// The issuer again: the only resource is userinfo. An app's own API introspects the token.
    pub aud: String,
    /// The user.
    pub sub: ResourceId,
    /// The app.
    pub client_id: ClientId,
    /// The time of issue, in seconds since the epoch.
    pub iat: i64,
    /// The end, in seconds since the epoch.
    pub exp: i64,
    /// The time of the authentication, in seconds since the epoch.
    pub auth_time: i64,
    /// A random id, unique among all tokens.
    pub jti: String,
    /// The granted scopes.
    pub scope: Scopes,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The grant that the token belongs to and ends with.
    pub grant: GrantId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(document: Value, scopes: &str) -> String {
        let Value::Object(document) = document else { panic!("not an object") };
        let person = Person {
            tenant: "0199d3a0-0000-7000-8000-000000000001".parse().unwrap(),
            user: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            document: &document,
            last_modified: Timestamp::UNIX_EPOCH,
            license: "full",
            groups: &["Engineers".to_owned()],
        };
        let mut claims = user_claims(
            &person,
            &Scopes::parse(scopes),
            "acme.com",
            &["acme.com".parse().unwrap()],
        );
        for always in ["sub", "tenant", "domain", "license"] {
            assert!(claims.shift_remove(always).is_some(), "{always}");
        }
        Value::Object(claims).to_string()
    }

    #[test]
    fn a_claim_needs_its_scope_and_a_value() {
        let check = |document: Value, scopes: &str, expect: &str| {
            assert_eq!(claims(document, scopes), expect);
        };
        let ada = json!({
            "userName": "ada",
            "displayName": "",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
        });
        check(ada.clone(), "openid", "{}");
        check(
            ada.clone(),
            "openid profile",
            r#"{"name":"Ada Lovelace","given_name":"Ada","family_name":"Lovelace","preferred_username":"ada","updated_at":0}"#,
        );
        check(ada, "openid email groups", r#"{"groups":["Engineers"]}"#);
        check(json!({"name": 7}), "openid profile", r#"{"updated_at":0}"#);
    }

    #[test]
    fn the_domain_is_one_that_the_connection_speaks_for() {
        for (name, domains, expect) in [
            ("acme.com", &["acme.com", "acme.org"][..], Some("acme.com")),
            ("acme.org", &["acme.com", "acme.org"], Some("acme.org")),
            ("rival.com", &["acme.com", "acme.org"], Some("acme.com")),
            ("rival.com", &[], None),
        ] {
            let domains: Vec<Domain> = domains.iter().map(|name| name.parse().unwrap()).collect();
            let found = domain_of_connection(name, &domains).map(Domain::as_str);
            assert_eq!(found, expect, "{name}");
        }
    }

    #[test]
    fn an_address_is_verified_only_in_the_domain_that_signed_in() {
        let check = |document: Value, expect: &str| {
            assert_eq!(claims(document, "openid email"), expect);
        };
        check(
            json!({"userName": "Ada@ACME.com"}),
            r#"{"email_verified":true,"email":"Ada@ACME.com"}"#,
        );
        check(
            json!({"emails": [{"value": "a@acme.com"}, {"value": "ceo@rival.com", "primary": true}]}),
            r#"{"email_verified":false,"email":"ceo@rival.com"}"#,
        );
        check(
            json!({"emails": [{"value": "a@acme.com@rival.com"}]}),
            r#"{"email_verified":false,"email":"a@acme.com@rival.com"}"#,
        );
        check(
            json!({"emails": [{"value": "a@eu.acme.com"}]}),
            r#"{"email_verified":false,"email":"a@eu.acme.com"}"#,
        );
    }
}
