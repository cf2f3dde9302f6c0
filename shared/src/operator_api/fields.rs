//! Fields of requests: how a PATCH distinguishes absent from null, and which names and domains are
//! valid.

use serde::{Deserialize, Deserializer};

use super::error::OperatorApiError;
use types::domain::Domain;

/// A field of a PATCH that may be cleared.
#[derive(Debug, Default)]
pub(super) enum PatchField<T> {
    /// Absent: the value stays.
    #[default]
    Keep,
    /// `null`: the value is removed.
    Clear,
    /// A new value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PatchField<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(value)?.map_or(Self::Clear, Self::Set))
    }
}

/// Deserializes a field of a PATCH that may be absent but not null.
pub(super) fn deserialize_present<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(value).map(Some)
}

/// Trims a name or an external id.
///
/// # Errors
///
/// [`OperatorApiError::Invalid`] if it is blank, longer than [`MAX_NAME`], or contains a control
/// character.
pub(super) fn validate_name(field: &str, value: &str) -> Result<String, OperatorApiError> {
    let trimmed = value.trim();
    let is_long = value.chars().count() > MAX_NAME;
    if trimmed.is_empty() || is_long || value.chars().any(char::is_control) {
        let rule =
            format!("{field} must have 1 to {MAX_NAME} characters and no control characters");
        return Err(OperatorApiError::Invalid(rule));
    }
    Ok(trimmed.to_owned())
}

/// Parses the domain that a request creates something for.
///
/// # Errors
///
/// [`OperatorApiError::Invalid`] if it is not a DNS name.
pub(super) fn parse_domain(text: &str) -> Result<Domain, OperatorApiError> {
    text.parse().map_err(|error| OperatorApiError::Invalid(format!("{text:?}: {error}")))
}

/// Characters of a name or an external id, as `maxLength` in the `OpenAPI` document counts them.
const MAX_NAME: usize = 200;
