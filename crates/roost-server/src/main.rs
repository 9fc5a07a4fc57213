//! The binary: composition, configuration, commands.
fn main() {}
