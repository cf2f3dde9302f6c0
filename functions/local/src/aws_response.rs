//! The response of an embedded AWS service, independent of the transport.

/// An HTTP status and a JSON body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AwsResponse {
    /// HTTP status.
    pub status: u16,
    /// JSON: the output of the operation, or an error with `__type`.
    pub body: Vec<u8>,
}
