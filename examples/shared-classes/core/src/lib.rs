//! What the modules of `series` share. The classes are in `series_base`; whoever computes with them depends on this crate.

pub use longshore_share::SharedVec;
use longshore_share::shared_class;

shared_class! {
    module = "series_base";
    abi = 1;

    /// Numbers at equal distances, with a label.
    pub class Series;

    /// What every module reads in place.
    #[derive(Clone, Debug)]
    lend pub struct Samples {
        /// The numbers.
        pub values: SharedVec<f64>,
        /// Where the first one is.
        pub start: f64,
        /// From one to the next.
        pub step: f64,
    }

    /// What it is a series of.
    fn label(&self) -> String;
    /// The same numbers with another label.
    fn labelled(&self, label: &str) -> Result<Self>;
    /// The number at `index`.
    fn at(&self, index: usize) -> Result<f64>;
}

shared_class! {
    module = "series_base";
    abi = 1;

    /// How many neighbours count, and how much.
    pub class Window;

    /// Neighbours on each side.
    field width: u32;
    /// What they count, where the number itself counts 1.
    field weight: f64;

    /// A window of that width, in which all count the same.
    fn even(width: u32) -> Self;
    /// Makes it wider, and says how wide it was.
    fn widen(&mut self, by: u32) -> Result<u32>;
}
