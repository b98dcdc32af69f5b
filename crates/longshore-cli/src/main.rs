//! The binary `longshore`. All of it is in the library, which the Python wheel uses as well.

#![forbid(unsafe_code)]

fn main() {
    std::process::exit(longshore_cli::run(std::env::args_os().skip(1)));
}
