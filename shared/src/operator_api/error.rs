//! Errors of the operator API, and their responses: RFC 9457 problem details.
//!
//! An error of a part that the API depends on keeps its source. It is logged once, when
//! [`OperatorApiError::into_problem`] turns it into the answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::aws::https::TlsError;
use crate::error_chain::ErrorChain;
use crate::http::problem::Problem;
use crate::secrets::SecretsError;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::secrets::saml_keys::SamlKeysError;
use crate::secrets::scim_tokens::ScimTokensError;
use crate::secrets::webhook_secrets::WebhookSecretsError;
use crate::sign_in::SignInError;
use crate::sign_in::claims::ClaimError;
use crate::sign_in::domains::DomainError;
use crate::store::StoreError;

/// Error of a request to the operator API.
#[derive(Debug, thiserror::Error)]
pub(super) enum OperatorApiError {
    /// The body, the path, a parameter or a cursor is not valid for the operation.
    #[error("{0}")]
    Invalid(String),
    /// The caller is not the operator.
    #[error("the operator key is missing or wrong")]
    Unauthorized,
    /// The named thing does not exist.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The path exists, but not with this method.
    #[error("the method is not allowed")]
    MethodNotAllowed,
    /// The thing exists already, a limit is reached, or the state does not allow the operation.
    #[error("{0}")]
    Conflict(String),
    /// A call of the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The SCIM tokens of a tenant cannot be read or changed.
    #[error(transparent)]
    ScimTokens(#[from] ScimTokensError),
    /// The OpenID Connect signing keys cannot be read or rotated.
    #[error(transparent)]
    OidcKeys(#[from] OidcKeysError),
    /// The SAML keys cannot be read, created or rotated.
    #[error(transparent)]
    SamlKeys(#[from] SamlKeysError),
    /// A response could not be explained.
    #[error("could not explain a response")]
    Explain(#[from] SignInError),
    /// A domain cannot be claimed, checked or given up.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The secrets of a webhook cannot be read or changed.
    #[error(transparent)]
    WebhookSecrets(#[from] WebhookSecretsError),
    /// The client of a webhook cannot be made.
    #[error("could not make a client")]
    Tls(#[source] TlsError),
    /// The operator key cannot be read.
    #[error("could not read the operator key")]
    OperatorKey(#[source] SecretsError),
    /// The operating system provided no random bytes.
    #[error("could not generate an id or a secret")]
    Random(#[source] getrandom::Error),
}

impl OperatorApiError {
    /// Returns the answer, and logs a failure of the service.
    ///
    /// Called once for each error: for the response, or for its part of a refresh round.
    pub(super) fn into_problem(self) -> Problem {
        let problem = self.problem();
        if problem == Problem::unavailable() {
            tracing::error!("{}", ErrorChain(&self));
        }
        problem
    }

    fn problem(&self) -> Problem {
        let detail = || self.to_string();
        match self {
            Self::Invalid(_) => Problem::invalid(detail()),
            Self::Unauthorized => Problem::unauthorized(detail()),
            Self::NotFound(thing) => Problem::not_found(thing),
            Self::MethodNotAllowed => Problem::method_not_allowed(),
            Self::Conflict(_) => Problem::conflict(detail()),
            Self::Store(error) => problem_of_store(error),
            Self::ScimTokens(error) => problem_of_tokens(error),
            Self::OidcKeys(error) => problem_of_oidc_keys(error),
            Self::SamlKeys(error) => problem_of_saml_keys(error),
            Self::Explain(error) => problem_of_explain(error),
            Self::Claim(error) => problem_of_claim(error),
            Self::WebhookSecrets(error) => problem_of_webhook_secrets(error),
            Self::OperatorKey(_) | Self::Random(_) | Self::Tls(_) => Problem::unavailable(),
        }
    }
}

fn problem_of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Conflict(attribute) => Problem::conflict(format!("{attribute} is taken")),
        StoreError::VersionMismatch | StoreError::MemberGone | StoreError::Contention => {
            Problem::conflict(CONTENTION.to_owned())
        }
        StoreError::NotFound => Problem::not_found("row"),
        StoreError::TooLarge => Problem::invalid("the value is too large to store".to_owned()),
        StoreError::NoSeat { .. }
        | StoreError::Unavailable { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Random(_) => Problem::unavailable(),
    }
}

/// A response that would be refused is no error of `explain`: what is left is a failure of ours.
fn problem_of_explain(error: &SignInError) -> Problem {
    if let SignInError::Store(error) = error {
        return problem_of_store(error);
    }
    if let SignInError::SamlKeys(error) = error {
        return problem_of_saml_keys(error);
    }
    Problem::unavailable()
}

fn problem_of_claim(error: &ClaimError) -> Problem {
    match error {
        ClaimError::Rule(rule @ (DomainError::PublicSuffix | DomainError::FreeMail)) => {
            Problem::invalid(rule.to_string())
        }
        ClaimError::Rule(rule @ (DomainError::Held | DomainError::HeldByRecord)) => {
            Problem::conflict(rule.to_string())
        }
        ClaimError::TooMany | ClaimError::TooManyConnections => {
            Problem::conflict(error.to_string())
        }
        ClaimError::Dns(_) => {
            let detail = "DNS did not answer and nothing was changed; try again in a few minutes";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_dns", detail.to_owned())
        }
        ClaimError::Store(error) => problem_of_store(error),
        ClaimError::Random(_) => Problem::unavailable(),
    }
}

fn problem_of_tokens(error: &ScimTokensError) -> Problem {
    match error {
        ScimTokensError::TwoLive => Problem::conflict(error.to_string()),
        ScimTokensError::NoTenant => Problem::not_found("tenant"),
        ScimTokensError::Contention => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "contention", CONTENTION.to_owned())
        }
        ScimTokensError::Store(_)
        | ScimTokensError::Secrets(_)
        | ScimTokensError::Random(_)
        | ScimTokensError::Corrupt(_)
        | ScimTokensError::Serialize(_) => Problem::unavailable(),
    }
}

fn problem_of_webhook_secrets(error: &WebhookSecretsError) -> Problem {
    match error {
        WebhookSecretsError::TwoLive(_) | WebhookSecretsError::Missing(_) => {
            Problem::conflict(error.to_string())
        }
        WebhookSecretsError::Store(error) => problem_of_store(error),
        WebhookSecretsError::Secrets(_)
        | WebhookSecretsError::Random(_)
        | WebhookSecretsError::Corrupt(_)
        | WebhookSecretsError::Serialize(_) => Problem::unavailable(),
    }
}

fn problem_of_oidc_keys(error: &OidcKeysError) -> Problem {
    match error {
        OidcKeysError::TooSoon => Problem::conflict(error.to_string()),
        OidcKeysError::Secrets(_) | OidcKeysError::Corrupt(_) | OidcKeysError::Unusable => {
            Problem::unavailable()
        }
    }
}

fn problem_of_saml_keys(error: &SamlKeysError) -> Problem {
    match error {
        SamlKeysError::TooEarly(_) => Problem::conflict(error.to_string()),
        SamlKeysError::Missing => Problem::not_found("SAML keys"),
        SamlKeysError::Corrupt(_) | SamlKeysError::Generate | SamlKeysError::Secrets(_) => {
            Problem::unavailable()
        }
    }
}

impl IntoResponse for OperatorApiError {
    fn into_response(self) -> Response {
        self.into_problem().into_response()
    }
}

const CONTENTION: &str = "other requests are changing it at the same time; send the request again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_failure_of_the_service_does_not_contain_its_cause() {
        let cause = getrandom::Error::UNSUPPORTED;
        let error = OperatorApiError::Random(cause);
        let log = ErrorChain(&error).to_string();
        assert_eq!(log, format!("could not generate an id or a secret: {cause}"));
        assert_eq!(error.into_problem(), Problem::unavailable());
    }
}
