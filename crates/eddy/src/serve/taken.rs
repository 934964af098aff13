//! Why a port cannot be had, in words that say what to do.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::Env;
use eddy_base::env::timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long whoever has the port may take to say who it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The sentence for a port that could not be listened on.
pub async fn taken(env: &Arc<dyn Env>, address: SocketAddr, why: &io::Error) -> String {
    if why.kind() != io::ErrorKind::AddrInUse {
        return format!("cannot listen on {address}: {why}; choose another address with --listen IP:PORT");
    }
    let who = timeout(env, ANSWER_WITHIN, ask(env, address)).await.ok().and_then(Result::ok);
    let who = who.unwrap_or_else(|| "a program that does not speak HTTP answers there".to_owned());
    format!("port {} is in use: {who}; choose another with --listen {}:PORT", address.port(), address.ip())
}

/// Asks for eddy's health; whoever answers tells who it is.
async fn ask(env: &Arc<dyn Env>, address: SocketAddr) -> io::Result<String> {
    let mut stream = env.connect(address).await?;
    let request = format!("GET /_eddy/health HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Ok(describe(&answer))
}

fn describe(answer: &str) -> String {
    let header = |name: &str| {
        let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    match (answer.starts_with("HTTP/"), header("server")) {
        (true, Some(server)) if server.starts_with("eddy") => "another eddy answers there".to_owned(),
        (true, Some(server)) => format!("{server} answers there"),
        (true, None) => "an HTTP server that does not say its name answers there".to_owned(),
        (false, _) => "a program that does not speak HTTP answers there".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_answers_is_named() {
        for (answer, who) in [
            ("HTTP/1.1 200 OK\r\nServer: eddy/0.1.0\r\n\r\n", "another eddy answers there"),
            ("HTTP/1.1 200 OK\r\nserver: nginx\r\n\r\n", "nginx answers there"),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "an HTTP server that does not say its name answers there"),
            ("SSH-2.0-OpenSSH_9.2", "a program that does not speak HTTP answers there"),
        ] {
            assert_eq!(describe(answer), who);
        }
    }
}
