//! How the caller shows who it is.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use crate::environment::Environment;
use crate::error::Error;
use crate::sign::{EXECUTE_API, Signer};
use crate::target::Target;

/// What goes with every request.
#[derive(Debug)]
pub(crate) enum Auth {
    /// `Authorization: Bearer`.
    Key {
        key: SecretString,
        /// Where it comes from, in words.
        source: &'static str,
    },
    /// AWS Signature Version 4.
    Signature(Signer),
}

impl Auth {
    /// The operator key if there is one; on this machine also the one that `make run` left in
    /// `.gatehouse`, here or further up; else a signature.
    pub(crate) fn choose(
        environment: &Environment,
        target: &Target,
        region: Option<&str>,
        here: &Path,
    ) -> Result<Self, Error> {
        if let Some(key) = &environment.operator_key {
            return Ok(Self::Key { key: key.clone(), source: "the key in GATEHOUSE_OPERATOR_KEY" });
        }
        if target.is_this_machine()
            && let Some(key) = left_by_local(here)
        {
            return Ok(Self::Key { key, source: "the key in .gatehouse/operator-key" });
        }
        let missing = if target.is_this_machine() { NO_KEY } else { NO_AWS_CREDENTIALS };
        let credentials = environment.aws.clone().ok_or(Error::NoCredentials(missing))?;
        let region = region.or(target.region()).or(environment.region.as_deref());
        let region = region.ok_or(Error::NoCredentials(NO_REGION))?.to_owned();
        Ok(Self::Signature(Signer { credentials, region, service: EXECUTE_API }))
    }

    /// What was used, for somebody whom it did not let in.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Key { source, .. } => (*source).to_owned(),
            Self::Signature(signer) => format!(
                "the signature of {} for {} in {}",
                signer.credentials.access_key_id, signer.service, signer.region
            ),
        }
    }
}

/// The operator key of a `make run` whose data is in this folder or one above it.
fn left_by_local(here: &Path) -> Option<SecretString> {
    let files = here.ancestors().map(|folder| folder.join(".gatehouse/operator-key"));
    let text = files.into_iter().find_map(|file| fs::read_to_string(file).ok())?;
    Some(SecretString::from(text.trim()))
}

const NO_KEY: &str = "no operator key: run this where `make run` keeps its data (.gatehouse), \
    or put the key that it prints into GATEHOUSE_OPERATOR_KEY";

const NO_AWS_CREDENTIALS: &str = "no credentials: put those of the AWS CLI into this shell with \
    eval \"$(aws configure export-credentials --format env)\", \
    or set GATEHOUSE_OPERATOR_KEY if the deployment takes a key";

const NO_REGION: &str =
    "the URL does not say in which region it is: add --region, or set AWS_REGION";

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], url: &str) -> Result<String, String> {
        let environment = Environment::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let target = Target::parse(url).unwrap();
        Auth::choose(&environment, &target, None, Path::new("/nowhere"))
            .map(|auth| auth.described())
            .map_err(|error| error.to_string())
    }

    const AWS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];

    #[test]
    fn a_key_goes_before_a_signature() {
        let key = ("GATEHOUSE_OPERATOR_KEY", "k");
        let both = [AWS[0], AWS[1], key];
        let url = "https://a.execute-api.eu-west-1.amazonaws.com";
        assert_eq!(chosen(&both, url).unwrap(), "the key in GATEHOUSE_OPERATOR_KEY");
        let signature = "the signature of AKID for execute-api in eu-west-1";
        assert_eq!(chosen(&AWS, url).unwrap(), signature);
    }

    #[test]
    fn what_is_missing_is_said_with_the_way_to_get_it() {
        let part = |variables: &[_], url, part| {
            let error = chosen(variables, url).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        part(&[], "http://127.0.0.1:7400", "make run");
        part(&[], "https://id.example.com", "export-credentials");
        part(&AWS, "https://id.example.com", "--region");
    }
}
