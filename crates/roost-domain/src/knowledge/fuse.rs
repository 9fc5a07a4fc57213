use std::collections::HashMap;

/// One entry that was found, by meaning or by words or by both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused {
    /// Its number.
    pub row: i64,
    /// From 0 to 1; 1 is first both ways.
    pub score: f32,
    /// The cosine to the query, where it was found by meaning.
    pub cosine: Option<f32>,
    /// Whether it was found by its words.
    pub by_words: bool,
}

/// How little a place further down counts less: the usual constant of reciprocal rank fusion.
const FLATNESS: f32 = 60.0;

/// Puts together what was found by meaning and what was found by words, each best first, by reciprocal ranks: their
/// scores cannot be compared, their places can. Best first; among equals, older rows first.
pub fn fuse(by_meaning: &[(i64, f32)], by_words: &[i64]) -> Vec<Fused> {
    let mut found: HashMap<i64, Fused> = HashMap::new();
    let new = |row| Fused { row, score: 0.0, cosine: None, by_words: false };
    for (place, (row, cosine)) in by_meaning.iter().enumerate() {
        let one = found.entry(*row).or_insert_with(|| new(*row));
        one.score += worth(place);
        one.cosine = Some(*cosine);
    }
    for (place, row) in by_words.iter().enumerate() {
        let one = found.entry(*row).or_insert_with(|| new(*row));
        one.score += worth(place);
        one.by_words = true;
    }
    let mut found: Vec<Fused> = found.into_values().collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    found
}

/// Returns what a place is worth; the first both ways makes 1.
#[expect(clippy::cast_precision_loss, reason = "places are a few hundreds")]
fn worth(place: usize) -> f32 {
    (FLATNESS + 1.0) / (FLATNESS + 1.0 + place as f32) / 2.0
}

#[cfg(test)]
mod tests {
    use super::fuse;

    #[test]
    fn what_both_ways_find_is_before_what_one_finds() {
        let found = fuse(&[(1, 0.9), (2, 0.8), (3, 0.7)], &[3, 4]);
        let rows: Vec<i64> = found.iter().map(|one| one.row).collect();
        assert_eq!(rows, [3, 1, 2, 4]);
        assert_eq!((found[0].cosine, found[0].by_words), (Some(0.7), true));
        assert_eq!((found[3].cosine, found[3].by_words), (None, true));
        assert_eq!(fuse(&[(5, 1.0)], &[5])[0].score, 1.0);
        assert!(fuse(&[], &[]).is_empty());
    }
}
