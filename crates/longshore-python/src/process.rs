//! What is about the process or a configuration, and not about objects.

use longshore_config::{Environment, Location, open};
use longshore_engine::doctor::{Report, examine};
use longshore_runtime::Shelf;
use longshore_runtime::configuration::Configuration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arguments::{text, whole};
use crate::call::{Call, How};
use crate::errors::invalid;
use crate::stores::read_options;

#[pyfunction]
pub(crate) fn configure(
    py: Python<'_>,
    threads: &Bound<'_, PyAny>,
    memory: &Bound<'_, PyAny>,
    connections: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let number = |name: &str, value: &Bound<'_, PyAny>| match value.is_none() {
        true => Ok(None),
        false => whole(name, value, 1).map(Some),
    };
    let count = |name: &str, value: &Bound<'_, PyAny>| match number(name, value)? {
        // More than this could not be started, and would be a mistake.
        Some(count @ 65_537..) => Err(invalid(py, &format!("{name} must be at most 65536, not {count}"))),
        count => Ok(count.map(|count| count as usize)),
    };
    let wanted = Configuration {
        threads: count("threads", threads)?,
        memory: number("memory", memory)?,
        connections: count("connections", connections)?,
    };
    wanted.apply().map_err(|refusal| invalid(py, &refusal.to_string()))
}

#[pyfunction]
pub(crate) fn doctor<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let options = read_options(options)?;
    let environment = Environment::read();
    // The client is made here, attached, because a new one reads the environment. What cannot be made is told below.
    if let Ok(location) = Location::parse(&uri)
        && let Ok(store) = open(&location, options.clone(), &environment)
    {
        let _ = store.live();
    }
    Call::new(py, how, None)
        .run(|_, _| async move { Ok(examine(&uri, options, &environment, &|_| {}).await) }, describe)
}

fn describe(py: Python<'_>, report: Report, _shelf: &mut Shelf) -> PyResult<Py<PyAny>> {
    let settings = PyList::empty(py);
    for setting in &report.settings {
        let entry = PyDict::new(py);
        entry.set_item("name", setting.name)?;
        entry.set_item("value", &setting.value)?;
        entry.set_item("origin", setting.origin.to_string())?;
        settings.append(entry)?;
    }
    let steps = PyList::empty(py);
    for step in &report.steps {
        let entry = PyDict::new(py);
        entry.set_item("name", step.name)?;
        entry.set_item("state", step.state.name())?;
        entry.set_item("said", &step.said)?;
        entry.set_item("advice", step.advice.as_deref())?;
        entry.set_item("seconds", step.took.as_secs_f64())?;
        steps.append(entry)?;
    }
    let all = PyDict::new(py);
    all.set_item("uri", &report.uri)?;
    all.set_item("healthy", report.failure().is_none())?;
    all.set_item("settings", settings)?;
    all.set_item("steps", steps)?;
    Ok(all.into_any().unbind())
}
