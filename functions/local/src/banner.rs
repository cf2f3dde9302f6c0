//! What the process tells at its start: one line of JSON for programs, a page for people.

use std::fmt;

use serde::Serialize;

/// Addresses, keys and ids of a running instance.
///
/// This is the `--json` line. Its keys are a contract with the programs that start this one: add
/// to them, never rename. It has no `Debug`, since it holds secrets.
#[derive(Clone, Serialize)]
pub struct Facts {
    /// Where everything is served, without a slash at the end.
    pub base_url: String,
    /// Bearer secret for `/v1`.
    pub operator_key: String,
    /// What an identity provider's provisioning page asks for.
    pub scim: Scim,
    /// The demo's customer.
    pub tenant: Tenant,
    // Here: `portal_url`, with the part that serves it.
    /// What an identity provider's sign-on page asks for.
    pub saml: Saml,
    /// What an application needs in order to sign people in.
    pub oidc: Oidc,
    /// The demo's identity provider.
    pub demo_idp: Idp,
    /// The embedded AWS services.
    pub aws: Aws,
}

/// What an identity provider's provisioning page asks for.
#[derive(Clone, Serialize)]
pub struct Scim {
    /// The tenant URL in Microsoft's words, the base URL in Okta's.
    pub base_url: String,
    /// Bearer secret of the demo's tenant; empty when it was revoked and two others are live.
    pub token: String,
}

/// The demo's customer.
#[derive(Clone, Serialize)]
pub struct Tenant {
    /// As in `/v1/tenants/{tenant}`.
    pub id: String,
    /// The domain that it owns.
    pub domain: String,
}

/// What an identity provider's sign-on page asks for, for the demo's domain.
#[derive(Clone, Serialize)]
pub struct Saml {
    /// Where a sign-in begins.
    pub sso_url: String,
    /// Where the identity provider's answer goes.
    pub acs_url: String,
    /// The same, when a federation answers.
    pub federated_acs_url: String,
    /// The service provider's metadata.
    pub metadata_url: String,
    /// The service provider's name; the same URL.
    pub entity_id: String,
}

/// The demo's application, as an OIDC client.
#[derive(Clone, Serialize)]
pub struct Oidc {
    /// Below it is `/.well-known/openid-configuration`.
    pub issuer: String,
    /// The application's name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where its codes go.
    pub redirect_uri: String,
}

/// The demo's identity provider.
#[derive(Clone, Serialize)]
pub struct Idp {
    /// Where its metadata is.
    pub metadata_url: String,
    /// Its name; the same URL.
    pub entity_id: String,
}

/// The embedded AWS services.
#[derive(Clone, Serialize)]
pub struct Aws {
    /// For `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_endpoint: String,
    /// For `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secretsmanager_endpoint: String,
    /// The one table.
    pub table: String,
}

impl Facts {
    /// The `--json` line, without its end.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// The page for people.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base_url, operator_key, scim, tenant, saml, oidc, demo_idp, aws } = self;
        let table = &aws.table;
        writeln!(f, "Gatehouse runs at {base_url}. Ctrl-C stops it.\n")?;
        writeln!(f, "  Sign in: {base_url}/demo\n")?;
        for (name, value) in [
            ("SCIM base URL", &scim.base_url),
            ("SCIM token", &scim.token),
            ("Tenant", &format!("{} ({})", tenant.domain, tenant.id)),
            ("Operator key", operator_key),
            ("SAML metadata", &saml.metadata_url),
            ("OIDC client", &format!("{} (issuer {})", oidc.client_id, oidc.issuer)),
            ("OIDC secret", &oidc.client_secret),
            ("Demo IdP metadata", &demo_idp.metadata_url),
            ("DynamoDB", &format!("{} (table {table})", aws.dynamodb_endpoint)),
            ("Secrets Manager", &aws.secretsmanager_endpoint),
        ] {
            writeln!(f, "  {name:<19}{value}")?;
        }
        writeln!(f, "\nProvision a user, as an IdP does:\n")?;
        writeln!(f, "  curl -s {}/Users \\", scim.base_url)?;
        writeln!(f, "    -H 'Authorization: Bearer {}' \\", scim.token)?;
        writeln!(f, "    -H 'Content-Type: application/scim+json' \\")?;
        writeln!(f, "    -d '{EXAMPLE_USER}'")?;
        writeln!(f, "\nFind the user:\n")?;
        writeln!(f, "  curl -s -G {}/Users \\", scim.base_url)?;
        writeln!(f, "    -H 'Authorization: Bearer {}' \\", scim.token)?;
        writeln!(f, "    --data-urlencode 'filter=userName eq \"{EXAMPLE_NAME}\"'")?;
        writeln!(f, "\nAct as the operator:\n")?;
        writeln!(f, "  curl -s {base_url}/v1/tenants -H 'Authorization: Bearer {operator_key}'")?;
        writeln!(f, "\nLook into the table:\n")?;
        writeln!(f, "  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \\")?;
        writeln!(f, "  aws dynamodb scan --region us-east-1 \\")?;
        writeln!(f, "    --endpoint-url {} --table-name {table}", aws.dynamodb_endpoint)
    }
}

const EXAMPLE_NAME: &str = "ada@acme.com";

const EXAMPLE_USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@acme.com","name":{"givenName":"Ada","familyName":"Lovelace"}}"#;

#[cfg(test)]
mod tests {
    use super::{Aws, EXAMPLE_NAME, EXAMPLE_USER, Facts, Idp, Oidc, Saml, Scim, Tenant};

    fn facts() -> Facts {
        Facts {
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
    fn the_json_is_one_line_with_the_agreed_keys() {
        assert_eq!(
            facts().to_json().unwrap(),
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
    fn the_example_user_is_json_that_a_shell_can_quote() {
        let user: serde_json::Value = serde_json::from_str(EXAMPLE_USER).unwrap();
        assert_eq!(user["userName"], EXAMPLE_NAME);
        assert!(!EXAMPLE_USER.contains('\''));
    }
}
