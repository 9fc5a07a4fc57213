use std::collections::HashSet;

use super::{Index, Vector};

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn vector(&mut self, dimensions: usize) -> Vector {
        Vector::normalized((0..dimensions).map(|_| self.next()).collect())
    }
}

fn exact(vectors: &[Vector], query: &Vector, most: usize) -> Vec<i64> {
    let mut rows: Vec<usize> = (0..vectors.len()).collect();
    rows.sort_by(|a, b| query.cosine(&vectors[*b]).total_cmp(&query.cosine(&vectors[*a])));
    rows.into_iter().take(most).map(|row| row as i64).collect()
}

#[test]
fn four_times_as_many_candidates_hold_the_nearest_ones() {
    let mut noise = Noise(7);
    // 100 dimensions, so that there is a rest beside whole blocks of lanes.
    let vectors: Vec<Vector> = (0..1_000).map(|_| noise.vector(100)).collect();
    let mut index = Index::new(100);
    for (row, vector) in vectors.iter().enumerate() {
        index.add(row as i64, vector);
    }
    let (mut found, mut all) = (0, 0);
    for _ in 0..20 {
        let query = noise.vector(100);
        let candidates: HashSet<i64> = index.nearest(&query, 40).iter().map(|near| near.row).collect();
        for row in exact(&vectors, &query, 10) {
            all += 1;
            found += usize::from(candidates.contains(&row));
        }
    }
    assert!(found * 100 >= all * 99, "{found} of {all}");
}

#[test]
fn the_nearest_come_first_with_about_their_cosine() {
    let mut noise = Noise(3);
    let vectors: Vec<Vector> = (0..200).map(|_| noise.vector(384)).collect();
    let mut index = Index::new(384);
    for (row, vector) in vectors.iter().enumerate() {
        index.add(row as i64, vector);
    }
    let near = index.nearest(&vectors[17], 5);
    assert_eq!(near[0].row, 17);
    assert!((near[0].cosine - 1.0).abs() < 0.01, "{near:?}");
    assert!(near.windows(2).all(|pair| pair[0].cosine >= pair[1].cosine), "{near:?}");
    for one in &near {
        let exact = vectors[17].cosine(&vectors[usize::try_from(one.row).unwrap()]);
        assert!((one.cosine - exact).abs() < 0.01, "{} is not about {exact}", one.cosine);
    }
}

#[test]
fn what_is_taken_out_is_not_found_and_the_others_are() {
    let mut noise = Noise(5);
    let vectors: Vec<Vector> = (0..10).map(|_| noise.vector(24)).collect();
    let mut index = Index::new(24);
    for (row, vector) in vectors.iter().enumerate() {
        index.add(row as i64, vector);
    }
    index.keep_only(&HashSet::from([1, 4, 9, 70]));
    assert_eq!(index.len(), 3);
    for row in [1, 4, 9] {
        assert_eq!(index.nearest(&vectors[row], 1)[0].row, row as i64);
    }
    let mut all: Vec<i64> = index.nearest(&vectors[0], 100).iter().map(|near| near.row).collect();
    all.sort_unstable();
    assert_eq!(all, [1, 4, 9]);
}

#[test]
fn a_vector_takes_the_place_of_the_one_that_had_its_number() {
    let mut noise = Noise(17);
    let (old, new): (Vec<_>, Vec<_>) = (0..10).map(|_| (noise.vector(24), noise.vector(24))).unzip();
    let mut index = Index::new(24);
    for (row, vector) in old.iter().enumerate() {
        index.add(row as i64, vector);
    }
    index.keep_only(&HashSet::from([2, 3, 7]));
    for row in [7, 2, 7] {
        index.add(row, &new[usize::try_from(row).unwrap()]);
    }
    assert_eq!(index.len(), 3);
    for (row, vector) in [(2, &new[2]), (3, &old[3]), (7, &new[7])] {
        let near = index.nearest(vector, 1)[0];
        assert!(near.row == row && near.cosine > 0.99, "{near:?}");
    }
}

#[test]
fn only_what_is_near_enough_is_named_for_each_query() {
    let mut noise = Noise(11);
    let vectors: Vec<Vector> = (0..600).map(|_| noise.vector(384)).collect();
    let mut index = Index::new(384);
    for (row, vector) in vectors.iter().enumerate() {
        index.add(row as i64, vector);
    }
    let queries = [vectors[3].clone(), noise.vector(384), vectors[599].clone()];
    let found = index.at_least(&queries, 0.93, 10);
    let rows: Vec<Vec<i64>> = found.iter().map(|near| near.iter().map(|one| one.row).collect()).collect();
    assert_eq!(rows, [vec![3], vec![], vec![599]]);
}

#[test]
fn vectors_of_other_dimensions_have_no_place() {
    let mut index = Index::new(4);
    index.add(1, &Vector::normalized(vec![1.0; 5]));
    assert!(index.is_empty());
    index.add(1, &Vector::normalized(vec![1.0; 4]));
    assert!(index.nearest(&Vector::normalized(vec![1.0; 5]), 3).is_empty());
    assert!(index.at_least(&[Vector::normalized(vec![1.0; 5])], 0.0, 3)[0].is_empty());
}

#[test]
fn looking_at_the_first_numbers_first_misses_nothing() {
    let mut noise = Noise(13);
    let centre = noise.vector(384);
    let around = |noise: &mut Noise, far: f32| {
        let numbers = centre.numbers().iter().map(|number| number + far * noise.next() / 20.0);
        Vector::normalized(numbers.collect())
    };
    let vectors: Vec<Vector> = (0..400).map(|row| around(&mut noise, row as f32 / 200.0)).collect();
    let mut index = Index::new(384);
    for (row, vector) in vectors.iter().enumerate() {
        index.add(row as i64, vector);
    }
    let found: HashSet<i64> =
        index.at_least(std::slice::from_ref(&centre), 0.93, 1_000)[0].iter().map(|near| near.row).collect();
    let (mut near, mut far) = (0, 0);
    for (row, vector) in vectors.iter().enumerate() {
        let cosine = centre.cosine(vector);
        if cosine >= 0.94 {
            near += 1;
            assert!(found.contains(&(row as i64)), "{row} with {cosine} was missed");
        } else if cosine < 0.92 {
            far += 1;
            assert!(!found.contains(&(row as i64)), "{row} with {cosine} is not near");
        }
    }
    assert!(near > 50 && far > 50, "the test sees both: {near}, {far}");
}
