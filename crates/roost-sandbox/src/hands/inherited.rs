//! Descriptors that a process was born with.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

/// Takes the control socket away from standard input, where the driver put it, and standard output's socket.
/// Afterwards the standard descriptors lead nowhere, and whatever else was inherited is closed in children.
pub(super) fn take() -> io::Result<(UnixStream, UnixStream)> {
    let control = fcntl_dupfd_cloexec(std::io::stdin().as_fd(), 3)?;
    let side = fcntl_dupfd_cloexec(std::io::stdout().as_fd(), 3)?;
    silence()?;
    close_in_children()?;
    Ok((control.into(), side.into()))
}

/// Leads the standard descriptors nowhere.
pub(super) fn silence() -> io::Result<()> {
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok(())
}

/// Marks every descriptor above the standard ones to be closed in children: a server may itself have inherited
/// some without the mark.
pub(super) fn close_in_children() -> io::Result<()> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        if let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) {
            numbers.push(number);
        }
    }
    for number in numbers.into_iter().filter(|number| *number > 2) {
        #[expect(
            unsafe_code,
            reason = "a descriptor known only by its number has no owner to borrow it from"
        )]
        // SAFETY: `fcntl` on a number that is not open fails with `EBADF` and does nothing else. No other thread
        // is there that could close it and open something else, and setting the mark takes nothing from an owner.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        match fcntl_setfd(descriptor, FdFlags::CLOEXEC) {
            // The one that the directory was read with.
            Ok(()) | Err(rustix::io::Errno::BADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Opens this program's own file, to start it again later.
pub(super) fn own_program() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/self/exe")?.into())
}
