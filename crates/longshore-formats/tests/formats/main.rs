//! What the crate promises, from outside.

mod content;
mod damage;
mod fixtures;
mod hostile;
mod sizes;
