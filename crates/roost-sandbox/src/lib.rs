//! Machine drivers, the hands inside every machine, and the suite every driver passes.
//!
//! Imports `roost-domain` and `roost-ports`. Start at [`KernelMachines`], the driver that needs nothing but a Linux
//! kernel, and at [`hands`], the process inside. [`FakeMachines`] stands in where isolation is not the point;
//! [`conformance`] is what both are held to.

pub mod hands;

pub mod conformance;

mod activity;
mod calls;
mod egress;
mod fake;
mod files;
mod kernel;
mod permitted;
mod remote;
mod removal;
mod shelf;
mod tree;
mod wire;

pub use fake::FakeMachines;
pub use kernel::{KernelMachines, KernelOptions, OpenError};
