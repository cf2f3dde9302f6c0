//! The target location of an operation, and the change to make there.

use serde_json::Value;

use crate::error::ScimError;
use crate::filter::Filter;
use crate::mode::Mode;
use crate::patch_request::Op;
use crate::path::PatchPath;
use crate::quirks;
use crate::schema::{Attribute, DataType, Mutability};
use crate::target::Target;
use crate::value::{normalize_attribute, normalize_sub_attribute};

/// Target location of an operation within the resource or one of its extensions (RFC 7644 §3.5.2).
pub(super) struct TargetLocation<'a> {
    /// Name of the attribute, in the letter case of its schema.
    pub(super) name: &'a str,
    /// Definition of the attribute. `None` for an undeclared one.
    pub(super) attribute: Option<&'static Attribute>,
    /// Selects elements of the attribute.
    pub(super) filter: Option<&'a Filter>,
    /// Sub-attribute of the attribute or of each selected element.
    pub(super) sub: Option<SubAttribute<'a>>,
}

/// A sub-attribute, declared or not.
#[derive(Clone, Copy)]
pub(super) struct SubAttribute<'a> {
    pub(super) name: &'a str,
    pub(super) definition: Option<&'static Attribute>,
}

impl<'a> TargetLocation<'a> {
    /// Makes the location of a resolved path, whose attribute is `name`.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] if the path does not fit the schemas, [`ScimError::Mutability`]
    /// if it names a read-only attribute.
    pub(super) fn new(
        path: &'a PatchPath,
        target: &Target<'a>,
        name: &'a str,
        mode: Mode,
    ) -> Result<Self, ScimError> {
        if path.filter.is_some() && target.sub.is_some() {
            return Err(invalid_path(path, "has a filter on a sub-attribute"));
        }
        let attribute = target.attribute;
        let sub = path.sub.as_deref().or(target.sub).map(|name| {
            let definition = attribute.and_then(|attribute| attribute.sub_attribute(name));
            SubAttribute { name: definition.map_or(name, |declared| &declared.name), definition }
        });
        let is_simple = attribute.is_some_and(|attribute| attribute.data_type != DataType::Complex);
        if is_simple && (path.filter.is_some() || sub.is_some()) {
            return Err(invalid_path(path, "names a sub-attribute of a simple attribute"));
        }
        let is_declared =
            attribute.is_some() && sub.as_ref().is_none_or(|sub| sub.definition.is_some());
        if !is_declared && !quirks::keeps_unknown(mode) {
            return Err(invalid_path(path, "names an attribute that no schema declares"));
        }
        let read_only =
            |attribute: &'static Attribute| attribute.mutability == Mutability::ReadOnly;
        if attribute.is_some_and(read_only)
            || sub.and_then(|sub| sub.definition).is_some_and(read_only)
        {
            return Err(ScimError::Mutability(format!("{path} is read-only")));
        }
        let name = attribute.map_or(name, |attribute| &attribute.name);
        Ok(Self { name, attribute, filter: path.filter.as_ref(), sub })
    }

    /// Returns whether the target holds a list: by its definition or, if undeclared, by its value.
    pub(super) fn is_list(&self, current: Option<&Value>) -> bool {
        self.attribute.map_or(current.is_some_and(Value::is_array), |known| known.multi_valued)
    }
}

/// The change that an operation makes at its target location.
pub(super) struct Change {
    pub(super) op: Op,
    pub(super) value: Option<Value>,
    pub(super) mode: Mode,
}

impl Change {
    /// Returns the value in its declared form; `None` if it is unassigned.
    pub(super) fn normalized_value(
        &self,
        target: &TargetLocation<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let value = self.value.clone().unwrap_or_default();
        match (target.attribute, target.sub) {
            (_, Some(SubAttribute { definition: None, .. })) | (None, None) => {
                Ok((!quirks::is_unassigned(&value)).then_some(value))
            }
            (_, Some(SubAttribute { definition: Some(definition), .. })) => {
                normalize_sub_attribute(target.name, definition, value, self.mode)
            }
            (Some(attribute), None) => normalize_attribute(attribute, value, self.mode),
        }
    }
}

fn invalid_path(path: &PatchPath, detail: &str) -> ScimError {
    ScimError::InvalidPath(format!("{path} {detail}"))
}
