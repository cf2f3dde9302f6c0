//! Starts Gatehouse on a laptop.
fn main() {}
