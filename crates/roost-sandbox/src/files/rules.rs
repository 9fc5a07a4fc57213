//! File rules, where file operations meet them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use roost_domain::files::Denied;
use rustix::io::Errno;

use super::{Files, failure};
use crate::wire::Failure;

impl Files {
    /// Checks that a file may be read.
    pub(super) fn may_read(&self, inner: &str) -> Result<(), Failure> {
        self.rules.may_read(inner).map_err(denied)
    }

    /// Checks that a file may be written.
    pub(super) fn may_write(&self, inner: &str) -> Result<(), Failure> {
        self.rules.may_write(inner).map_err(denied)
    }

    /// Checks that a directory may be looked through.
    pub(super) fn may_look(&self, inner: &str) -> Result<(), Failure> {
        self.rules.may_look(inner).map_err(denied)
    }

    /// Checks that a directory may be made for a file in it.
    pub(super) fn may_make(&self, inner: &str) -> Result<(), Failure> {
        match self.may_write(inner) {
            Err(_) if self.rules.denies(inner).is_none() && self.rules.writes_below(inner) => Ok(()),
            checked => checked,
        }
    }

    /// Tells whether an entry of a directory is shown.
    pub(super) fn shows(&self, real: &str, is_directory: bool) -> bool {
        if is_directory { self.rules.may_look(real).is_ok() } else { self.rules.may_read(real).is_ok() }
    }

    /// Tells whether a file must be written in its place, as it cannot be replaced.
    pub(super) fn is_single(&self, real: &str) -> bool {
        self.single.contains(real)
    }

    /// Returns where in the workspace something open is, after all links; `None` where no rule asks.
    pub(super) fn real(&self, open: &OwnedFd) -> Result<Option<String>, Failure> {
        if self.rules.is_unrestricted() {
            return Ok(None);
        }
        // Its name says "(deleted)" then, which rules must not be asked about.
        if rustix::fs::fstat(open).map_err(failure)?.st_nlink == 0 {
            return Err(Failure::NotFound);
        }
        let place = place(open).map_err(|_| Failure::System(Errno::IO.raw_os_error()))?;
        let inner = place.strip_prefix(self.place.trim_end_matches('/')).ok_or(Failure::Outside)?;
        Ok(Some(inner.trim_start_matches('/').to_owned()))
    }
}

/// Returns the path of something open, as the kernel names it.
pub(super) fn place(open: &OwnedFd) -> io::Result<String> {
    let link = format!("/proc/self/fd/{}", open.as_fd().as_raw_fd());
    Ok(std::fs::read_link(link)?.to_string_lossy().into_owned())
}

fn denied(denied: Denied) -> Failure {
    Failure::Denied(denied.why)
}
