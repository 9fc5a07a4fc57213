//! Quantities that must not be mixed up.

use std::fmt;
use std::str::FromStr;

/// Money in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MicroUsd(pub i64);

impl MicroUsd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Adds, staying at the largest value instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts, staying at the smallest value instead of wrapping.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for MicroUsd {
    /// Prints dollars with six decimals: `$0.004200`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        write!(f, "{sign}${}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A number of model tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tokens(pub u64);

impl Tokens {
    /// Adds, staying at the largest value instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts, staying at zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Estimates the tokens of a text without a tokenizer: a token for every three bytes, rounded up.
    ///
    /// Errs on the high side for English, and is about right for code, logs and JSON; good enough to bound a
    /// context, never used for billing.
    pub const fn estimate(text: &str) -> Self {
        Self::of_bytes(text.len() as u64)
    }

    /// Estimates the tokens of so many bytes of text, as [`Tokens::estimate`] does.
    pub const fn of_bytes(bytes: u64) -> Self {
        Self(bytes.div_ceil(3))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

impl Bytes {
    /// `n` × 1,048,576 bytes.
    pub const fn mib(n: u64) -> Self {
        Self(n * 1024 * 1024)
    }

    /// `n` × 1,073,741,824 bytes.
    pub const fn gib(n: u64) -> Self {
        Self(n * 1024 * 1024 * 1024)
    }
}

impl fmt::Display for Bytes {
    /// Prints whole units as container tools do: `512B`, `128MiB`, `2GiB`, `1.5GiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        for (name, size) in UNITS {
            if self.0 >= size {
                let tenths = u128::from(self.0) * 10 / u128::from(size);
                return match tenths % 10 {
                    0 => write!(f, "{}{name}", tenths / 10),
                    rest => write!(f, "{}.{rest}{name}", tenths / 10),
                };
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl FromStr for Bytes {
    type Err = InvalidQuantity;

    /// Reads what container tools take: a whole number of bytes, or with `b`, `k`, `m` or `g` after it, which mean
    /// powers of 1,024 whether written `m`, `M`, `MB`, `Mi` or `MiB`.
    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let invalid = || InvalidQuantity::new(text, "an amount of memory; write 512m, 2g or 1048576");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "ki" | "kib" => 1 << 10,
            "m" | "mb" | "mi" | "mib" => 1 << 20,
            "g" | "gb" | "gi" | "gib" => 1 << 30,
            _ => return Err(invalid()),
        };
        let number: u64 = number.parse().map_err(|_| invalid())?;
        number.checked_mul(factor).map(Self).ok_or_else(invalid)
    }
}

/// CPU time as a share of one CPU, in thousandths: 500 is half a CPU, 2,000 two whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MilliCpus(pub u32);

impl MilliCpus {
    /// So many whole CPUs.
    pub const fn whole(cpus: u32) -> Self {
        Self(cpus.saturating_mul(1000))
    }
}

impl fmt::Display for MilliCpus {
    /// Prints CPUs: `0.5`, `2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 1000)?;
        match self.0 % 1000 {
            0 => Ok(()),
            rest => f.write_str(format!(".{rest:03}").trim_end_matches('0')),
        }
    }
}

impl FromStr for MilliCpus {
    type Err = InvalidQuantity;

    /// Reads `0.5`, `2`, or thousandths as in `500m`. Nothing is rounded.
    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let invalid = || InvalidQuantity::new(text, "an amount of CPU; write 0.5, 2 or 500m");
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(thousandths) = text.strip_suffix('m').filter(|rest| digits(rest)) {
            return thousandths.parse().map(Self).map_err(|_| invalid());
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        if !digits(whole) || !digits(part) || !(1..=3).contains(&part.len()) {
            return Err(invalid());
        }
        let whole: u32 = whole.parse().map_err(|_| invalid())?;
        let thousandths: u32 = format!("{part:0<3}").parse().map_err(|_| invalid())?;
        whole.checked_mul(1000).and_then(|n| n.checked_add(thousandths)).map(Self).ok_or_else(invalid)
    }
}

/// A text that is no quantity of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct InvalidQuantity {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl InvalidQuantity {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), expected }
    }
}

#[cfg(test)]
mod tests;
