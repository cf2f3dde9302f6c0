//! Who is signed in to the application, and who is on the way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use shared::clock::random_bytes;

/// A sign-in that was begun.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

impl Pending {
    /// RFC 7636 §4.2, method S256.
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

enum Session {
    Pending(Pending),
    SignedIn(Map<String, Value>),
}

/// All of them, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// A new session with a sign-in to come; none without randomness.
    pub(super) fn begin(&self) -> Option<(String, Pending)> {
        let pending = Pending { state: random()?, nonce: random()?, verifier: random()? };
        Some((self.put(Session::Pending(pending.clone()))?, pending))
    }

    /// What was begun; afterwards it is not there any more.
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

    /// A session under a new name, so that a name from before the sign-in is worth nothing.
    pub(super) fn signed_in(&self, claims: Map<String, Value>) -> Option<String> {
        self.put(Session::SignedIn(claims))
    }

    /// What is known about the person.
    pub(super) fn claims(&self, id: &str) -> Option<Map<String, Value>> {
        match self.lock().get(id)? {
            Session::SignedIn(claims) => Some(claims.clone()),
            Session::Pending(_) => None,
        }
    }

    pub(super) fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    fn put(&self, session: Session) -> Option<String> {
        let id = random()?;
        let mut sessions = self.lock();
        // Nobody needs as many; a script that only begins sign-ins must not fill the memory.
        if sessions.len() >= MOST {
            sessions.clear();
        }
        sessions.insert(id.clone(), session);
        Some(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random() -> Option<String> {
    let bytes: [u8; 32] = random_bytes().ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

const MOST: usize = 1000;
