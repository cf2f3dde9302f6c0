//! What comes from a file, from standard input, or from the person at the keyboard.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use crate::error::Error;

/// The text of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| Error::File { path: path.display().to_string(), error })
}

/// Asks before something that cannot be undone: the person types the name of what goes.
pub(crate) fn confirm(yes: bool, what: &str, name: &str) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let refused = || Error::Usage(format!("{what} This cannot be undone: add --yes."));
    if !io::stdin().is_terminal() {
        return Err(refused());
    }
    let mut screen = io::stderr();
    let asked = write!(screen, "{what} This cannot be undone.\nType {name} to go on: ");
    asked.and_then(|()| screen.flush()).map_err(|_| refused())?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|_| refused())?;
    if line.trim() == name { Ok(()) } else { Err(Error::Usage("Nothing was done.".to_owned())) }
}
