//! The size of answers.
//!
//! Lambda refuses an answer of more than 6 MB, and API Gateway then answers 502. A page ends before
//! that; one resource that is too large is refused with the remedy.

use scim::error::ScimError;

/// Returns the bytes that Lambda counts for a JSON text. It becomes a string within the JSON of the
/// function's response, in which each quotation mark and backslash takes two bytes.
pub(super) fn length_in_response(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

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

/// Bytes of the resources of a page, as [`length_in_response`] counts them. A page ends before the
/// resource that would exceed it.
pub(super) const MAX_PAGE: usize = 5 * 1024 * 1024;

/// Bytes of an answer that is one resource. The limit of Lambda is 6,291,556, headers included.
const MAX_ANSWER: usize = 6_200_000;
