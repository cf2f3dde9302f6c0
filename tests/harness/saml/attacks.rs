//! Documents that must be refused, each with the one check that must refuse it.
