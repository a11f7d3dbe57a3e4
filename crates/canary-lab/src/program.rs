//! Programs that run beside the lab, each with a guard that stops it when its owner ends, however that happens.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A shell script that runs the program given as its arguments and stops it when standard input ends, which also happens
/// when the owner is killed.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ read -r _ <&3; kill "$child"; sleep 2; kill -9 "$child"; } >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$child"
code=$?
kill "$guard" 2>/dev/null
exit "$code"
"#;

/// The longest time that a program may take to stop.
const STOP: Duration = Duration::from_secs(4);
/// The pause between two looks at it.
const PAUSE: Duration = Duration::from_millis(2);

/// A running program; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Program {
    guard: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program whose standard error goes to a file; `settings` adds arguments and so on.
    pub(crate) fn start(
        binary: &Path,
        log: &Path,
        settings: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard"]).arg(binary);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(fs::File::create(log)?);
        settings(&mut command);
        Ok(Self { guard: command.spawn()?, log: log.to_owned() })
    }

    /// Its standard output, when it was piped and nobody has taken it.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.guard.stdout.take()
    }

    /// The reason why it will not become ready, with the last lines that it wrote: it has ended, or `end` has passed.
    pub(crate) fn failure(&mut self, started: Instant, limit: Duration) -> Option<String> {
        let why = match self.guard.try_wait() {
            Ok(Some(status)) => format!("it ended with {status}"),
            _ if started.elapsed() > limit => {
                format!("it is not ready after {} s", limit.as_secs())
            }
            _ => return None,
        };
        Some(format!("{why}: {}", self.log_tail()))
    }

    /// The number of bytes that it has written to its log.
    pub(crate) fn log_length(&self) -> usize {
        fs::metadata(&self.log)
            .map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX))
    }

    /// Its log after the first `start` bytes.
    pub(crate) fn log_from(&self, start: usize) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(start..).unwrap_or_default()).trim().to_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log_from(0);
        let lines: Vec<&str> = log.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Closing its input tells the shell script to stop the program.
        drop(self.guard.stdin.take());
        let end = Instant::now() + STOP;
        while Instant::now() < end && !matches!(self.guard.try_wait(), Ok(Some(_)) | Err(_)) {
            std::thread::sleep(PAUSE);
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

/// A folder that only this user can read; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes one among the temporary files.
    pub(crate) fn new(purpose: &str) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.subsec_nanos());
        let name = format!("canary-{purpose}-{}-{number}-{nanos}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
