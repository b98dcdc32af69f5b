//! What is in an `Input` and in an `Output`, with one layout for every module.

use longshore_share::shared_value;

shared_value! {
    abi = 1;

    /// What goes in.
    pub struct Input {
        /// Across.
        pub x: i32,
        /// Up.
        pub y: i32,
    }
}

shared_value! {
    abi = 1;

    /// What comes out.
    pub struct Output {
        /// Across.
        pub x: i32,
        /// Up.
        pub y: i32,
    }
}
