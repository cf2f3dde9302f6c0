//! Gatehouse from the outside: one binary, so that it links once.

mod template;
mod tidy;
