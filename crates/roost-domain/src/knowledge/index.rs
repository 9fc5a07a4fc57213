use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::Vector;

/// Finds the vectors nearest to one, among all of a shelf: each number is kept in a byte, and every vector is looked
/// at. What it says of nearness is good enough to choose candidates by; the exact vectors decide among them.
#[derive(Debug, Clone, Default)]
pub struct Index {
    dimensions: usize,
    rows: Vec<i64>,
    /// Where each row stands among them.
    places: HashMap<i64, usize>,
    bytes: Vec<i8>,
    /// What one step of each vector's bytes is worth.
    steps: Vec<f32>,
    /// The squared length of the first [`HEAD`] numbers of each vector.
    heads: Vec<f32>,
}

/// One vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The number under which it was added.
    pub row: i64,
    /// About the cosine to what was looked for.
    pub cosine: f32,
}

/// One byte's largest value.
const LARGEST: f32 = 127.0;

/// How many numbers of a vector are looked at first where only very near ones are wanted: two vectors of length 1 whose
/// first numbers alone are too far apart are too far apart.
const HEAD: usize = 64;

/// How much rounding to bytes may add to a squared distance.
const ROUNDING: f32 = 0.02;

/// How many vectors are looked at before the next query is, so that they stay in the processor's cache.
const BLOCK: usize = 256;

impl Index {
    /// Makes an empty index of vectors of so many dimensions.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    /// Returns how many vectors it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns how much memory it takes, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.rows.capacity() * 8
            + self.places.capacity() * 17
            + self.bytes.capacity()
            + (self.steps.capacity() + self.heads.capacity()) * 4
    }

    /// Adds a vector under a number, in the place of one that had it. One of other dimensions is not added.
    pub fn add(&mut self, row: i64, vector: &Vector) {
        if vector.dimensions() != self.dimensions {
            return;
        }
        let (step, bytes) = quantized(vector);
        if let Some(&place) = self.places.get(&row) {
            self.steps[place] = step;
            self.heads[place] = head(step, &bytes);
            self.bytes[place * self.dimensions..(place + 1) * self.dimensions].copy_from_slice(&bytes);
            return;
        }
        self.places.insert(row, self.rows.len());
        self.rows.push(row);
        self.steps.push(step);
        self.heads.push(head(step, &bytes));
        self.bytes.extend(bytes);
    }

    /// Keeps only the vectors whose numbers are named.
    pub fn keep_only(&mut self, rows: &HashSet<i64>) {
        let (mut kept, dimensions) = (0, self.dimensions);
        for index in 0..self.rows.len() {
            if !rows.contains(&self.rows[index]) {
                continue;
            }
            if kept != index {
                self.rows[kept] = self.rows[index];
                self.steps[kept] = self.steps[index];
                self.heads[kept] = self.heads[index];
                self.bytes.copy_within(index * dimensions..(index + 1) * dimensions, kept * dimensions);
            }
            kept += 1;
        }
        self.rows.truncate(kept);
        self.steps.truncate(kept);
        self.heads.truncate(kept);
        self.bytes.truncate(kept * dimensions);
        self.places = self.rows.iter().enumerate().map(|(place, row)| (*row, place)).collect();
    }

    /// Returns the `most` vectors nearest to a query, nearest first.
    pub fn nearest(&self, query: &Vector, most: usize) -> Vec<Near> {
        if most == 0 || query.dimensions() != self.dimensions {
            return Vec::new();
        }
        let (step, query) = quantized(query);
        let mut best = BinaryHeap::with_capacity(most + 1);
        let mut worst = f32::NEG_INFINITY;
        for (index, bytes) in self.bytes.chunks_exact(self.dimensions.max(1)).enumerate() {
            let cosine = as_cosine(dot(bytes, &query), step * self.steps[index]);
            if best.len() < most || cosine > worst {
                best.push(Reverse(Ranked { cosine, row: self.rows[index] }));
                if best.len() > most {
                    best.pop();
                }
                worst = best.peek().map_or(worst, |Reverse(last)| last.cosine);
            }
        }
        let near = |Reverse(Ranked { cosine, row })| Near { row, cosine };
        best.into_sorted_vec().into_iter().map(near).collect()
    }

    /// Returns, for each query, every vector that is at least so near, at most `most` of them.
    pub fn at_least(&self, queries: &[Vector], cosine: f32, most: usize) -> Vec<Vec<Near>> {
        let mut found = vec![Vec::new(); queries.len()];
        let queries: Vec<_> =
            queries.iter().map(quantized).map(|(step, bytes)| (step, head(step, &bytes), bytes)).collect();
        let (block, ahead) = (BLOCK * self.dimensions.max(1), HEAD.min(self.dimensions));
        let farthest = 2.0 * (1.0 - cosine) + ROUNDING;
        for (number, block) in self.bytes.chunks(block).enumerate() {
            for ((step, head, query), found) in queries.iter().zip(&mut found) {
                if query.len() != self.dimensions {
                    continue;
                }
                for (index, bytes) in block.chunks_exact(self.dimensions.max(1)).enumerate() {
                    let index = number * BLOCK + index;
                    let scale = step * self.steps[index];
                    let begin = as_cosine(dot(&bytes[..ahead], &query[..ahead]), scale);
                    if head + self.heads[index] - 2.0 * begin > farthest {
                        continue;
                    }
                    let near = as_cosine(dot(bytes, query), scale);
                    if near >= cosine && found.len() < most {
                        found.push(Near { row: self.rows[index], cosine: near });
                    }
                }
            }
        }
        found
    }
}

/// Ordered by cosine, and among equals older rows first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranked {
    cosine: f32,
    row: i64,
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.cosine.total_cmp(&other.cosine).then_with(|| other.row.cmp(&self.row))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few millions at most, and about right is enough")]
fn as_cosine(dot: i32, step: f32) -> f32 {
    dot as f32 * step
}

/// Returns the squared length of a vector's first numbers.
fn head(step: f32, bytes: &[i8]) -> f32 {
    let begin = &bytes[..HEAD.min(bytes.len())];
    as_cosine(dot(begin, begin), step * step)
}

fn quantized(vector: &Vector) -> (f32, Vec<i8>) {
    let largest = vector.numbers().iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let step = if largest > 0.0 { largest / LARGEST } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, and casts saturate")]
    let byte = |number: &f32| (number / step).round() as i8;
    (step, vector.numbers().iter().map(byte).collect())
}

/// Multiplies two vectors of bytes. Written so that the compiler makes vector instructions of it: products of two
/// `i16` that are added in pairs are one instruction of every x86-64 and ARM64.
#[inline]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let (chunks_a, rest_a) = a.as_chunks::<16>();
    let (chunks_b, rest_b) = b.as_chunks::<16>();
    let mut sum = 0_i32;
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        let mut part = 0_i32;
        for lane in 0..16 {
            part += i32::from(i16::from(a[lane]) * i16::from(b[lane]));
        }
        sum += part;
    }
    let rest: i32 = rest_a.iter().zip(rest_b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
    sum + rest
}

#[cfg(test)]
mod tests;
