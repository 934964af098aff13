//! One eddy, started for an experiment in a folder of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use eddy_wire::sign::Credentials;
use serde_json::Value;

/// A serving eddy; ended with whatever holds it.
pub struct Server {
    child: Child,
    folder: PathBuf,
    pub address: SocketAddr,
    pub ready_after: Duration,
    python: OnceLock<String>,
}

impl Server {
    /// Starts eddy over `folder` on a free port and waits until it serves.
    ///
    /// # Errors
    /// When it ends or stays silent instead.
    pub fn start(folder: &Path, words: &[&str]) -> Result<Server, String> {
        let port = free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let log = File::options().create(true).append(true).open(folder.with_file_name("eddy.log"));
        let log = log.map_err(|why| why.to_string())?;
        let started = Instant::now();
        let mut command = command(folder, words, address)?;
        command.stdout(Stdio::piped()).stderr(log.try_clone().map_err(|why| why.to_string())?);
        let mut child = command.spawn().map_err(|why| format!("cannot start eddy: {why}"))?;
        let output = child.stdout.take().expect("stdout was asked for as a pipe");
        let mut server = Server {
            child,
            folder: folder.into(),
            address,
            ready_after: Duration::ZERO,
            python: OnceLock::new(),
        };
        server.wait_until_it_serves(output, log)?;
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// Starts eddy over `folder` and kills it after a while, ready or not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_and_kill(folder: &Path, after: Duration) -> Result<(), String> {
        let mut command = command(folder, &[], SocketAddr::from(([127, 0, 0, 1], free_port()?)))?;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.as_mut().map_err(|why| format!("cannot start eddy: {why}"))?;
        std::thread::sleep(after);
        // It may have ended by itself; either way it must be reaped.
        drop(child.kill());
        drop(child.wait());
        Ok(())
    }

    /// Its first line of output says that it serves; the rest goes to the log.
    fn wait_until_it_serves(&mut self, output: ChildStdout, mut log: File) -> Result<(), String> {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).map_err(|why| why.to_string())?;
        if line.is_empty() {
            let status = self.child.wait().map_err(|why| why.to_string())?;
            return Err(format!("eddy ended with {status} instead of serving; see eddy.log"));
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut log));
        Ok(())
    }

    /// What `eddy env --json` says of this server.
    pub fn key(&self) -> Result<Credentials, String> {
        let program = std::env::var_os("EDDY").ok_or("EDDY must name the eddy to run")?;
        let output = Command::new(program).args(["env", "--json", "--data"]).arg(&self.folder).output();
        let output = output.map_err(|why| why.to_string())?;
        let document: Value =
            serde_json::from_slice(&output.stdout).map_err(|why| format!("eddy env: {why}"))?;
        let text =
            |name: &str| document[name].as_str().map(str::to_owned).ok_or(format!("eddy env lacks {name}"));
        let (access_key, secret_key) = (text("AWS_ACCESS_KEY_ID")?, text("AWS_SECRET_ACCESS_KEY")?);
        Ok(Credentials { access_key, secret_key, token: None })
    }

    /// The newest Python runtime of this machine, as `eddy doctor` tells it.
    pub fn python(&self) -> Result<String, String> {
        if let Some(known) = self.python.get() {
            return Ok(known.clone());
        }
        let program = std::env::var_os("EDDY").ok_or("EDDY must name the eddy to run")?;
        let output = Command::new(program).args(["doctor", "--json", "--data"]).arg(&self.folder).output();
        let output = output.map_err(|why| why.to_string())?;
        let document: Value =
            serde_json::from_slice(&output.stdout).map_err(|why| format!("eddy doctor: {why}"))?;
        let newest = document["pythons"].as_array().and_then(|all| all.last());
        let name = newest.and_then(|python| python["runtime"].as_str());
        let name = name.ok_or("this machine has no Python that functions can run on")?;
        Ok(self.python.get_or_init(|| name.to_owned()).clone())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, as a power cut for a process.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself; either way it must be reaped.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn command(folder: &Path, words: &[&str], address: SocketAddr) -> Result<Command, String> {
    let program = std::env::var_os("EDDY").ok_or("EDDY must name the eddy to run")?;
    let mut command = Command::new(program);
    command.args(["up", "--json"]).args(words).args(["--listen", &address.to_string(), "--data"]).arg(folder);
    command.stdin(Stdio::null());
    Ok(command)
}

fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|why| why.to_string())?;
    Ok(listener.local_addr().map_err(|why| why.to_string())?.port())
}
