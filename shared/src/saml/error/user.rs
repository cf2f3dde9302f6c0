//! What is wrong with the user.

/// Why a user may not sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserFault {
    /// Nobody by that identity, and sign-in does not create users.
    #[error("does not exist, and sign-in does not create users here")]
    Unknown,
    /// Deactivated through SCIM or by an administrator.
    #[error("is deactivated")]
    Deactivated,
    /// Known at this provider by another identifier: an address was given to somebody else.
    #[error("is already linked to another identity of this identity provider")]
    Linked,
}
