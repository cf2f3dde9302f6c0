//! The sessions of the demo app, in memory: pending sign-ins and signed-in users.
//!
//! Reads random bytes, but neither the clock nor the disk: a session has no end time. When there
//! are too many sessions, all are removed. `demo_app` reads and sets the cookie.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use shared::clock::random_bytes;

/// A sign-in that was started and not completed.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

impl Pending {
    /// The code challenge (RFC 7636 §4.2, method S256).
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

enum Session {
    Pending(Pending),
    SignedIn(Map<String, Value>),
}

/// All sessions, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Starts a session with a pending sign-in. `None` if no random bytes are available.
    pub(super) fn begin(&self) -> Option<(String, Pending)> {
        let pending =
            Pending { state: random_text()?, nonce: random_text()?, verifier: random_text()? };
        Some((self.insert(Session::Pending(pending.clone()))?, pending))
    }

    /// Removes and returns a pending sign-in.
    pub(super) fn take_pending(&self, id: &str) -> Option<Pending> {
        let mut sessions = self.lock();
        match sessions.remove(id)? {
            Session::Pending(pending) => Some(pending),
            signed_in @ Session::SignedIn(_) => {
                sessions.insert(id.to_owned(), signed_in);
                None
            }
        }
    }

    /// Starts a session of a signed-in user. It has a new cookie, against session fixation.
    pub(super) fn start(&self, claims: Map<String, Value>) -> Option<String> {
        self.insert(Session::SignedIn(claims))
    }

    /// Returns the claims of a signed-in user.
    pub(super) fn claims(&self, id: &str) -> Option<Map<String, Value>> {
        match self.lock().get(id)? {
            Session::SignedIn(claims) => Some(claims.clone()),
            Session::Pending(_) => None,
        }
    }

    pub(super) fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    fn insert(&self, session: Session) -> Option<String> {
        let id = random_text()?;
        let mut sessions = self.lock();
        // A script that only starts sign-ins must not fill the memory.
        if sessions.len() >= MAX_SESSIONS {
            sessions.clear();
        }
        sessions.insert(id.clone(), session);
        Some(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random_text() -> Option<String> {
    let bytes: [u8; 32] = random_bytes().ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

const MAX_SESSIONS: usize = 1000;
