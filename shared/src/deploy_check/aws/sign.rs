//! AWS Signature Version 4, with the crate that the SDK uses.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{self, SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use jiff::Timestamp;

use super::{AwsError, unusable};
use crate::config::AwsConfig;

/// Signs a request with this body, and adds the signature to its headers.
pub(super) fn sign(
    request: &mut HttpRequest,
    config: &AwsConfig,
    service: &str,
    body: &str,
    now: Timestamp,
) -> Result<(), AwsError> {
    let AwsConfig { access_key_id, secret_access_key, session_token, region, .. } = config;
    let credentials = Credentials::new(
        access_key_id,
        secret_access_key,
        session_token.clone(),
        None,
        "environment",
    );
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(unusable)?
        .into();
    let headers = request.headers().iter();
    let body = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new("POST", request.uri(), headers, body).map_err(unusable)?;
    let signed = http_request::sign(signable, &parameters).map_err(unusable)?;
    let (instructions, _) = signed.into_parts();
    let (signature, _) = instructions.into_parts();
    for header in signature {
        request.headers_mut().insert(header.name(), header.value().to_owned());
    }
    Ok(())
}
