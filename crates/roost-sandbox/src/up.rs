//! The port's operations on a machine that is up.

use std::net::TcpStream;
use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Entry, Error, Exit, ExitStatus, FilePart, Machine, Match, Output};

use crate::activity::InUse;
use crate::calls;
use crate::fleet::Host;
use crate::live::Live;
use crate::permitted::{self, Act};
use crate::remote::Remote;
use crate::slot::Slot;

/// A machine that is up. A call on it while it is frozen lets it go on.
pub(crate) struct UpMachine<H> {
    slot: Arc<Slot<H>>,
    live: Arc<Live>,
}

impl<H: Host> UpMachine<H> {
    pub(crate) const fn new(slot: Arc<Slot<H>>, live: Arc<Live>) -> Self {
        Self { slot, live }
    }

    async fn begin(&self, permit: &Permit, act: Act) -> Result<(InUse, &Remote), Error> {
        permitted::check(permit, self.slot.agent(), act)?;
        let in_use = self.live.activity().begin();
        if self.live.is_gone() {
            return Err(Error::Gone);
        }
        if self.live.is_frozen() {
            self.slot.freeze(false).await?;
        }
        Ok((in_use, self.live.remote()))
    }
}

#[async_trait]
impl<H: Host> Machine for UpMachine<H> {
    async fn exec(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
    ) -> Result<Exit, Error> {
        let (_in_use, remote) = self.begin(permit, Act::Run).await?;
        let before = self.live.out_of_memory_count();
        let exit = calls::exec(remote, &command, output).await?;
        // A shell says 128 and the signal's number when it was not itself that the kernel ended.
        let killed = matches!(exit.status, ExitStatus::Signal(9) | ExitStatus::Code(137));
        if killed && self.live.out_of_memory_count() > before {
            return Ok(Exit { status: ExitStatus::OutOfMemory, ..exit });
        }
        Ok(exit)
    }

    async fn serve(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
    ) -> Result<Exit, Error> {
        // The use is over when the process has begun.
        let (in_use, remote) = self.begin(permit, Act::Run).await?;
        drop(in_use);
        calls::exec(remote, &command, output).await
    }

    async fn dial(&self, permit: &Permit, port: u16) -> Result<TcpStream, Error> {
        let (_in_use, remote) = self.begin(permit, Act::Dial).await?;
        remote.dial(port).await
    }

    async fn read(&self, permit: &Permit, path: &str, offset: u64, max: Bytes) -> Result<FilePart, Error> {
        let (_in_use, remote) = self.begin(permit, Act::Look).await?;
        calls::read(remote, path, offset, max).await
    }

    async fn write(&self, permit: &Permit, path: &str, content: &[u8]) -> Result<(), Error> {
        let (_in_use, remote) = self.begin(permit, Act::Change).await?;
        calls::write(remote, path, content).await
    }

    async fn list(&self, permit: &Permit, path: &str, depth: u32, max: u32) -> Result<Vec<Entry>, Error> {
        let (_in_use, remote) = self.begin(permit, Act::Look).await?;
        calls::list(remote, path, depth, max).await
    }

    async fn search(
        &self,
        permit: &Permit,
        path: &str,
        pattern: &str,
        max: u32,
    ) -> Result<Vec<Match>, Error> {
        let (_in_use, remote) = self.begin(permit, Act::Look).await?;
        calls::search(remote, path, pattern, max).await
    }
}
