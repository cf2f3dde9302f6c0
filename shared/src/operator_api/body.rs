//! Fields of JSON bodies.

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};

pub(super) use crate::http::json::{Created, Json};

/// A variant of an enum, by its name. Serde alone would accept `{"name": null}` too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VariantName<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for VariantName<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        T::deserialize(String::deserialize(value)?.into_deserializer()).map(Self)
    }
}
