//! The first process of a container: the engine has built the machine and taken every privilege away, so what is
//! left to do is to check that, to put up the last walls, and to serve.

use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use roost_domain::files::FileRules;
use rustix::fs::Mode;

use super::fences::{self, Fenced};
use super::inner::{self, Settling};
use super::{SOCKET, inherited, serve, step, walls};
use crate::files::Files;
use crate::handover;
use crate::wire::{Begun, Inside, Start, read_frame, write_frame};

pub(super) fn main() -> ExitCode {
    let (control, side) = match connect() {
        Ok(sockets) => sockets,
        Err(error) => {
            eprintln!("the machine's process cannot reach the server: {error}");
            return ExitCode::from(2);
        }
    };
    match build(&control, &side) {
        Ok((files, program)) => {
            serve::serve(control, side, files, program);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            // silent-ok: if the driver is gone there is nobody to tell.
            let _ = write_frame(&control, 0, &Begun::Broken(problem), &[]);
            ExitCode::FAILURE
        }
    }
}

/// Connects to the driver twice: for requests, and for what is handed over.
fn connect() -> std::io::Result<(UnixStream, UnixStream)> {
    let sockets = (UnixStream::connect(SOCKET)?, UnixStream::connect(SOCKET)?);
    inherited::silence()?;
    inherited::close_in_children()?;
    Ok(sockets)
}

fn build(control: &UnixStream, side: &UnixStream) -> Result<(Files, std::os::fd::OwnedFd), String> {
    let program = step("open the own program", inherited::own_program())?;
    let Inside { files, single } = match step("wait for the driver", read_frame(control))?.body {
        Start::Enter(inside) => inside,
        Start::Unshare | Start::Spawn { .. } | Start::Become(_) => {
            return Err("the driver took another step".to_owned());
        }
    };
    walls::require_no_capabilities()?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let rules = FileRules::try_from(files).map_err(|error| format!("{}: {error}", fences::PROBLEM))?;
    let workspace = if rules.is_unrestricted() { None } else { Some(whole(side, single)?) };
    let loopback = inner::open_door(side);
    inner::limit(None)?;
    let proc = "as the engine masks it".to_owned();
    let system = ["/".to_owned()];
    inner::settle(control, program, Settling { rules, workspace, system: &system, loopback, proc })
}

/// Takes the whole workspace, which nothing in the container has a path to.
fn whole(side: &UnixStream, single: Vec<String>) -> Result<Fenced, String> {
    let whole = step("take the workspace", handover::receive(side))?;
    let (whole, _) = whole.ok_or("the driver sent no workspace")?;
    Ok(Fenced { whole, single: single.into_iter().collect() })
}
