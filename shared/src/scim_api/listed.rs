//! A stored user or group, as an element of a list.

use crate::store::{StoredGroup, StoredUser};
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
        match self {
            Self::User(user) => user.resource.id,
            Self::Group(group) => group.resource.id,
        }
    }
}
