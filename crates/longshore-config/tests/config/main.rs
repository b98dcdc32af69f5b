//! Stores against servers that misbehave, over the loopback interface only.

mod certificates;
mod credentials;
mod place;
mod profiles;
mod silence;
mod wire;
