//! The data directory of `local`, used by one process at a time.
//!
//! Creates and locks the directory, and does nothing else. `server` locks it at the start; the
//! embedded services and `demo` keep their own files in it.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The data directory, locked until this value is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Locks the directory. Creates it, readable by its owner only, if it does not exist.
    pub(crate) fn lock(path: &Path) -> Result<Self, DataDirectoryError> {
        let unusable = |source| DataDirectoryError::Unusable { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = File::create(path.join(LOCK)).map_err(unusable)?;
        // A lock of the operating system: it ends with its process, however that ends.
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirectoryError {
    /// Another process has locked it.
    #[error("{0} is in use by another process; stop it, or choose another directory with --data")]
    InUse(PathBuf),
    /// It cannot be created or written.
    #[error("cannot use {path} for data, choose another directory with --data")]
    Unusable {
        /// The path on the command line.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

const LOCK: &str = "lock";
