//! The size of answers. Lambda refuses an answer of more than 6 MB, and API Gateway then answers 502.

/// Returns the bytes that Lambda counts for a JSON text. It becomes a string within the JSON of the
/// function's response, in which each quotation mark and backslash takes two bytes.
pub(crate) fn length_in_response(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// Bytes of the resources of a page, as [`length_in_response`] counts them. A page ends before the
/// resource that would exceed it.
pub(crate) const MAX_PAGE: usize = 5 * 1024 * 1024;
