//! The folded texts of one resource.

use std::collections::HashMap;

use crate::fold::fold;
use crate::work::Meter;

/// Folds each text of a resource once, however many terms compare it.
#[derive(Debug)]
pub(super) struct Folds<'m> {
    meter: &'m Meter,
    /// Folded form by the address of the text, which is unique while the resource is borrowed.
    /// `None` is a text that equals its folded form.
    texts: HashMap<*const str, Option<String>>,
}

impl<'m> Folds<'m> {
    pub(super) fn new(meter: &'m Meter) -> Self {
        Self { meter, texts: HashMap::new() }
    }

    /// Charges the comparison of a text of this many bytes, or of this many names.
    pub(super) fn charge(&self, length: usize) {
        self.meter.charge(COMPARISON + length);
    }

    /// Returns the folded form of a text of the resource.
    pub(super) fn fold<'a>(&'a mut self, text: &'a str) -> &'a str {
        let meter = self.meter;
        let folded = self.texts.entry(std::ptr::from_ref(text)).or_insert_with(|| {
            let is_folded = text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase());
            let folded = (!is_folded).then(|| fold(text));
            meter.charge(fold_cost(text, folded.as_deref().unwrap_or(text)));
            folded
        });
        folded.as_deref().unwrap_or(text)
    }
}

/// Returns the units of [`Meter`] for having folded a text. One character can fold to eighteen.
pub(crate) fn fold_cost(text: &str, folded: &str) -> usize {
    if text.is_ascii() {
        return text.len() * ASCII_BYTE;
    }
    text.len().max(folded.len()) * OTHER_BYTE
}

/// Units of [`Meter`] to compare a text, besides one for each byte.
const COMPARISON: usize = 50;

/// Units of [`Meter`] to fold one byte. Only texts beyond ASCII are normalised.
const ASCII_BYTE: usize = 1;
const OTHER_BYTE: usize = 110;
