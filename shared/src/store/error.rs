//! What a call to the store can fail with. Not found is `Option` on reads.

use std::error::Error;
use std::fmt;

/// An attribute whose value only one resource of a tenant may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UniqueAttribute {
    /// `userName` of a User, compared folded (RFC 7643 §4.1.1).
    UserName,
    /// `displayName` of a Group, compared folded.
    DisplayName,
    /// The operator's own name for a tenant.
    TenantExternalId,
    /// A domain, which one tenant has.
    Domain,
}

impl UniqueAttribute {
    /// The attribute's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::DisplayName => "displayName",
            Self::TenantExternalId => "external_id",
            Self::Domain => "domain",
        }
    }
}

impl fmt::Display for UniqueAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another resource has this value.
    #[error("{0} is taken")]
    Conflict(UniqueAttribute),
    /// The row is no longer at the version that the caller read.
    #[error("the row has changed since it was read")]
    VersionMismatch,
    /// A member to add is no longer there.
    #[error("a member has been deleted since it was looked up")]
    MemberGone,
    /// Others kept changing the same rows until the attempts were used up. Nothing was written.
    #[error("too many concurrent changes of the same rows")]
    Contention,
    /// All seats are in use and the write insists on one.
    #[error("all {seats} seats are in use")]
    NoSeat {
        /// Size of the pool.
        seats: u64,
    },
    /// The row to change does not exist.
    #[error("no such row")]
    NotFound,
    /// The row would exceed what one DynamoDB item or transaction can hold.
    #[error("too large to store")]
    TooLarge,
    /// DynamoDB did not answer, or not with what its API promises.
    #[error("DynamoDB is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A row lacks an attribute that we always write, or holds another type.
    #[error("corrupt row: {0}")]
    Corrupt(&'static str),
}

impl StoreError {
    /// Wraps an SDK error that no retry and no condition explains.
    pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}
