//! Lists are always limited, and continue after the last row seen.

/// How many rows one page may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u32);

impl Limit {
    /// Takes a limit, kept between 1 and `max`.
    pub const fn clamped(wanted: u32, max: u32) -> Self {
        let at_least_one = if wanted == 0 { 1 } else { wanted };
        Self(if at_least_one > max { max } else { at_least_one })
    }

    /// Returns the number of rows.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<C>,
    /// How many rows the whole list has under the same filters.
    pub total: u64,
}
