//! The key under which all secrets stand.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_domain::secret::Secret;
use roost_ports::random::Random;
use secrecy::{ExposeSecret, SecretBox};

use crate::data_dir;

const BYTES: usize = 32;
const FILE: &str = "master.key";

/// 32 bytes from which every other key is derived. Never shows itself; wiped from memory when dropped.
pub struct MasterKey(SecretBox<[u8; BYTES]>);

/// A text that is no master key. The text itself is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a master key is 32 bytes, written as 64 hexadecimal digits or as 44 characters of base64; this text has {length} \
     characters"
)]
pub struct InvalidMasterKey {
    /// How long the text is, without the space around it.
    pub length: usize,
}

/// Why the master key's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Others than its owner can read or write it.
    #[error("the master key {path} is open to others (mode {mode:04o}); run: chmod 600 {path}", path = path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error("the master key {} cannot be used", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: InvalidMasterKey,
    },
    /// The database is there, but the key is not: a new one would read nothing of what is stored.
    #[error(
        "the master key {path} is missing, but there is a database beside it; put the key back, or set \
         ROOST_MASTER_KEY",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the master key {} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl MasterKey {
    /// Makes a new key.
    pub fn generate(random: &dyn Random) -> Self {
        Self(SecretBox::init_with_mut(|bytes: &mut [u8; BYTES]| random.fill(bytes)))
    }

    /// Reads a key from 64 hexadecimal digits or 44 characters of base64, with or without space around it.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] for any other text.
    pub fn parse(text: &Secret) -> Result<Self, InvalidMasterKey> {
        let text = text.expose().trim();
        let invalid = InvalidMasterKey { length: text.chars().count() };
        let bytes = if text.len() == 2 * BYTES { from_hex(text) } else { STANDARD.decode(text).ok() };
        let bytes: [u8; BYTES] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(invalid)?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    /// Loads the key of a data directory from `master.key`, or makes one where there is neither a key nor a
    /// database yet. Several processes may do this at once and get the same key.
    ///
    /// # Errors
    ///
    /// [`MasterKeyError`], which names the file and, where that helps, the command to run.
    pub fn load_or_create(data_dir: &Path, random: &dyn Random) -> Result<Self, MasterKeyError> {
        let path = data_dir.join(FILE);
        if let Some(key) = Self::load(&path)? {
            return Ok(key);
        }
        if data_dir::DataDir::database_in(data_dir).exists() {
            // Look again: a first start beside us makes the key and then the database.
            return Self::load(&path)?.ok_or(MasterKeyError::Missing { path });
        }
        Self::generate(random).store(data_dir, &path, random).map_err(|source| io_error(&path, source))?;
        // Read back, since another process may have been faster.
        Self::load(&path)?.ok_or_else(|| io_error(&path, io::Error::from(io::ErrorKind::NotFound)))
    }

    pub(crate) fn expose(&self) -> &[u8; BYTES] {
        self.0.expose_secret()
    }

    fn load(path: &Path) -> Result<Option<Self>, MasterKeyError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(path, source)),
        };
        let mode = file.metadata().map_err(|source| io_error(path, source))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(MasterKeyError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        (&mut file).take(1_024).read_to_string(&mut text).map_err(|source| io_error(path, source))?;
        Self::parse(&Secret::new(text))
            .map(Some)
            .map_err(|source| MasterKeyError::Invalid { path: path.to_owned(), source })
    }

    /// Writes the key to a file of its own and then gives it its name, which fails where the name is taken: the
    /// file under that name is always whole and never replaced.
    fn store(&self, data_dir: &Path, path: &Path, random: &dyn Random) -> io::Result<()> {
        let mut suffix = [0; 8];
        random.fill(&mut suffix);
        let draft = data_dir.join(format!("{FILE}.{:016x}", u64::from_be_bytes(suffix)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let written = writeln!(file, "{}", to_hex(self.expose())).and_then(|()| file.sync_all());
        let named = written.and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        });
        fs::remove_file(&draft)?;
        named?;
        data_dir::sync(data_dir)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

fn io_error(path: &Path, source: io::Error) -> MasterKeyError {
    MasterKeyError::Io { path: path.to_owned(), source }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests;
