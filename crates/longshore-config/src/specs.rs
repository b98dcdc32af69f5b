//! Every setting of every kind of store, for documents and for people who ask.

use std::fmt::Write;

use crate::given::Spec;
use crate::{AzureSettings, GcsSettings, S3Settings, Scheme, WebSettings};

/// The settings of a kind of store, in the order that a person reads them.
///
/// Each counts by itself, and whoever comes first counts: keyword, URI, variable, profile, default. Which of a setting's
/// variables or profile keys counts, where several are set, is their order. Keys are the exception: they are one set, see
/// [`S3Settings::resolve`].
pub fn specs(scheme: Scheme) -> Vec<&'static Spec> {
    match scheme {
        Scheme::S3 => S3Settings::specs(),
        Scheme::Gcs => GcsSettings::specs(),
        Scheme::Azure => AzureSettings::specs(),
        Scheme::Http => WebSettings::specs(),
        Scheme::File | Scheme::Memory | Scheme::Other => Vec::new(),
    }
}

/// The same as a table in Markdown.
pub fn table(scheme: Scheme) -> String {
    let specs = specs(scheme);
    // Only S3 has profiles, though some settings that every store has can stand in one.
    let has_profiles = scheme == Scheme::S3;
    let head = if has_profiles { (" profile |", "---|") } else { ("", "") };
    let mut table =
        format!("| option | what it decides | variables |{} default |\n|---|---|---|{}---|\n", head.0, head.1);
    for spec in specs {
        let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let mut names = vec![spec.name];
        names.extend(spec.also);
        let option = if spec.keyword { quoted(&names) } else { String::new() };
        let profile = if has_profiles { format!(" {} |", quoted(spec.profile)) } else { String::new() };
        let variables = quoted(spec.variables);
        // Writing to a text cannot fail.
        let _ = writeln!(table, "| {option} | {} | {variables} |{profile} {} |", spec.about, spec.default);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, Origin};

    /// A value that can be used for a setting. What is not listed is a truth.
    fn value(spec: &Spec, which: usize) -> String {
        match spec.name {
            "access_key_id" | "secret_access_key" | "session_token" | "region" | "sse_kms_key_id" => {
                format!("v{which}")
            }
            "endpoint" => format!("http://127.0.0.{which}:9"),
            "timeout" | "connect_timeout" | "retry_timeout" | "max_retries" => which.to_string(),
            "server_side_encryption" => "aws:kms".into(),
            "checksum_algorithm" => "sha256".into(),
            "sse_customer_key_base64" => format!("{}=", "A".repeat(43)),
            "profile" => "default".into(),
            _ => "false".into(),
        }
    }

    fn origin(spec: &Spec, options: &[(&str, String)], variables: &[(&str, String)], home: &str) -> Origin {
        let mut all = vec![("HOME".to_owned(), home.to_owned())];
        all.extend(variables.iter().map(|(name, value)| (name.to_string(), value.clone())));
        // Keys are a set: they come together or not at all.
        let companions = |of: &str| match spec.name {
            "access_key_id" => {
                vec![of.replace("access_key_id", "secret_access_key").replace("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
            }
            "secret_access_key" => {
                vec![of.replace("secret_access_key", "access_key_id").replace("SECRET_ACCESS_KEY", "ACCESS_KEY_ID")]
            }
            "session_token" if of.starts_with("AWS") => {
                vec!["AWS_ACCESS_KEY_ID".into(), "AWS_SECRET_ACCESS_KEY".into()]
            }
            "session_token" => vec!["access_key_id".into(), "secret_access_key".into()],
            "sse_bucket_key_enabled" => vec!["server_side_encryption".into()],
            _ => Vec::new(),
        };
        let mut given: crate::Options = options.iter().map(|(name, value)| (*name, value.clone())).collect();
        for (name, _) in options {
            for companion in companions(spec.name) {
                if companion != *name {
                    given.set(&companion, value(&Spec::new("server_side_encryption", ""), 1));
                }
            }
        }
        for (name, _) in variables {
            let companion = companions(name).into_iter().filter(|companion| companion.starts_with("AWS"));
            all.extend(companion.map(|companion| (companion, "k".to_owned())));
        }
        let environment: Environment = all.into_iter().collect();
        let (trail, _) = S3Settings::explain("b", given, &environment);
        let setting = trail.into_iter().find(|setting| setting.name == spec.name);
        setting.unwrap_or_else(|| panic!("{} was not asked for", spec.name)).origin
    }

    #[test]
    fn every_setting_of_s3_follows_one_precedence() {
        for spec in specs(Scheme::S3).into_iter().filter(|spec| spec.keyword && spec.name != "bucket") {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join(".aws")).unwrap();
            let plain = spec.profile.iter().find(|key| !key.contains('.'));
            let nested = spec.profile.iter().find_map(|key| key.strip_prefix("s3."));
            let mut lines = vec!["[default]".to_owned()];
            match (plain, nested) {
                (Some(key), _) => lines.push(format!("{key} = {}", value(spec, 1))),
                (None, Some(key)) => lines.extend(["s3 =".to_owned(), format!("  {key} = {}", value(spec, 1))]),
                (None, None) => {}
            }
            if ["access_key_id", "secret_access_key", "session_token"].contains(&spec.name) {
                lines.extend(["aws_access_key_id = k", "aws_secret_access_key = s"].map(str::to_owned));
            }
            std::fs::write(home.path().join(".aws/config"), lines.join("\n")).unwrap();
            let home = home.path().to_str().unwrap();

            let mut variables = Vec::new();
            let expected = if spec.profile.is_empty() { Origin::Default } else { Origin::Profile("default".into()) };
            assert_eq!(origin(spec, &[], &variables, home), expected, "{}", spec.name);
            // The first variable that is set counts.
            for name in spec.variables.iter().rev() {
                variables.push((name, value(spec, 2)));
                assert_eq!(origin(spec, &[], &variables, home), Origin::Variable(name), "{}", spec.name);
            }
            for name in std::iter::once(&spec.name).chain(spec.also) {
                let options = [(*name, value(spec, 3))];
                assert_eq!(origin(spec, &options, &variables, home), Origin::Keyword, "{name}");
            }
        }
    }

    #[test]
    fn no_two_settings_share_a_keyword_and_each_says_what_it_decides() {
        for scheme in [Scheme::S3, Scheme::Gcs, Scheme::Azure, Scheme::Http] {
            let mut seen = std::collections::BTreeSet::new();
            for spec in specs(scheme) {
                assert!(!spec.about.is_empty() && !spec.about.ends_with('.'), "{}", spec.name);
                for name in std::iter::once(&spec.name).chain(spec.also) {
                    assert!(seen.insert(*name), "{name} is there twice");
                }
            }
            assert!(seen.contains("timeout"), "{scheme:?}");
        }
    }

    #[test]
    fn the_reference_has_the_tables_of_settings() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../PYTHON_API_DOCUMENTATION.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut written = text.clone();
        for scheme in [Scheme::S3, Scheme::Gcs, Scheme::Azure, Scheme::Http] {
            let (begin, end) = (format!("<!-- settings of {} -->\n", scheme.name()), "<!-- end -->");
            let (before, rest) = written.split_once(&begin).expect("the mark where the table begins");
            let (_, after) = rest.split_once(end).expect("the mark where the table ends");
            written = format!("{before}{begin}{}{end}{after}", table(scheme));
        }
        if std::env::var_os("LONGSHORE_WRITE_TABLES").is_some() {
            std::fs::write(path, written).unwrap();
        } else {
            assert_eq!(text, written, "run the test with LONGSHORE_WRITE_TABLES=1 to write the tables anew");
        }
    }
}
