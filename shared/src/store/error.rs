//! Errors of the store. A row that is not found is `None` on reads.

use std::error::Error;
use std::fmt;

use super::keys::{Key, row_kind};
use crate::aws::call_error::CallError;

/// An attribute whose value only one resource of a tenant, or one tenant, may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UniqueAttribute {
    /// `userName` of a User, compared folded (RFC 7643 §4.1.1).
    UserName,
    /// `displayName` of a Group, compared folded.
    DisplayName,
    /// The operator's own name for a tenant.
    TenantExternalId,
    /// A domain, which belongs to one tenant.
    Domain,
}

impl UniqueAttribute {
    /// Returns the attribute's name on the wire.
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

/// Error of a call to the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another resource has this value.
    #[error("{0} is taken")]
    Conflict(UniqueAttribute),
    /// The row is no longer at the version that the caller read.
    #[error("the row has changed since it was read")]
    VersionMismatch,
    /// A member to add no longer exists.
    #[error("a member has been deleted since it was looked up")]
    MemberGone,
    /// Concurrent writers kept changing the same rows until the attempts were used up. Nothing was
    /// written.
    #[error("too many concurrent changes of the same rows")]
    Contention,
    /// All seats are in use and the write requires one.
    #[error("all {seats} seats are in use")]
    NoSeat {
        /// Size of the pool.
        seats: u64,
    },
    /// The row to change does not exist.
    #[error("no such row")]
    NotFound,
    /// The row exceeds what one DynamoDB item or transaction can hold.
    #[error("too large to store")]
    TooLarge,
    /// DynamoDB did not answer, or refused the call.
    #[error("could not {operation}")]
    Unavailable {
        /// The operation that failed.
        operation: Operation,
        /// Usually a [`CallError`].
        source: Box<dyn Error + Send + Sync>,
    },
    /// A row lacks an attribute that every version writes, or holds another type. The value is left
    /// out, since it may be personal.
    #[error("could not read the {row}: its attribute `{attribute}` is missing or malformed")]
    Corrupt {
        /// The kind of row: "membership of a group".
        row: &'static str,
        /// Name of the attribute in the table.
        attribute: &'static str,
    },
    /// The operating system gave no random numbers.
    #[error("could not draw a random number")]
    Random(#[source] getrandom::Error),
}

impl StoreError {
    /// Wraps an error that no retry and no condition explains.
    pub(super) fn unavailable(
        operation: Operation,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { operation, source: source.into() }
    }

    /// Wraps the error of a call, for `map_err`. Nothing is computed for a call that succeeds.
    pub(super) fn failed_call<E: Into<CallError>>(
        operation: impl FnOnce() -> Operation,
    ) -> impl FnOnce(E) -> Self {
        move |error| Self::unavailable(operation(), error.into())
    }
}

/// An operation of the store, for messages: "read the membership of a group".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Operation {
    verb: &'static str,
    rows: &'static str,
}

impl Operation {
    /// Returns an operation that is not on the row of a key, such as the creation of the table.
    pub(super) const fn new(verb: &'static str, rows: &'static str) -> Self {
        Self { verb, rows }
    }

    pub(super) fn read(key: &Key) -> Self {
        Self { verb: "read", rows: row_kind(&key.pk, &key.sk).one }
    }

    /// Returns the operation of reading several rows of the kind that `key` has.
    pub(super) fn read_many(key: &Key) -> Self {
        Self { verb: "read", rows: row_kind(&key.pk, &key.sk).many }
    }

    pub(super) fn list(pk: &str) -> Self {
        Self { verb: "list", rows: row_kind(pk, "").many }
    }

    pub(super) fn write(key: &Key) -> Self {
        Self { verb: "write", rows: row_kind(&key.pk, &key.sk).one }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} the {}", self.verb, self.rows)
    }
}
