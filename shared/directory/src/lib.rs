//! The directory core: users and groups as an app sees them, the events that report their changes,
//! the cursors of the feed of events, and the webhooks that push them.
//!
//! Pure: the store writes the events in the transaction of the change, and the directory API reads
//! users, groups and events.

pub mod changes;
pub mod cursor;
pub mod event;
pub mod filter;
pub mod view;
pub mod webhook;
