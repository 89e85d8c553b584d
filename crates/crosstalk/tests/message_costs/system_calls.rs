//! Number of system calls that threads of gateways make, as strace counts them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use rustix::process::{PTracer, Pid, Signal, kill_process, set_ptracer};

/// A count that goes on. While it does, calls take much longer.
pub(crate) struct Count {
    strace: Child,
    said: BufReader<std::process::ChildStderr>,
}

impl Count {
    /// Begins to count calls of `threads`, where strace is there to do it.
    pub(crate) fn begin(threads: &[i32]) -> Option<Self> {
        // A child may look at its parent only if the parent says so.
        let _ = set_ptracer(PTracer::Any);
        let mut strace = Command::new("strace");
        strace.args(["-c", "-U", "calls,name", "-S", "none"]);
        for thread in threads {
            strace.arg("-p").arg(thread.to_string());
        }
        strace.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
        let mut strace = strace.stderr(Stdio::piped()).spawn().ok()?;
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        for _ in threads {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            assert!(line.contains("attached"), "{line}");
        }
        Some(Self { strace, said })
    }

    /// Ends it; the number of calls.
    pub(crate) fn end(mut self) -> u64 {
        kill_process(Pid::from_child(&self.strace), Signal::INT).unwrap();
        let calls = |line: String| {
            let (calls, name) = line.trim().split_once(char::is_whitespace)?;
            Some(calls.parse().unwrap_or(0)).filter(|_| name.trim() == "total")
        };
        let total = self.said.by_ref().lines().map_while(Result::ok).find_map(calls);
        self.strace.wait().unwrap();
        total.expect("strace to say how many there were")
    }
}
