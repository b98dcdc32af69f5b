//! What counts of what was said about a container, in the words of keywords.
//!
//! Credentials are a set, of which the nearest counts, and a connection string says many things at once. So what counts is told
//! from the settings, and who said it from the trail.

use super::credentials::Source;
use super::settings::{AzureSettings, Signing};
use super::specs::{
    ACCOUNT_KEY, ACCOUNT_NAME, AUTHORITY_HOST, BEARER_TOKEN, CLIENT_ID, CLIENT_SECRET, CONNECTION_STRING, EMULATOR_URL,
    ENDPOINT, FEDERATED_TOKEN_FILE, IDENTITY_HEADER, MSI_ENDPOINT, MSI_RESOURCE_ID, OBJECT_ID, SAS_TOKEN,
    SKIP_SIGNATURE, TENANT_ID, USE_AZURE_CLI, USE_EMULATOR, USE_FABRIC_ENDPOINT,
};
use crate::given::{Given, Origin, Spec};

/// Who has to be named for tokens, in every way.
const FETCHED: [&Spec; 10] = [
    &CLIENT_ID,
    &CLIENT_SECRET,
    &TENANT_ID,
    &AUTHORITY_HOST,
    &FEDERATED_TOKEN_FILE,
    &MSI_ENDPOINT,
    &IDENTITY_HEADER,
    &OBJECT_ID,
    &MSI_RESOURCE_ID,
    &USE_AZURE_CLI,
];

/// Leaves of what was said what counts.
pub(super) fn note(given: &mut Given<'_>, settings: &AzureSettings, emulator: bool) {
    let account = given.origin(&[&ACCOUNT_NAME, &ENDPOINT, &CONNECTION_STRING, &USE_EMULATOR]);
    let endpoint = given.origin(&[&ENDPOINT, &EMULATOR_URL, &CONNECTION_STRING, &USE_EMULATOR, &USE_FABRIC_ENDPOINT]);
    let key = given.origin(&[&ACCOUNT_KEY, &CONNECTION_STRING, &USE_EMULATOR]);
    let signature = given.origin(&[&SAS_TOKEN, &CONNECTION_STRING]);
    let token = given.origin(&[&BEARER_TOKEN]);
    let unsigned = given.origin(&[&SKIP_SIGNATURE]);
    given.disregard(&[
        &ACCOUNT_NAME,
        &ENDPOINT,
        &EMULATOR_URL,
        &CONNECTION_STRING,
        &USE_EMULATOR,
        &USE_FABRIC_ENDPOINT,
    ]);
    given.disregard(&[&ACCOUNT_KEY, &SAS_TOKEN, &BEARER_TOKEN, &SKIP_SIGNATURE]);

    let AzureSettings { account: name, endpoint: address, signing, .. } = settings;
    say(given, &ACCOUNT_NAME, name, account);
    // An address in full says that no emulator is meant, or which one.
    if emulator || *address != format!("https://{name}.blob.core.windows.net") {
        say(given, &ENDPOINT, address, endpoint);
    }
    let counts: &[&Spec] = match signing {
        Signing::From(Source::Secret { .. }) => &[&CLIENT_ID, &CLIENT_SECRET, &TENANT_ID, &AUTHORITY_HOST],
        Signing::From(Source::Workload { .. }) => &[&CLIENT_ID, &TENANT_ID, &AUTHORITY_HOST, &FEDERATED_TOKEN_FILE],
        Signing::From(Source::Identity { endpoint: None, .. }) => &[&CLIENT_ID, &OBJECT_ID, &MSI_RESOURCE_ID],
        Signing::From(Source::Identity { endpoint: Some(_), .. }) => {
            &[&CLIENT_ID, &OBJECT_ID, &MSI_RESOURCE_ID, &MSI_ENDPOINT, &IDENTITY_HEADER]
        }
        Signing::From(Source::Cli { .. }) => &[&USE_AZURE_CLI],
        _ => &[],
    };
    let others: Vec<&Spec> =
        FETCHED.into_iter().filter(|spec| counts.iter().all(|counts| counts.name != spec.name)).collect();
    given.disregard(&others);
    match signing {
        Signing::Unsigned => say(given, &SKIP_SIGNATURE, "true", unsigned),
        Signing::Key(secret) => say(given, &ACCOUNT_KEY, &secret.0, key),
        Signing::Signature(secret) => say(given, &SAS_TOKEN, &secret.0, signature),
        Signing::Token(secret) => say(given, &BEARER_TOKEN, &secret.0, token),
        Signing::From(_) | Signing::By(_) => {}
    }
}

fn say(given: &mut Given<'_>, spec: &Spec, text: &str, origin: Option<Origin>) {
    given.configure(spec, text, origin.unwrap_or(Origin::Keyword));
}
