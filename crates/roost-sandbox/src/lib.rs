//! Machine drivers, the hands inside every machine, and the suite every driver passes.
//!
//! Imports `roost-domain` and `roost-ports`. Start at [`KernelMachines`], the driver that needs nothing but a Linux
//! kernel, at [`DockerMachines`], which asks a container engine, and at [`hands`], the process inside; what both
//! drivers share is in `fleet`. [`FakeMachines`] stands in where isolation is not the point; [`conformance`] is what
//! all are held to.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod hands;

pub mod conformance;

mod activity;
mod calls;
mod cgroup;
mod docker;
mod egress;
mod fake;
mod files;
mod fleet;
mod handover;
mod kernel;
mod live;
mod permitted;
mod remote;
mod removal;
mod shelf;
mod slot;
mod tree;
mod up;
mod wire;
mod workspace;

pub use docker::{DockerHost, DockerMachines, DockerOptions};
pub use fake::FakeMachines;
pub use fleet::{Fleet, OpenError};
pub use kernel::{KernelHost, KernelMachines, KernelOptions};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
