//! Tries what a command in a machine must not be able to do, and what it must feel when it does too much. For this
//! crate's tests, which put it into a workspace.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = match args.as_slice() {
        ["connect", host, port] => connect(host, port),
        ["proxy", request] => proxy(request),
        ["call", numbers @ ..] => call(numbers),
        ["echo", port] => echo(port.parse().unwrap_or(0)),
        ["hog", mebibytes] => hog(mebibytes.parse().unwrap_or(0)),
        ["spin", seconds] => spin(seconds.parse().unwrap_or(0)),
        _ => {
            "usage: connect HOST PORT | echo PORT | proxy REQUEST | call NUMBER ARG… | hog MIB | spin SECONDS"
                .to_owned()
        }
    };
    match writeln!(std::io::stdout(), "{said}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Connects directly.
fn connect(host: &str, port: &str) -> String {
    let port = port.parse().unwrap_or(0);
    let addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return format!("refused: {error}"),
    };
    for address in addresses {
        if TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok() {
            return "connected".to_owned();
        }
    }
    "refused".to_owned()
}

/// Asks the proxy, and returns all that comes back.
fn proxy(request: &str) -> String {
    let asked = || {
        let mut stream = TcpStream::connect(("127.0.0.1", 3128))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(format!("{request} HTTP/1.1\r\n\r\nhello").as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    asked().unwrap_or_else(|error: std::io::Error| format!("no proxy: {error}"))
}

/// Listens, and says again what it hears until the end.
fn echo(port: u16) -> String {
    let serve = || {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        writeln!(std::io::stdout(), "listening")?;
        loop {
            let (mut stream, _) = listener.accept()?;
            let mut heard = String::new();
            stream.read_to_string(&mut heard)?;
            stream.write_all(format!("heard {heard}").as_bytes())?;
        }
    };
    let ended: std::io::Result<()> = serve();
    format!("{ended:?}")
}

/// Makes any system call with plain numbers, and says how it ended.
fn call(numbers: &[&str]) -> String {
    let mut all = [0i64; 7];
    for (slot, number) in all.iter_mut().zip(numbers) {
        *slot = number.parse().unwrap_or(0);
    }
    let [number, a, b, c, d, e, f] = all;
    #[expect(unsafe_code, reason = "the calls that are to be refused have no safe form")]
    // SAFETY: the tests give no address of this process, so a call can only fail or change what it names by number.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    match result {
        -1 => format!("errno {}", std::io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        result => format!("done {result}"),
    }
}

/// Takes memory and uses it.
fn hog(mebibytes: usize) -> String {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for _ in 0..mebibytes {
        all.push(vec![1; 1024 * 1024]);
    }
    format!("took {}", std::hint::black_box(&all).len())
}

/// Keeps a CPU busy.
fn spin(seconds: u64) -> String {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut n = 0u64;
    while Instant::now() < end {
        n = std::hint::black_box(n.wrapping_add(1));
    }
    "spun".to_owned()
}
