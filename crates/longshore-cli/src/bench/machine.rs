//! What the run cost this machine, and what machine it is.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// Where a run was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Processors that this process may use.
    pub(crate) cpus: u64,
    /// What the first of them is called, where the system says so.
    pub(crate) cpu_model: Option<String>,
    /// The operating system with its version.
    pub(crate) kernel: String,
    pub(crate) architecture: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let kernel = nix::sys::utsname::uname().map_or_else(
            |_| std::env::consts::OS.to_owned(),
            |name| format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
        );
        Self {
            cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
            cpu_model: model,
            kernel,
            architecture: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// Processor time of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    /// All of it so far.
    pub(crate) fn now() -> Self {
        // It cannot be refused for the process itself.
        getrusage(UsageWho::RUSAGE_SELF).map_or_else(
            |_| Self::default(),
            |usage| Self { user: duration(usage.user_time()), system: duration(usage.system_time()) },
        )
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user.saturating_sub(earlier.user), system: self.system.saturating_sub(earlier.system) }
    }

    pub(crate) fn seconds(self) -> f64 {
        (self.user + self.system).as_secs_f64()
    }
}

fn duration(time: TimeVal) -> Duration {
    Duration::new(time.tv_sec().unsigned_abs(), 0) + Duration::from_micros(time.tv_usec().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_processor_time() {
        let before = Cpu::now();
        let mut sum = 0u64;
        while Cpu::now().since(before).user + Cpu::now().since(before).system < Duration::from_millis(20) {
            sum = (0..10_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(Cpu::now().since(before).seconds() >= 0.02);
    }
}
