//! Everything that anything logs, at every level.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Level;

use crate::stage::Setting;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        log().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the log from here on.
pub(crate) fn capture() {
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(|| Sink)
        .init();
}

/// Length of the log so far, in bytes.
pub(crate) fn length() -> usize {
    log().len()
}

/// Writes what was logged after `begin` bytes to a file of its own.
pub(crate) fn save(begin: usize, title: &str, setting: Setting) -> io::Result<PathBuf> {
    let directory = std::env::temp_dir().join("crosstalk-plays");
    std::fs::create_dir_all(&directory)?;
    let path = directory.join(format!("{title}, {setting}.log"));
    std::fs::write(&path, log().get(begin..).unwrap_or_default())?;
    Ok(path)
}

/// The first line, of those after `begin` bytes, that has `text`.
pub(crate) fn line_with(begin: usize, text: &str) -> Option<String> {
    let log = log();
    let recent = log.get(begin..)?;
    let found = memchr::memmem::find(recent, text.as_bytes())?;
    let start = recent[..found].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = recent[start..].split(|b| *b == b'\n').next()?;
    Some(String::from_utf8_lossy(line).into_owned())
}
