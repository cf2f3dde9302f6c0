//! The addresses, keys and ids of a running instance: one line of JSON for programs, text for the
//! console.
//!
//! Pure. `home_page` shows the same values as a page.

use std::fmt;

use serde::Serialize;

/// Addresses, keys and ids of a running instance.
///
/// This is the line of `--json`. Its keys are a contract with the programs that start `local`: keys
/// may be added, not renamed. It has no `Debug`, because it holds secrets.
#[derive(Clone, Serialize)]
pub struct InstanceInfo {
    /// URL of all routes, without a trailing slash.
    pub base_url: String,
    /// Bearer secret of `/v1`.
    pub operator_key: String,
    /// Values for the provisioning page of an identity provider.
    pub scim: Scim,
    /// The demo tenant.
    pub tenant: Tenant,
    // `portal_url` follows here, once the portal is served.
    /// Values for the single sign-on page of an identity provider.
    pub saml: Saml,
    /// Values for an app.
    pub oidc: Oidc,
    /// The demo identity provider.
    pub demo_idp: Idp,
    /// The embedded AWS services.
    pub aws: Aws,
}

/// Values for the provisioning page of an identity provider.
#[derive(Clone, Serialize)]
pub struct Scim {
    /// Microsoft calls it the tenant URL, Okta the base URL.
    pub base_url: String,
    /// Bearer secret of the demo tenant; empty if it was revoked and two others exist.
    pub token: String,
}

/// The demo tenant.
#[derive(Clone, Serialize)]
pub struct Tenant {
    /// The id in `/v1/tenants/{tenant}`.
    pub id: String,
    /// The domain of its connection.
    pub domain: String,
}

/// Values for the single sign-on page of an identity provider, for the demo connection.
#[derive(Clone, Serialize)]
pub struct Saml {
    /// URL that starts a sign-in.
    pub sso_url: String,
    /// Assertion consumer service URL.
    pub acs_url: String,
    /// Assertion consumer service URL of a federation.
    pub federated_acs_url: String,
    /// URL of the service provider metadata.
    pub metadata_url: String,
    /// Entity id of the service provider: the URL of its metadata.
    pub entity_id: String,
}

/// The demo app, an OpenID Connect client.
#[derive(Clone, Serialize)]
pub struct Oidc {
    /// The issuer; `/.well-known/openid-configuration` is below it.
    pub issuer: String,
    /// Client id of the app.
    pub client_id: String,
    /// Client secret of the app.
    pub client_secret: String,
    /// URL of the app that receives authorization codes.
    pub redirect_uri: String,
}

/// The demo identity provider.
#[derive(Clone, Serialize)]
pub struct Idp {
    /// URL of its metadata.
    pub metadata_url: String,
    /// Its entity id: the URL of its metadata.
    pub entity_id: String,
}

/// The embedded AWS services.
#[derive(Clone, Serialize)]
pub struct Aws {
    /// For `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_endpoint: String,
    /// For `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secretsmanager_endpoint: String,
    /// Name of the table.
    pub table: String,
}

impl InstanceInfo {
    /// Returns the line of `--json`, without the line end.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl InstanceInfo {
    /// The values to copy into an identity provider, an app or a tool, with their names.
    pub(crate) fn values(&self) -> [(&'static str, String); 12] {
        let Self { base_url: _, operator_key, scim, tenant, saml, oidc, demo_idp, aws } = self;
        [
            ("SCIM base URL", scim.base_url.clone()),
            ("SCIM token", scim.token.clone()),
            ("Tenant id", tenant.id.clone()),
            ("Operator key", operator_key.clone()),
            ("SAML metadata", saml.metadata_url.clone()),
            ("OIDC issuer", oidc.issuer.clone()),
            ("OIDC client id", oidc.client_id.clone()),
            ("OIDC client secret", oidc.client_secret.clone()),
            ("Demo IdP metadata", demo_idp.metadata_url.clone()),
            ("DynamoDB endpoint", aws.dynamodb_endpoint.clone()),
            ("DynamoDB table", aws.table.clone()),
            ("Secrets Manager", aws.secretsmanager_endpoint.clone()),
        ]
    }

    /// Commands to try, each with a title.
    pub(crate) fn examples(&self) -> [(&'static str, String); 4] {
        let Self { base_url, operator_key, scim, aws, .. } = self;
        let Scim { base_url: scim_url, token } = scim;
        [
            (
                "Provision a user, as an identity provider does",
                format!(
                    "curl -s {scim_url}/Users \\\n  -H 'Authorization: Bearer {token}' \\\n  \
                     -H 'Content-Type: application/scim+json' \\\n  -d '{EXAMPLE_USER}'"
                ),
            ),
            (
                "Find the user",
                format!(
                    "curl -s -G {scim_url}/Users \\\n  -H 'Authorization: Bearer {token}' \\\n  \
                     --data-urlencode 'filter=userName eq \"{EXAMPLE_NAME}\"'"
                ),
            ),
            (
                "Call the operator API",
                format!("curl -s {base_url}/v1/tenants -H 'Authorization: Bearer {operator_key}'"),
            ),
            (
                "Read the table",
                format!(
                    "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \\\n\
                     aws dynamodb scan --region us-east-1 \\\n  --endpoint-url {} --table-name {}",
                    aws.dynamodb_endpoint, aws.table
                ),
            ),
        ]
    }
}

/// The text for the console.
impl fmt::Display for InstanceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base_url = &self.base_url;
        writeln!(f, "Gatehouse is running at {base_url}. Stop it with Ctrl-C.\n")?;
        writeln!(f, "  Sign in: {base_url}/demo")?;
        writeln!(f, "  Changes: {base_url}/demo/events\n")?;
        for (name, value) in self.values() {
            writeln!(f, "  {name:<20}{value}")?;
        }
        for (title, command) in self.examples() {
            writeln!(f, "\n{title}:\n")?;
            for line in command.lines() {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

const EXAMPLE_NAME: &str = "ada@acme.com";

const EXAMPLE_USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@acme.com","name":{"givenName":"Ada","familyName":"Lovelace"}}"#;

#[cfg(test)]
pub(crate) mod tests {
    use super::{Aws, EXAMPLE_NAME, EXAMPLE_USER, Idp, InstanceInfo, Oidc, Saml, Scim, Tenant};

    pub(crate) fn info() -> InstanceInfo {
        InstanceInfo {
            base_url: "http://127.0.0.1:7400".to_owned(),
            operator_key: "operator".to_owned(),
            scim: Scim {
                base_url: "http://127.0.0.1:7400/scim/v2".to_owned(),
                token: "token".to_owned(),
            },
            tenant: Tenant { id: "id".to_owned(), domain: "acme.com".to_owned() },
            saml: Saml {
                sso_url: "http://127.0.0.1:7400/saml/sso/acme.com".to_owned(),
                acs_url: "http://127.0.0.1:7400/saml/sso/acme.com".to_owned(),
                federated_acs_url: "http://127.0.0.1:7400/saml/sso/acme.com/federated".to_owned(),
                metadata_url: "http://127.0.0.1:7400/saml/metadata/acme.com".to_owned(),
                entity_id: "http://127.0.0.1:7400/saml/metadata/acme.com".to_owned(),
            },
            oidc: Oidc {
                issuer: "http://127.0.0.1:7400".to_owned(),
                client_id: "client".to_owned(),
                client_secret: "secret".to_owned(),
                redirect_uri: "http://127.0.0.1:7400/demo/callback".to_owned(),
            },
            demo_idp: Idp {
                metadata_url: "http://127.0.0.1:7400/demo/idp/metadata".to_owned(),
                entity_id: "http://127.0.0.1:7400/demo/idp/metadata".to_owned(),
            },
            aws: Aws {
                dynamodb_endpoint: "http://127.0.0.1:7401".to_owned(),
                secretsmanager_endpoint: "http://127.0.0.1:7402".to_owned(),
                table: "gatehouse".to_owned(),
            },
        }
    }

    #[test]
    fn the_json_is_one_line_with_the_documented_keys() {
        assert_eq!(
            info().to_json().unwrap(),
            concat!(
                r#"{"base_url":"http://127.0.0.1:7400","operator_key":"operator","#,
                r#""scim":{"base_url":"http://127.0.0.1:7400/scim/v2","token":"token"},"#,
                r#""tenant":{"id":"id","domain":"acme.com"},"#,
                r#""saml":{"sso_url":"http://127.0.0.1:7400/saml/sso/acme.com","#,
                r#""acs_url":"http://127.0.0.1:7400/saml/sso/acme.com","#,
                r#""federated_acs_url":"http://127.0.0.1:7400/saml/sso/acme.com/federated","#,
                r#""metadata_url":"http://127.0.0.1:7400/saml/metadata/acme.com","#,
                r#""entity_id":"http://127.0.0.1:7400/saml/metadata/acme.com"},"#,
                r#""oidc":{"issuer":"http://127.0.0.1:7400","client_id":"client","#,
                r#""client_secret":"secret","redirect_uri":"http://127.0.0.1:7400/demo/callback"},"#,
                r#""demo_idp":{"metadata_url":"http://127.0.0.1:7400/demo/idp/metadata","#,
                r#""entity_id":"http://127.0.0.1:7400/demo/idp/metadata"},"#,
                r#""aws":{"dynamodb_endpoint":"http://127.0.0.1:7401","#,
                r#""secretsmanager_endpoint":"http://127.0.0.1:7402","table":"gatehouse"}}"#
            )
        );
    }

    #[test]
    fn the_example_user_is_json_without_single_quotes() {
        let user: serde_json::Value = serde_json::from_str(EXAMPLE_USER).unwrap();
        assert_eq!(user["userName"], EXAMPLE_NAME);
        assert!(!EXAMPLE_USER.contains('\''));
    }
}
