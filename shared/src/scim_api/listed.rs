//! A stored user or group, as an element of a list.

use crate::store::{StoredGroup, StoredUser, Versioned};
use types::ids::ResourceId;

/// A stored user or group.
#[derive(Clone, Debug)]
pub(super) enum ListedResource {
    User(StoredUser),
    Group(StoredGroup),
}

impl ListedResource {
    /// Returns its id.
    pub(super) const fn id(&self) -> ResourceId {
        self.versioned().id
    }

    /// Returns the length of its document in bytes.
    pub(super) const fn length(&self) -> usize {
        self.versioned().document.len()
    }

    const fn versioned(&self) -> &Versioned {
        match self {
            Self::User(user) => &user.resource,
            Self::Group(group) => &group.resource,
        }
    }
}
