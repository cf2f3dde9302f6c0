//! The size of answers. A page ends before it is too large for Lambda; one resource that is too large
//! is refused with the remedy.

pub(super) use crate::http::answer_size::{MAX_PAGE, length_in_response};
use scim::error::ScimError;

/// Checks that an answer is not larger than Lambda allows.
///
/// # Errors
///
/// [`ScimError::TooMany`] with the remedy.
pub(super) fn check_answer(json: &str) -> Result<(), ScimError> {
    if length_in_response(json) <= MAX_ANSWER { Ok(()) } else { Err(too_large()) }
}

/// Returns the error of a resource that does not fit in a response.
pub(super) fn too_large() -> ScimError {
    ScimError::TooMany(
        "the resource does not fit in one response; send excludedAttributes=members or \
         excludedAttributes=groups, or name the attributes to return"
            .to_owned(),
    )
}

/// Bytes of an answer that is one resource. The limit of Lambda is 6,291,556, headers included.
const MAX_ANSWER: usize = 6_200_000;
