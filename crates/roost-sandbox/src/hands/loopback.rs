//! The machine's only network device.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Brings `lo` up, by one message to the kernel over a routing socket.
///
/// **Source:** `rtnetlink(7)`, `struct nlmsghdr` and `struct ifinfomsg`.
pub(super) fn up() -> Result<(), String> {
    const LINK_NEW: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x1 | 0x4;
    const ERROR: u16 = 2;
    const UP: u32 = 1;
    /// In every network namespace, `lo` is made first.
    const LO: i32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend_from_slice(&32u32.to_ne_bytes());
    message.extend_from_slice(&LINK_NEW.to_ne_bytes());
    message.extend_from_slice(&REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message.extend_from_slice(&[0; 8]); // Sequence number and port.
    message.extend_from_slice(&[0; 4]); // Address family, padding and device type.
    message.extend_from_slice(&LO.to_ne_bytes());
    message.extend_from_slice(&UP.to_ne_bytes()); // Flags,
    message.extend_from_slice(&UP.to_ne_bytes()); // and which of them to change.

    let socket = super::step(
        "open a routing socket",
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None),
    )?;
    super::step("bring the loopback device up", send(&socket, &message, SendFlags::empty()))?;
    let mut answer = [0u8; 256];
    let (length, _) =
        super::step("bring the loopback device up", recv(&socket, &mut answer, RecvFlags::empty()))?;
    let kind = answer[..length].get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let code = answer[..length].get(16..20).map(|b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
    match (kind, code) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(format!(
            "bring the loopback device up: {}",
            std::io::Error::from_raw_os_error(code.saturating_neg())
        )),
        _ => Err("bring the loopback device up: the kernel's answer is not understood".to_owned()),
    }
}
