//! The environment variables, read once at start.

use secrecy::SecretString;

/// Values of the environment variables. An empty variable counts as unset.
#[derive(Debug, Default)]
pub struct Environment {
    /// `GATEHOUSE_URL`: URL of the deployment.
    pub url: Option<String>,
    /// `GATEHOUSE_OPERATOR_KEY`: key of a deployment that does not check AWS signatures.
    pub operator_key: Option<SecretString>,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; present if the first
    /// two are set.
    pub aws: Option<AwsCredentials>,
    /// `AWS_REGION`, or else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
}

/// Credentials that sign a request.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// Id of the key; not a secret.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: SecretString,
    /// Present with temporary credentials.
    pub session_token: Option<SecretString>,
}

impl Environment {
    /// Reads the variables that the fields name.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
    pub fn read() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the same variables from any source.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| {
            lookup(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let secret = |name: &str| set(name).map(SecretString::from);
        let keys = set("AWS_ACCESS_KEY_ID").zip(secret("AWS_SECRET_ACCESS_KEY"));
        Self {
            url: set("GATEHOUSE_URL"),
            operator_key: secret("GATEHOUSE_OPERATOR_KEY"),
            aws: keys.map(|(access_key_id, secret_access_key)| AwsCredentials {
                access_key_id,
                secret_access_key,
                session_token: secret("AWS_SESSION_TOKEN"),
            }),
            region: set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")),
        }
    }
}
