//! The real binary, over TCP, against the real routers.

mod access;
mod connections;
mod deployment;
mod doctor;
mod documents;
mod export;
mod sign_ins;
mod tenants;
