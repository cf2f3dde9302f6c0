//! Identifiers as types, so that one kind cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an identifier")]
pub struct InvalidId;

/// A UUID in exactly the form that we print: 36 characters, lower case, hyphenated.
///
/// Every other spelling names nothing, so two spellings can never name one resource.
fn canonical_uuid(text: &str) -> Result<Uuid, InvalidId> {
    let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    let mut buffer = Uuid::encode_buffer();
    if uuid.hyphenated().encode_lower(&mut buffer) == text { Ok(uuid) } else { Err(InvalidId) }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the caller made.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                canonical_uuid(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One customer organisation. Version 7, so ids sort by creation time; never reused.
    TenantId
}

uuid_id! {
    /// A SCIM resource, User or Group. Version 4: list order is id order, and uniform prefixes
    /// let counters per prefix find any `startIndex`.
    ResourceId
}

uuid_id! {
    /// What a sign-in gave to an app. Version 4: it is known to those who hold its tokens.
    GrantId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_of_an_id_parses() {
        let id = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111";
        assert_eq!(id.parse::<ResourceId>().unwrap().to_string(), id);
        for odd in [
            "7C0E7A4E-3B1D-4A52-9D0E-3F1A0C9D1111",
            "{7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111}",
            "7c0e7a4e3b1d4a529d0e3f1a0c9d1111",
            "urn:uuid:7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111",
            "999",
            "",
            "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111 ",
        ] {
            assert_eq!(odd.parse::<ResourceId>(), Err(InvalidId), "{odd}");
        }
    }
}
