//! Sizes as people write and read them.

/// Reads `100KB`, `1MiB`, `4k`, `1.5GB` or plain bytes. `K`, `M`, `G`, `T` alone and with `iB` are powers of 1024, with `B`
/// powers of 1000.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..digits], trimmed[digits..].trim().to_ascii_lowercase());
    let wrong = || format!("{text:?} is not a size; write bytes, or 100KB, 64k, 1MiB, 1.5GB");
    let power = match unit.chars().next() {
        None | Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        _ => return Err(wrong()),
    };
    let base: u64 = match (power, &unit[unit.len().min(1)..]) {
        (0, "") | (_, "" | "i" | "ib") if !(power == 0 && unit.len() > 1) => 1024,
        (1.., "b") => 1000,
        _ => return Err(wrong()),
    };
    let unit = base.pow(power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit).ok_or_else(|| format!("{text:?} is too large"));
    }
    let fraction: f64 = number.parse().map_err(|_| wrong())?;
    let bytes = fraction * unit as f64;
    if bytes > 1e18 {
        return Err(format!("{text:?} is too large"));
    }
    if bytes.fract() != 0.0 && power == 0 { Err(wrong()) } else { Ok(bytes.round() as u64) }
}

/// A size in units of 1024: `30.8M`, `5K`, `17`. As s5cmd writes them, one decimal at most.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be rounded to 1024.0 is 1.0 of the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_kinds_of_units() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("17B", 17),
            ("100KB", 100_000),
            ("64k", 65_536),
            ("1MiB", 1 << 20),
            ("1m", 1 << 20),
            ("1.5GB", 1_500_000_000),
            ("0.5K", 512),
            (" 2 GiB ", 2 << 30),
            ("1TB", 1_000_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "1X", "-1", "1.5", "1KiBs", "1BB", "1ib", "20000000TB", "k"] {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        for (bytes, text) in
            [(0, "0"), (1023, "1023"), (1024, "1.0K"), (32_296_141, "30.8M"), (1 << 20, "1.0M"), (1048575, "1.0M")]
        {
            assert_eq!(human(bytes), text);
        }
    }
}
