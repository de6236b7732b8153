use realtime_std::{Config, WebSocket};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may keep a client waiting: forever would hang the tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A loop in a process of its own, which ends with this.
pub(crate) struct Server {
    process: Child,
    uri: String,
}

impl Server {
    /// `None` where the system does not let it run, which is said aloud.
    pub(crate) fn start(executable: &str, program: &str) -> Option<Self> {
        let mut process = Command::new(executable)
            .args([program, "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut uri = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut uri).unwrap();
        let server = Self { process, uri: uri.trim_end().into() };
        if server.uri.is_empty() {
            server.skip();
            return None;
        }
        Some(server)
    }

    fn skip(mut self) {
        let mut why = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
        assert!(why.contains("io_uring:"), "a server ended at once: {why}");
        // Past the macros, whose output a test that passes does not show.
        let _ = write!(io::stderr(), "skipped: {why}");
    }

    pub(crate) fn connect(&self) -> WebSocket {
        let config = Config { max_message_bytes: 64 * 1024 * 1024, ..Config::default() };
        WebSocket::connect(&self.uri, config).unwrap()
    }

    /// A TCP connection and no more.
    pub(crate) fn connect_raw(&self) -> TcpStream {
        let stream = TcpStream::connect(self.uri.trim_start_matches("ws://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails if the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
