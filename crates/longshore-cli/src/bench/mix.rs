//! Which operations a mixed run is made of: `get=70,put=20,head=5,delete=5`.

use std::fmt;
use std::str::FromStr;

use super::chance::Chance;
use super::record::Verb;
use super::sizes::weight_of;

/// Operations with their weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mix {
    text: String,
    /// Each with the share of operations up to and with it; the last one has 1.
    shares: Vec<(Verb, f64)>,
}

impl Mix {
    /// Nothing but `verb`.
    pub(crate) fn only(verb: Verb) -> Self {
        Self { text: verb.name().to_owned(), shares: vec![(verb, 1.0)] }
    }

    /// The next operation.
    pub(crate) fn draw(&self, chance: &mut Chance) -> Verb {
        if let [(only, _)] = self.shares[..] {
            return only;
        }
        let drawn = chance.unit();
        self.shares.iter().find(|(_, up_to)| drawn < *up_to).or(self.shares.last()).map_or(Verb::Get, |(verb, _)| *verb)
    }

    /// Which share of operations is `verb`.
    pub(crate) fn share(&self, verb: Verb) -> f64 {
        let mut before = 0.0;
        for (known, up_to) in &self.shares {
            if *known == verb {
                return up_to - before;
            }
            before = *up_to;
        }
        0.0
    }

    pub(crate) fn has(&self, verb: Verb) -> bool {
        self.share(verb) > 0.0
    }

    /// Whether objects come or go.
    pub(crate) fn writes(&self) -> bool {
        self.has(Verb::Put) || self.has(Verb::Delete)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares: Vec<(Verb, f64)> = Vec::new();
        let mut sum = 0.0;
        for entry in text.split(',') {
            let (name, weight) = entry
                .split_once('=')
                .ok_or_else(|| format!("{entry:?} has no weight; write {entry}=70, as in get=70,put=30"))?;
            let verb = Verb::ALL.into_iter().find(|verb| verb.name() == name.trim()).ok_or_else(|| {
                let names: Vec<&str> = Verb::ALL.iter().map(|verb| verb.name()).collect();
                format!("{name:?} is no operation of a mix; there are {}", names.join(", "))
            })?;
            if shares.iter().any(|(known, _)| *known == verb) {
                return Err(format!("{name} is given twice"));
            }
            sum += weight_of(weight)?;
            shares.push((verb, sum));
        }
        if sum <= 0.0 {
            return Err("at least one weight must be more than 0".into());
        }
        for (_, up_to) in &mut shares {
            *up_to /= sum;
        }
        let mix = Self { text: text.trim().to_owned(), shares };
        if mix.share(Verb::Delete) > mix.share(Verb::Put) + 1e-9 {
            return Err(
                "delete must not have more weight than put, or there would soon be nothing left to delete".into()
            );
        }
        Ok(mix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_come_in_the_shares_that_were_asked_for() {
        let mix: Mix = "get=70,put=20,head=5,delete=5".parse().unwrap();
        let mut chance = Chance::new(3, [0, 0]);
        let mut counts = [0u32; 5];
        for _ in 0..10_000 {
            counts[mix.draw(&mut chance) as usize] += 1;
        }
        for (verb, share) in
            [(Verb::Get, 0.70), (Verb::Put, 0.20), (Verb::Head, 0.05), (Verb::Delete, 0.05), (Verb::List, 0.0)]
        {
            let found = f64::from(counts[verb as usize]) / 10_000.0;
            assert!((found - share).abs() < 0.02 && (mix.share(verb) - share).abs() < 1e-9, "{verb:?} {found}");
        }
        assert!(mix.writes() && !mix.has(Verb::List));
    }

    #[test]
    fn what_is_no_mix_says_why() {
        for (text, part) in [
            ("get", "get=70"),
            ("read=1", "there are get, put, head, delete, list"),
            ("get=1,get=2", "twice"),
            ("get=0", "more than 0"),
            ("put=1,delete=2", "nothing left"),
            ("get=-1", "not a weight"),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
