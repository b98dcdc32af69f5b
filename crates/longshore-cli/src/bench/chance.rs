//! Reproducible chance: what is drawn depends on the seed and on what it is drawn for, and on nothing else.

/// The step of SplitMix64 (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of draws of its own for each seed and purpose.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64, purpose: [u64; 2]) -> Self {
        Self(purpose.iter().fold(mix(seed.wrapping_add(STEP)), |state, word| mix(state ^ mix(word.wrapping_add(STEP)))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 to just below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to just below `end`, which is at least 1. The bias is below `end` in 2⁶⁴.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// Of the standard normal law (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        // The logarithm must not see a zero.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Word number `index` of the random text that belongs to `seed`; any of them without those before it.
pub(crate) fn word(seed: u64, index: u64) -> u64 {
    mix(seed.wrapping_add((index.wrapping_add(1)).wrapping_mul(STEP)))
}

pub(crate) fn mix(word: u64) -> u64 {
    let mut z = word;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_repeated_by_seed_and_purpose_and_differ_otherwise() {
        let draw = |seed, purpose| Chance::new(seed, purpose).next();
        assert_eq!(draw(1, [2, 3]), draw(1, [2, 3]));
        let all = [draw(1, [2, 3]), draw(2, [2, 3]), draw(1, [3, 3]), draw(1, [2, 4]), draw(1, [3, 2])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{all:?}");
        }
    }

    #[test]
    fn draws_keep_within_their_bounds_and_reach_them() {
        let mut chance = Chance::new(1, [0, 0]);
        let mut seen = [0u32; 5];
        for _ in 0..5000 {
            seen[chance.below(5) as usize] += 1;
            let unit = chance.unit();
            assert!((0.0..1.0).contains(&unit), "{unit}");
        }
        assert!(seen.iter().all(|count| (900..1100).contains(count)), "{seen:?}");
    }
}
