//! AWS Signature Version 4, which API Gateway checks before the operator API receives a request.
//!
//! Pure: the time is an argument. `deploy_check` in `shared` signs with the same crate,
//! `aws-sigv4`. The few lines that call it are written twice, so that this tool does not depend on
//! `shared`.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::environment::AwsCredentials;

/// Signs requests for one region.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) credentials: AwsCredentials,
    pub(crate) region: String,
    /// Name of the AWS service: [`EXECUTE_API`].
    pub(crate) service: &'static str,
}

/// The service name of every API behind API Gateway.
pub(crate) const EXECUTE_API: &str = "execute-api";

/// A request cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign the request: {0}")]
pub(crate) struct SignError(String);

impl Signer {
    /// Returns the headers to add to a request. The signature covers `headers` and `Host`.
    pub(crate) fn headers(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(String, String)>, SignError> {
        let failed = |error: &dyn std::fmt::Display| SignError(error.to_string());
        let AwsCredentials { access_key_id, secret_access_key, session_token } = &self.credentials;
        let identity = Credentials::new(
            access_key_id,
            secret_access_key.expose_secret(),
            session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "environment",
        )
        .into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(now.into())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let body = SignableBody::Bytes(body);
        let request = SignableRequest::new(method, url, headers.iter().copied(), body)
            .map_err(|error| failed(&error))?;
        let (instructions, _) =
            sign(request, &params).map_err(|error| failed(&error))?.into_parts();
        let headers = instructions.headers();
        Ok(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases `get-vanilla` and `post-x-www-form-urlencoded` of the suite that AWS published.
    #[test]
    fn signatures_match_the_suite_of_aws() {
        let signer = Signer {
            credentials: AwsCredentials {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: None,
            },
            region: "us-east-1".to_owned(),
            service: "service",
        };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let url = "https://example.amazonaws.com/";
        let form = [("content-type", "application/x-www-form-urlencoded")];
        for (method, headers, body, signed, signature) in [
            (
                "GET",
                &[][..],
                &b""[..],
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                &form[..],
                &b"Param1=value1"[..],
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            let headers = signer.headers(method, url, headers, body, now).unwrap();
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={signed}, Signature={signature}"
            );
            let authorization = headers.iter().find(|(name, _)| name == "authorization").unwrap();
            assert_eq!(authorization.1, expected);
        }
    }
}
