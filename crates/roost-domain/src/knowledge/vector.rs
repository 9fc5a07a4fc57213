/// What a text means to an embedder, as a direction of length 1; all zeros for a text that means nothing to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector(Vec<f32>);

/// A stored vector that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a vector of {bytes} bytes cannot be")]
pub struct Damaged {
    bytes: usize,
}

impl Vector {
    /// Makes a vector of length 1 that points where `numbers` do. Numbers that are none count as 0.
    pub fn normalized(mut numbers: Vec<f32>) -> Self {
        for number in &mut numbers {
            if !number.is_finite() {
                *number = 0.0;
            }
        }
        let length = numbers.iter().map(|number| f64::from(*number) * f64::from(*number)).sum::<f64>().sqrt();
        if length > 0.0 {
            for number in &mut numbers {
                #[expect(clippy::cast_possible_truncation, reason = "a quotient of at most 1")]
                let scaled = (f64::from(*number) / length) as f32;
                *number = scaled;
            }
        }
        Self(numbers)
    }

    /// Returns its numbers.
    pub fn numbers(&self) -> &[f32] {
        &self.0
    }

    /// Returns how many numbers it has.
    pub fn dimensions(&self) -> usize {
        self.0.len()
    }

    /// Returns the cosine of the angle to another vector: 1 says the same, 0 has nothing to do with it. Vectors of
    /// other dimensions have nothing to do with each other.
    pub fn cosine(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        // Eight sums at once, which compilers turn into vector instructions; one sum must not be reordered.
        let (mut sums, chunks) = ([0.0_f32; 8], self.0.len() / 8 * 8);
        for (a, b) in self.0[..chunks].chunks_exact(8).zip(other.0[..chunks].chunks_exact(8)) {
            for lane in 0..8 {
                sums[lane] += a[lane] * b[lane];
            }
        }
        let rest: f32 = self.0[chunks..].iter().zip(&other.0[chunks..]).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f32>() + rest
    }

    /// Returns the vector as it is stored: a step as `f32` and each number as so many steps in an `i16`, all little
    /// endian. No number is off by more than a half step, which is less than 0.000016.
    pub fn to_bytes(&self) -> Vec<u8> {
        let largest = self.0.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let step = if largest > 0.0 { largest / f32::from(i16::MAX) } else { 1.0 };
        let mut bytes = Vec::with_capacity(4 + 2 * self.0.len());
        bytes.extend_from_slice(&step.to_le_bytes());
        for number in &self.0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most `i16::MAX` steps, and casts saturate"
            )]
            let steps = (number / step).round() as i16;
            bytes.extend_from_slice(&steps.to_le_bytes());
        }
        bytes
    }

    /// Reads a vector as it is stored.
    ///
    /// # Errors
    ///
    /// [`Damaged`] if the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let damaged = Damaged { bytes: bytes.len() };
        let (step, steps) = bytes.split_first_chunk::<4>().ok_or(damaged)?;
        if steps.len() % 2 != 0 {
            return Err(damaged);
        }
        let step = f32::from_le_bytes(*step);
        let number = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) * step;
        Ok(Self::normalized(steps.chunks_exact(2).map(number).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::Vector;

    fn some(seed: u32) -> Vector {
        let number =
            |index: u32| ((seed.wrapping_mul(2_654_435_761).wrapping_add(index * 97)) % 1_000) as f32 - 500.0;
        Vector::normalized((0..384).map(number).collect())
    }

    #[test]
    fn a_vector_reads_back_as_good_as_exact() {
        for seed in 1..50 {
            let vector = some(seed);
            let back = Vector::from_bytes(&vector.to_bytes()).unwrap();
            assert!(vector.cosine(&back) > 0.999_999, "{}", vector.cosine(&back));
            let other = some(seed + 100);
            assert!((vector.cosine(&other) - back.cosine(&other)).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_no_vector_is_refused_or_means_nothing() {
        assert!(Vector::from_bytes(&[1, 2, 3]).is_err());
        assert!(Vector::from_bytes(&[0, 0, 0, 0, 1]).is_err());
        let nothing = Vector::normalized(vec![0.0, f32::NAN, f32::INFINITY]);
        assert_eq!(nothing.cosine(&nothing), 0.0);
        assert_eq!(Vector::from_bytes(&nothing.to_bytes()).unwrap(), nothing);
        assert_eq!(some(1).cosine(&Vector::normalized(vec![1.0])), 0.0);
    }
}
