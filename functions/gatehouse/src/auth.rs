//! Chooses the credentials of the caller: an operator key, or an AWS signature.
//!
//! Reads one file at most, the operator key that `make run` writes. Environment variables are read
//! in `environment`; the signature is computed in `sign`.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use crate::environment::Environment;
use crate::error::Error;
use crate::sign::{EXECUTE_API, Signer};
use crate::target::Target;

/// Credentials that are sent with every request.
#[derive(Debug)]
pub(crate) enum Auth {
    /// `Authorization: Bearer`.
    Key {
        key: SecretString,
        /// The variable or file that holds the key, for error messages.
        source: &'static str,
    },
    /// AWS Signature Version 4.
    Signature(Signer),
}

impl Auth {
    /// Chooses the first of these that exists:
    ///
    /// 1. `GATEHOUSE_OPERATOR_KEY`,
    /// 2. for a target on this machine, the key that `make run` wrote to `.gatehouse` in
    ///    `directory` or above it,
    /// 3. a signature with the AWS credentials of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredentials`] if there is none, or if the region of the signature is unknown.
    pub(crate) fn choose(
        environment: &Environment,
        target: &Target,
        region: Option<&str>,
        directory: &Path,
    ) -> Result<Self, Error> {
        if let Some(key) = &environment.operator_key {
            return Ok(Self::Key { key: key.clone(), source: "the key in GATEHOUSE_OPERATOR_KEY" });
        }
        if target.is_loopback()
            && let Some(key) = read_local_key(directory)
        {
            return Ok(Self::Key { key, source: "the key in .gatehouse/operator-key" });
        }
        let missing = if target.is_loopback() { NO_KEY } else { NO_AWS_CREDENTIALS };
        let credentials = environment.aws.clone().ok_or(Error::NoCredentials(missing))?;
        let region = region.or(target.region()).or(environment.region.as_deref());
        let region = region.ok_or(Error::NoCredentials(NO_REGION))?.to_owned();
        Ok(Self::Signature(Signer { credentials, region, service: EXECUTE_API }))
    }

    /// Names the credentials without revealing them, for error messages.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Key { source, .. } => (*source).to_owned(),
            Self::Signature(signer) => format!(
                "the signature of {} for {} in {}",
                signer.credentials.access_key_id, signer.service, signer.region
            ),
        }
    }
}

/// Reads the operator key of a `make run` that keeps its data in `directory` or above it.
fn read_local_key(directory: &Path) -> Option<SecretString> {
    let files = directory.ancestors().map(|folder| folder.join(".gatehouse/operator-key"));
    let text = files.into_iter().find_map(|file| fs::read_to_string(file).ok())?;
    Some(SecretString::from(text.trim()))
}

const NO_KEY: &str = "no operator key: run this command in the folder where `make run` was \
    started (it holds .gatehouse), or set GATEHOUSE_OPERATOR_KEY to the key that it printed";

const NO_AWS_CREDENTIALS: &str = "no credentials: export those of the AWS CLI with \
    eval \"$(aws configure export-credentials --format env)\", \
    or set GATEHOUSE_OPERATOR_KEY if the deployment uses a key";

const NO_REGION: &str = "the AWS region is unknown, because the URL does not contain it: add --region, or set AWS_REGION";

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(variables: &[(&str, &str)], url: &str) -> Result<String, String> {
        let environment = Environment::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let target = Target::parse(url).unwrap();
        Auth::choose(&environment, &target, None, Path::new("/nowhere"))
            .map(|auth| auth.description())
            .map_err(|error| error.to_string())
    }

    const AWS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];

    #[test]
    fn an_operator_key_takes_precedence_over_a_signature() {
        let key = ("GATEHOUSE_OPERATOR_KEY", "k");
        let both = [AWS[0], AWS[1], key];
        let url = "https://a.execute-api.eu-west-1.amazonaws.com";
        assert_eq!(choose(&both, url).unwrap(), "the key in GATEHOUSE_OPERATOR_KEY");
        let signature = "the signature of AKID for execute-api in eu-west-1";
        assert_eq!(choose(&AWS, url).unwrap(), signature);
    }

    #[test]
    fn an_error_about_missing_credentials_says_how_to_set_them() {
        let part = |variables: &[_], url, part| {
            let error = choose(variables, url).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        part(&[], "http://127.0.0.1:7400", "make run");
        part(&[], "https://id.example.com", "export-credentials");
        part(&AWS, "https://id.example.com", "--region");
    }
}
