//! Messages per second, one publisher to 1 and to 8 subscribers, beside a real nats-server in the same run.
//!
//! `cargo run --release -p argentum-bus-server --example bench [MESSAGES]`, after the example `nats-server` is built. The real server is named by
//! `ARGENTUM_PEER_NATS_SERVER`; without it only this server is measured. Clients are raw sockets on loopback, so that they cost little themselves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PAYLOAD_BYTES: usize = 128;
const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

/// A server process that ends with this value.
struct Server {
    child: Child,
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let messages: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let ours = std::env::current_exe()?.with_file_name("nats-server");
    let real = std::env::var_os("ARGENTUM_PEER_NATS_SERVER").map(PathBuf::from);
    println!("{messages} messages of {PAYLOAD_BYTES} B; thousand messages/s out of the server, request round trips in µs");
    for (name, path) in [("argentum", Some(ours)), ("nats-server", real)] {
        let Some(path) = path else { continue };
        let server = Server::start(&path)?;
        let one = fan_out(server.address, messages, 1)?;
        let eight = fan_out(server.address, messages / 8, 8)?;
        let trip = round_trip(server.address, 5_000)?;
        println!("{name:>12}: 1 → 1 {one:8.0}   1 → 8 {eight:8.0}   round trip {trip:6.1}   resident {}", server.resident());
    }
    Ok(())
}

/// Deliveries per second in thousands.
fn fan_out(address: SocketAddr, messages: usize, subscribers: usize) -> Result<f64, Failure> {
    let streams = (0..subscribers).map(|_| open(address, b"SUB bench 1\r\n")).collect::<Result<Vec<_>, _>>()?;
    let message = [format!("PUB bench {PAYLOAD_BYTES}\r\n").as_bytes(), &[b'x'; PAYLOAD_BYTES], b"\r\n"].concat();
    let wire_bytes = messages * (format!("MSG bench 1 {PAYLOAD_BYTES}\r\n").len() + PAYLOAD_BYTES + 2);
    let mut publisher = open(address, b"")?;
    let start = Instant::now();
    let readers: Vec<_> = streams.into_iter().map(|stream| thread::spawn(move || swallow(stream, wire_bytes))).collect();
    let portion = message.repeat(200);
    for _ in 0..messages / 200 {
        publisher.write_all(&portion)?;
    }
    publisher.write_all(&message.repeat(messages % 200))?;
    for reader in readers {
        reader.join().map_err(|_| "a reader failed")??;
    }
    Ok(messages as f64 * subscribers as f64 / start.elapsed().as_secs_f64() / 1000.0)
}

/// One request and its reply over two connections, in microseconds.
fn round_trip(address: SocketAddr, rounds: u32) -> Result<f64, Failure> {
    let (mut asker, mut service) = (open(address, b"SUB reply 1\r\n")?, open(address, b"SUB ask 1\r\n")?);
    thread::spawn(move || -> Result<(), Failure> {
        loop {
            swallow_some(&mut service, b"MSG ask 1 reply 0\r\n\r\n".len())?;
            service.write_all(b"PUB reply 0\r\n\r\n")?;
        }
    });
    let start = Instant::now();
    for _ in 0..rounds {
        asker.write_all(b"PUB ask reply 0\r\n\r\n")?;
        swallow_some(&mut asker, b"MSG reply 1 0\r\n\r\n".len())?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds))
}

/// Connects and waits until the text is in force.
fn open(address: SocketAddr, text: &[u8]) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(&[CONNECT, text, b"PING\r\n"].concat())?;
    let mut lines = BufReader::new(&stream);
    let mut line = String::new();
    while line != "PONG\r\n" {
        line.clear();
        lines.read_line(&mut line)?;
    }
    Ok(stream)
}

fn swallow(mut stream: TcpStream, bytes: usize) -> Result<(), Failure> {
    swallow_some(&mut stream, bytes)
}

fn swallow_some(stream: &mut TcpStream, mut bytes: usize) -> Result<(), Failure> {
    let mut buffer = vec![0; 256 * 1024];
    while 0 < bytes {
        let most = bytes.min(buffer.len());
        match stream.read(&mut buffer[..most])? {
            0 => return Err("the server closed the connection".into()),
            count => bytes -= count,
        }
    }
    Ok(())
}

// === impl Server ===

impl Server {
    fn start(path: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(path).args(["-a", "127.0.0.1", "-p", "-1"]).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
        let address = loop {
            let line = lines.next().ok_or("the server ended")??;
            if let Some((_, address)) = line.split_once("client connections on ") {
                break address.parse()?;
            }
        };
        thread::spawn(move || lines.count());
        thread::sleep(Duration::from_millis(200));
        Ok(Self { child, address })
    }

    fn resident(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("?").trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
