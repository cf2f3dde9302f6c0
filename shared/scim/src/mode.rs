//! How tolerant a tenant is of what its provisioning clients send.

/// A tenant's tolerance. [`crate::quirks`] lists what it decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Accepts what provisioning clients send in practice, beyond the RFCs and our schemas.
    #[default]
    Lenient,
    /// Accepts what the RFCs and our schemas allow.
    Strict,
}
