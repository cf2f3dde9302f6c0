//! The form that an identity provider's page posts (SAML bindings §3.5.4).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use crate::saml::error::{FormFault, SamlError};

/// The fields of a form, each at most once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body, up to a limit.
    pub(super) async fn read(request: Request) -> Result<Self, SamlError> {
        let is_form = is_form(request.headers());
        let bytes = body(request.into_body()).await?;
        if !is_form {
            return Err(SamlError::Form(FormFault::Field));
        }
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().take(MOST_FIELDS).collect()))
    }

    /// A field that is there once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

async fn body(mut body: Body) -> Result<Vec<u8>, SamlError> {
    let mut bytes = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(SamlError::Form(FormFault::Field)) };
        let Some(chunk) = frame.data_ref() else { continue };
        seen = seen.saturating_add(chunk.len());
        if seen <= MAX_BODY {
            bytes.extend_from_slice(chunk);
        } else if seen > MAX_DRAIN {
            break;
        }
    }
    if seen > MAX_BODY {
        return Err(SamlError::Form(FormFault::TooLarge(seen)));
    }
    Ok(bytes)
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The largest response in base64, percent-encoded.
const MAX_BODY: usize = 1_048_576;

/// How much of a body that is too large is read off the connection, so that its sender sees the
/// answer.
const MAX_DRAIN: usize = 16 * MAX_BODY;

/// More than any provider sends.
const MOST_FIELDS: usize = 16;
