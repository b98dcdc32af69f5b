//! Stores against servers that misbehave, over the loopback interface only.

mod azure;
mod certificates;
mod credentials;
mod double;
mod gcs;
mod home;
mod identities;
mod names;
mod place;
mod profiles;
mod redirects;
mod seam;
mod silence;
mod travel;
mod wire;
