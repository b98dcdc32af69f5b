//! The declaration of the class in `every.rs`, for whichever module has it.

macro_rules! declare_every {
    ($module:tt) => {
        /// What is shared.
        mod declared {
            use longshore_share::{SharedVec, shared_class};

            shared_class! {
                module = $module;
                abi = 1;

                /// Has every kind of method.
                pub class Every;

                /// Its text, which can be set.
                field text: String;
                /// The other one.
                fn not(&self, value: bool) -> bool;
                /// Each number twice.
                fn doubled(&self, values: &[i16]) -> SharedVec<i16>;
                /// The sum.
                fn sum(&self, a: i64, b: u8, c: f32) -> Result<f64>;
                /// Fails with that message.
                fn fail(&self, message: &str) -> Result<()>;
                /// Its name and its arguments have names that the macros use, too.
                fn table(&self, object: u8, out: u8, answer: u8, table: u8, token: u8) -> u8;
                /// Panics.
                fn panic(&self);
                /// Makes one, or fails.
                fn with(text: &str) -> Result<Self>;
            }
        }
    };
}
