//! Integration tests, one binary.

mod fuzz;
