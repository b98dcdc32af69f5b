//! What stands in `shared_class!`.

mod generic_class {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series<T>; }
}

mod generic_method {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn at<T>(&self) -> f64; }
}

mod future {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; async fn read(&self) -> f64; }
}

mod vector {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn values(&self) -> Vec<f64>; }
}

mod text {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn find(&self, name: String) -> f64; }
}

mod python {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn add(&self, other: &Bound<'_, PyAny>); }
}

mod map {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn of(names: HashMap<u8, u8>) -> Self; }
}

mod owned {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn close(self); }
}

mod body {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; fn one(&self) -> u8 { 1 } }
}

mod no_module {
    longshore_share::shared_class! { abi = 1; pub class Series; }
}

mod tuple {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; lend pub struct Data(f64); }
}

mod lent_and_set {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; lend pub struct Data { x: f64 } field y: f64; }
}

mod lent_twice {
    longshore_share::shared_class! { module = "base"; abi = 1; pub class Series; lend pub struct Data { x: f64 } fn cast(&self); }
}

fn main() {}
