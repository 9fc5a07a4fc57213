//! Carrying bytes both ways.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A connection on which nothing moves for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// The most bytes one connection carries, both ways together.
const CARRIED_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// How much is carried at a time.
const PIECE: usize = 16 * 1024;

struct Traffic {
    carried: AtomicU64,
    moved: Mutex<Instant>,
}

/// Joins two connections until both sides have said all; first each is told something.
pub(super) async fn splice(
    inner: TcpStream,
    outer: TcpStream,
    reply: Vec<u8>,
    forward: Vec<u8>,
) -> io::Result<()> {
    let traffic = Traffic { carried: AtomicU64::new(0), moved: Mutex::new(Instant::now()) };
    let (inner_read, mut inner_write) = inner.into_split();
    let (outer_read, mut outer_write) = outer.into_split();
    let out = async {
        write(&mut outer_write, &forward).await?;
        carry(inner_read, outer_write, &traffic).await
    };
    let back = async {
        write(&mut inner_write, &reply).await?;
        carry(outer_read, inner_write, &traffic).await
    };
    tokio::try_join!(out, back).map(drop)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, traffic: &Traffic) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let n = match tokio::time::timeout(IDLE_MAX, from.read(&mut buffer)).await {
            Ok(read) => read?,
            // A long answer keeps the way it does not take open too.
            Err(_) if traffic.is_moving() => continue,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        if n == 0 {
            return to.shutdown().await;
        }
        write(&mut to, &buffer[..n]).await?;
        traffic.count(n)?;
    }
}

async fn write(to: &mut OwnedWriteHalf, bytes: &[u8]) -> io::Result<()> {
    tokio::time::timeout(IDLE_MAX, to.write_all(bytes)).await?
}

impl Traffic {
    fn is_moving(&self) -> bool {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < IDLE_MAX
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let bytes = bytes as u64;
        if self.carried.fetch_add(bytes, Ordering::Relaxed) + bytes > CARRIED_MAX {
            return Err(io::Error::other("the connection has carried too much"));
        }
        Ok(())
    }
}
