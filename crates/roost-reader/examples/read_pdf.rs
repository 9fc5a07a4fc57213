//! Reads one PDF as the server's process for that does. The tests start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    roost_reader::child::main()
}
