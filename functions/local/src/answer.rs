//! What an AWS service answers, on whatever transport.

/// An HTTP status and a JSON body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON: the operation's output, or an error with `__type`.
    pub body: Vec<u8>,
}
