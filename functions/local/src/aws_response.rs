//! The response of an embedded AWS service, independent of the transport.
//!
//! Only data. `dynamodb` and `secrets_manager` create it; their clients and `aws_endpoints` turn it
//! into a response of the SDK or of HTTP.

/// An HTTP status and a JSON body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AwsResponse {
    /// HTTP status.
    pub status: u16,
    /// JSON: the output of the operation, or an error with `__type`.
    pub body: Vec<u8>,
}
