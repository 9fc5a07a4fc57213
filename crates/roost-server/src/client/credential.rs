//! What `roost up` notes for the commands on the same machine: `client.toml` in the data directory, readable by its
//! owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use roost_domain::secret::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

/// A server and a key for it.
pub(crate) struct Credential {
    pub(crate) url: String,
    pub(crate) key: Secret,
    /// The id of the agent that commands mean when they name none.
    pub(crate) agent: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    url: String,
    key: String,
    agent: Option<String>,
}

impl Credential {
    /// Returns where a data directory keeps it.
    pub(crate) fn path(data: &Path) -> PathBuf {
        data.join("client.toml")
    }

    /// Reads what was noted in a data directory; `None` if nothing was.
    ///
    /// # Errors
    ///
    /// If it cannot be read. What it holds is not repeated.
    pub(crate) fn load(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(data);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let advice =
                    "run the command as the user who ran `roost up`, or give ROOST_URL and ROOST_KEY";
                return Err(error).with_context(|| format!("{} cannot be read; {advice}", path.display()));
            }
        };
        let noted: Option<Noted> = toml::from_str(&text).ok(); // silent-ok: its words would repeat the key
        let noted = noted.with_context(|| {
            format!("{} is not as `roost up` writes it; remove it and run `roost up` again", path.display())
        })?;
        Ok(Some(Self { url: noted.url, key: Secret::new(noted.key), agent: noted.agent }))
    }

    /// Notes it, in place of what was noted before: a reader sees the old or the new.
    ///
    /// # Errors
    ///
    /// If the data directory cannot be written.
    pub(crate) fn save(&self, data: &Path) -> anyhow::Result<()> {
        let noted =
            Noted { url: self.url.clone(), key: self.key.expose().to_owned(), agent: self.agent.clone() };
        let text = format!(
            "# Written by `roost up` for `roost chat` and the other commands on this machine.\n{}",
            toml::to_string(&noted)?
        );
        let path = Self::path(data);
        let draft = data.join("client.toml.new");
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Tells whether it was noted for a server.
    pub(crate) fn is_for(&self, url: &Url) -> bool {
        let noted: Option<Url> = self.url.parse().ok(); // silent-ok: what is no URL is for no server
        noted.is_some_and(|noted| noted.origin() == url.origin())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_noted_is_read_again_and_open_to_its_owner_alone() {
        let data = tempfile::tempdir().expect("a directory");
        assert!(Credential::load(data.path()).expect("nothing there").is_none());
        let key = Secret::new("roost_live_abc");
        let noted = Credential { url: "http://127.0.0.1:1".into(), key, agent: Some("a".into()) };
        noted.save(data.path()).expect("saved");
        noted.save(data.path()).expect("saved again");
        let read = Credential::load(data.path()).expect("readable").expect("there");
        assert_eq!((read.url.as_str(), read.key.expose()), ("http://127.0.0.1:1", "roost_live_abc"));
        let mode = fs::metadata(Credential::path(data.path())).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_broken_is_named_without_its_key() {
        let data = tempfile::tempdir().expect("a directory");
        fs::write(Credential::path(data.path()), "key = 'roost_live_secret'\nur = 1").expect("written");
        let error = format!("{:#}", Credential::load(data.path()).map(|_| ()).expect_err("it is broken"));
        assert!(error.contains("client.toml") && error.contains("roost up"), "{error}");
        assert!(!error.contains("roost_live_secret"), "{error}");
    }

    #[test]
    fn a_noted_key_is_for_its_own_server_only() {
        let noted = Credential { url: "http://127.0.0.1:7700".into(), key: Secret::new("k"), agent: None };
        assert!(noted.is_for(&Url::parse("http://127.0.0.1:7700/").expect("a URL")));
        assert!(!noted.is_for(&Url::parse("http://127.0.0.1:7701").expect("a URL")));
        assert!(!noted.is_for(&Url::parse("https://127.0.0.1:7700").expect("a URL")));
    }
}
