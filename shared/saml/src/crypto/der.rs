//! The constructed DER values that certificates and keys are made of (X.690 §8.9 and §8.11).

use der::asn1::AnyRef;
use der::{SliceReader, Tag};

/// Returns a reader over the contents of a SEQUENCE. The caller may stop before the end.
pub(super) fn sequence(any: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    contents(any, Tag::Sequence)
}

/// Returns a reader over the contents of a SET.
pub(super) fn set(any: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    contents(any, Tag::Set)
}

fn contents(any: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    any.header().tag().assert_eq(tag)?;
    SliceReader::new(any.value())
}
