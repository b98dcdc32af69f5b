//! How large objects are: one size, a range, a log-normal law, or a weighted list.
//!
//! ```text
//! sizes     = law | weighted
//! law       = SIZE | SIZE..SIZE | "lognormal:" option ("," option)*
//! option    = "mean=" SIZE | "sigma=" NUMBER | "max=" SIZE
//! weighted  = entry ("," entry)+        entry = SIZE ":" WEIGHT | SIZE..SIZE ":" WEIGHT
//! ```
//!
//! A range is log-uniform: 1MiB..2MiB is as likely as 2MiB..4MiB. The size of an object depends on the seed and on its number
//! alone, so that a run can be repeated.

use std::fmt;
use std::str::FromStr;

use super::chance::Chance;
use crate::size;

/// Where a log-normal law is cut off unless told otherwise, in means.
const LOG_NORMAL_END: u64 = 64;

/// A distribution of object sizes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sizes {
    text: String,
    law: Law,
}

#[derive(Clone, Debug, PartialEq)]
enum Law {
    /// Each with the share of objects up to and with it; the last one has 1.
    Weighted(Vec<(Span, f64)>),
    LogNormal {
        mean: f64,
        sigma: f64,
        most: u64,
    },
}

/// From a size to a size, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    low: u64,
    high: u64,
}

impl Sizes {
    /// The size of object number `index`.
    pub(crate) fn of(&self, seed: u64, index: u64) -> u64 {
        let mut chance = Chance::new(seed, [SIZES, index]);
        match &self.law {
            Law::Weighted(entries) => {
                let drawn = chance.unit();
                let found = entries.iter().find(|(_, up_to)| drawn < *up_to).or(entries.last());
                found.map_or(0, |(span, _)| span.at(chance.unit()))
            }
            Law::LogNormal { mean, sigma, most } => {
                // The mean of the law, not of the logarithm.
                let middle = mean.ln() - sigma * sigma / 2.0;
                let drawn = (middle + sigma * chance.normal()).exp();
                (drawn.round() as u64).clamp(1, *most)
            }
        }
    }

    /// No object is larger.
    pub(crate) fn largest(&self) -> u64 {
        match &self.law {
            Law::Weighted(entries) => entries.iter().map(|(span, _)| span.high).max().unwrap_or(0),
            Law::LogNormal { most, .. } => *most,
        }
    }

    /// The mean of very many.
    pub(crate) fn mean(&self) -> f64 {
        match &self.law {
            Law::Weighted(entries) => {
                let mut before = 0.0;
                entries
                    .iter()
                    .map(|(span, up_to)| {
                        let share = up_to - before;
                        before = *up_to;
                        share * span.mean()
                    })
                    .sum()
            }
            Law::LogNormal { mean, .. } => *mean,
        }
    }
}

/// Keeps the draws for sizes apart from others of the same seed.
const SIZES: u64 = 1;

impl Span {
    fn at(self, unit: f64) -> u64 {
        if self.low == self.high {
            return self.low;
        }
        let (low, high) = (self.low as f64, self.high as f64);
        let drawn = low * (high / low).powf(unit);
        (drawn.round() as u64).clamp(self.low, self.high)
    }

    fn mean(self) -> f64 {
        let (low, high) = (self.low as f64, self.high as f64);
        if self.low == self.high { low } else { (high - low) / (high / low).ln() }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let law = match text.strip_prefix("lognormal:") {
            Some(options) => log_normal(options)?,
            None if text.contains([':', ',']) => weighted(text)?,
            None => Law::Weighted(vec![(span(text)?, 1.0)]),
        };
        Ok(Self { text: text.to_owned(), law })
    }
}

fn span(text: &str) -> Result<Span, String> {
    let Some((low, high)) = text.split_once("..") else {
        let only = size::parse(text)?;
        return Ok(Span { low: only, high: only });
    };
    let (low, high) = (size::parse(low)?, size::parse(high)?);
    if low == 0 {
        return Err(format!("{text:?}: a range begins with 1 byte at least, because it is log-uniform"));
    }
    if low > high {
        return Err(format!("{text:?}: write the smaller size first"));
    }
    Ok(Span { low, high })
}

fn weighted(text: &str) -> Result<Law, String> {
    let mut entries = Vec::new();
    let mut sum = 0.0;
    for entry in text.split(',') {
        let (sizes, weight) = entry
            .rsplit_once(':')
            .ok_or_else(|| format!("{entry:?} has no weight; write {entry}:30, as in 4KiB:70,1MiB:30"))?;
        sum += weight_of(weight)?;
        entries.push((span(sizes)?, sum));
    }
    if sum <= 0.0 {
        return Err(format!("{text:?}: at least one weight must be more than 0"));
    }
    for (_, up_to) in &mut entries {
        *up_to /= sum;
    }
    Ok(Law::Weighted(entries))
}

/// Reads a share, of any scale.
pub(super) fn weight_of(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
        _ => Err(format!("{text:?} is not a weight; write a number of 0 or more")),
    }
}

fn log_normal(options: &str) -> Result<Law, String> {
    let (mut mean, mut sigma, mut most) = (None, None, None);
    for option in options.split(',') {
        match option.split_once('=') {
            Some(("mean", value)) => mean = Some(size::parse(value)?),
            Some(("max", value)) => most = Some(size::parse(value)?),
            Some(("sigma", value)) => {
                sigma = value.trim().parse::<f64>().ok().filter(|sigma| (0.0..=5.0).contains(sigma));
                if sigma.is_none() {
                    return Err(format!("sigma={value}: write a number from 0 to 5"));
                }
            }
            _ => {
                return Err(format!(
                    "{option:?} is no option of lognormal; write lognormal:mean=1MiB,sigma=1, and max=64MiB where wanted"
                ));
            }
        }
    }
    let mean = mean.filter(|mean| *mean > 0).ok_or("lognormal needs a mean of more than 0, as in mean=1MiB")?;
    let sigma = sigma.ok_or("lognormal needs a sigma, as in sigma=1")?;
    let most = most.unwrap_or(mean.saturating_mul(LOG_NORMAL_END));
    if most < mean {
        return Err("max must not be less than mean".into());
    }
    Ok(Law::LogNormal { mean: mean as f64, sigma, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(text: &str) -> Sizes {
        text.parse().unwrap()
    }

    fn drawn(text: &str) -> Vec<u64> {
        let sizes = sizes(text);
        (0..20_000).map(|index| sizes.of(7, index)).collect()
    }

    fn mean(values: &[u64]) -> f64 {
        values.iter().sum::<u64>() as f64 / values.len() as f64
    }

    #[test]
    fn one_size_is_that_size() {
        assert!(drawn("4KiB").iter().all(|size| *size == 4096));
        assert_eq!((sizes("4KiB").largest(), sizes("0").of(1, 1)), (4096, 0));
    }

    #[test]
    fn a_range_is_log_uniform_and_keeps_its_ends() {
        let drawn = drawn("1MiB..64MiB");
        assert!(drawn.iter().all(|size| (1 << 20..=64 << 20).contains(size)));
        // 8 MiB stands in the middle of the logarithms.
        let below = drawn.iter().filter(|size| **size < 8 << 20).count() as f64 / drawn.len() as f64;
        assert!((0.48..0.52).contains(&below), "{below}");
        let expected = sizes("1MiB..64MiB").mean();
        assert!((mean(&drawn) / expected - 1.0).abs() < 0.03, "{} {expected}", mean(&drawn));
    }

    #[test]
    fn a_log_normal_law_has_the_mean_that_was_asked_for() {
        let drawn = drawn("lognormal:mean=1MiB,sigma=1");
        assert!((mean(&drawn) / f64::from(1 << 20) - 1.0).abs() < 0.05, "{}", mean(&drawn));
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        // The median of such a law is its mean over e to the half of sigma squared.
        let median = sorted[sorted.len() / 2] as f64;
        assert!((median / (f64::from(1 << 20) / 0.5f64.exp()) - 1.0).abs() < 0.05, "{median}");
        assert!(drawn.iter().all(|size| *size <= 64 << 20));
        assert_eq!(sizes("lognormal:mean=1MiB,sigma=2,max=2MiB").largest(), 2 << 20);
    }

    #[test]
    fn weights_are_shares_of_their_sum() {
        let drawn = drawn("4KiB:70,1MiB:20,2MiB..4MiB:10");
        let share =
            |test: fn(u64) -> bool| drawn.iter().filter(|size| test(**size)).count() as f64 / drawn.len() as f64;
        assert!((share(|size| size == 4096) - 0.7).abs() < 0.02);
        assert!((share(|size| size == 1 << 20) - 0.2).abs() < 0.02);
        assert!((share(|size| size >= 2 << 20) - 0.1).abs() < 0.02);
        assert!((mean(&drawn) / sizes("4KiB:70,1MiB:20,2MiB..4MiB:10").mean() - 1.0).abs() < 0.03);
    }

    #[test]
    fn the_seed_and_the_number_decide() {
        let sizes = sizes("1KiB..1GiB");
        assert_eq!(sizes.of(1, 5), sizes.of(1, 5));
        assert_ne!(sizes.of(1, 5), sizes.of(1, 6));
        assert_ne!(sizes.of(1, 5), sizes.of(2, 5));
    }

    #[test]
    fn what_is_no_distribution_says_what_to_write() {
        for (text, part) in [
            ("", "not a size"),
            ("big", "not a size"),
            ("0..4K", "1 byte"),
            ("2M..1M", "smaller size first"),
            ("4K,1M:3", "4K:30"),
            ("4K:x", "not a weight"),
            ("4K:-1", "not a weight"),
            ("4K:0,1M:0", "more than 0"),
            ("lognormal:sigma=1", "mean=1MiB"),
            ("lognormal:mean=1M", "sigma=1"),
            ("lognormal:mean=1M,sigma=9", "0 to 5"),
            ("lognormal:mean=1M,sgima=1", "sgima"),
            ("lognormal:mean=1M,sigma=1,max=1K", "less than mean"),
        ] {
            let error = text.parse::<Sizes>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
