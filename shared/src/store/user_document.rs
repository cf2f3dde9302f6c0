//! Which row, keys, licence and seat a user gets from its SCIM attributes.
//!
//! Pure: the writes are in `user_writes`. SCIM requests and sign-ins that create a user
//! both come through here, so that the same attributes always store the same user.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::users::{SeatRequest, StoredUser, UserKeys, UserWrite};
use directory::event::Origin;
use scim::fold::fold;
use scim::licence::{self, Licence};
use scim::resource;

impl UserKeys {
    /// Reads the values that a user is found by.
    pub fn of(resource: &Map<String, Value>) -> Self {
        Self {
            user_name: resource::user_name(resource).map(fold).unwrap_or_default(),
            external_id: resource::external_id(resource).map(str::to_owned),
            emails: resource::emails(resource),
        }
    }
}

impl UserWrite {
    /// Decides what to store of a user with the attributes `resource`, which SCIM has written.
    /// `before` is the stored user with its attributes, or `None` for a new one.
    pub fn of(
        now: Timestamp,
        origin: Origin,
        before: Option<(&StoredUser, &Map<String, Value>)>,
        mut resource: Map<String, Value>,
    ) -> Self {
        let keys = UserKeys::of(&resource);
        // A request that clears `active` keeps the stored value: clearing must not reactivate a
        // user.
        let active = resource::active(&resource)
            .unwrap_or_else(|| before.is_none_or(|(user, _)| user.active));
        let requested = licence::requested(before.map(|(_, document)| document), &resource);
        let mut document_with = |licence| {
            licence::write_granted(&mut resource, licence);
            Value::Object(resource.clone()).to_string()
        };
        let view_only = document_with(Licence::ViewOnly);
        let was_full = before.map(|(user, _)| user.licence == Licence::Full);
        let (licence, seat) = match (requested, was_full) {
            (Some(Licence::ViewOnly), _) | (None, Some(false)) => {
                (Licence::ViewOnly, SeatRequest::None)
            }
            // The client asks for a licence that the user did not have.
            (Some(Licence::Full), None | Some(false)) => (Licence::Full, SeatRequest::Required),
            // The user keeps its licence, but a reactivated user may find the pool full.
            (Some(Licence::Full) | None, Some(true)) => {
                (Licence::Full, SeatRequest::IfFree { view_only: view_only.clone() })
            }
            (None, None) => (Licence::Full, SeatRequest::OnJoin { view_only: view_only.clone() }),
        };
        let document = match licence {
            Licence::Full => document_with(Licence::Full),
            Licence::ViewOnly => view_only,
        };
        Self {
            last_modified: now,
            origin,
            active,
            keys,
            licence,
            document,
            seat,
            sign_in_groups: None,
        }
    }

    /// The same for attributes that a sign-in has written, with the groups that it names.
    pub fn of_sign_in(
        now: Timestamp,
        origin: Origin,
        before: Option<(&StoredUser, &Map<String, Value>)>,
        resource: Map<String, Value>,
        groups: Vec<String>,
    ) -> Self {
        Self { sign_in_groups: Some(groups), ..Self::of(now, origin, before, resource) }
    }
}
