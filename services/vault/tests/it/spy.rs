//! What somebody who hears the whole bus and reads the whole disk learns of a secret: nothing.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use argentum_bus::Credential;
use argentum_testkit::{Sandbox, run, until};
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;

use crate::workshop::Workshop;

const CANARY: &str = "canary-8d1f0c6be24a";

/// Everything that goes over the bus from now on.
fn listen(sandbox: &Sandbox) -> Arc<Mutex<Vec<u8>>> {
    let pair = KeyPair::from_seed(&sandbox.spy()).unwrap();
    let mut stream = TcpStream::connect(sandbox.address()).unwrap();
    let mut info = [0; 4096];
    let length = stream.read(&mut info).unwrap();
    let nonce = String::from_utf8_lossy(&info[..length]).split("\"nonce\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let signature = BASE64URL_NOPAD.encode(&pair.sign(nonce.as_bytes()).unwrap());
    let public = pair.public_key();
    write!(stream, "CONNECT {{\"verbose\":false,\"nkey\":\"{public}\",\"sig\":\"{signature}\"}}\r\nSUB > 1\r\nPING\r\n").unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(length @ 1..) = stream.read(&mut bytes) {
            hearing.lock().unwrap().extend_from_slice(&bytes[..length]);
        }
    });
    heard
}

fn is_heard(heard: &Mutex<Vec<u8>>, text: &str) -> bool {
    heard.lock().unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => files_with(&path, text),
        false if fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes()) => vec![path.display().to_string()],
        false => Vec::new(),
    });
    found.collect()
}

#[test]
fn a_secret_is_neither_on_the_bus_nor_on_the_disk() {
    run(async {
        let mut workshop = Workshop::open().await;
        let heard = listen(&workshop.sandbox);
        until("the spy listens", async || is_heard(&heard, "PONG").then_some(())).await;
        workshop.put("provider/acme", CANARY).await.unwrap();
        let router = workshop.leases(Credential::ProviderRouter).await;
        assert!(router.secret("provider/acme").await.is_ok_and(|secret| secret.expose() == CANARY.as_bytes()));
        until("the lease", async || is_heard(&heard, "argentum.v1.vault.lease.provider-router").then_some(())).await;
        workshop.stop();
        assert!(!is_heard(&heard, CANARY));
        assert_eq!(files_with(&workshop.data_dir(), CANARY), Vec::<String>::new());
        assert!(!files_with(&workshop.data_dir(), "argentum-vault").is_empty(), "the search finds what is there");
    });
}
