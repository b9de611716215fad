//! How a vendor is reached: TLS with authorities of one's own, proxies, and nobody at home.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use argentum_service::outgoing::OutgoingError;
use argentum_testkit::{run, vendor::FakeVendor};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A name that only the proxy knows.
const NAME: &str = "vendor.test";

/// TLS in front of a vendor, by an authority that nobody else knows.
struct Front {
    address: SocketAddr,
    folder: TempDir,
}

/// A proxy that notes what it is asked, and leads everything to one place or, without one, nowhere.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

// === impl Front ===

impl Front {
    async fn of(vendor: &FakeVendor) -> Self {
        let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = ca.self_signed(&ca_key).unwrap();
        let names = ["127.0.0.1".to_owned(), NAME.to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let (acceptor, target) = (TlsAcceptor::from(Arc::new(config)), vendor.address());
        let address = listen(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    join(stream, target).await;
                }
            }
        });
        Self { address: address.await, folder }
    }

    fn ca_file(&self) -> Option<PathBuf> {
        Some(self.folder.path().join("ca.pem"))
    }

    fn base_url(&self) -> Option<String> {
        Some(format!("https://{}/v1", self.address))
    }
}

// === impl Proxy ===

impl Proxy {
    async fn to(target: Option<SocketAddr>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let address = listen(move |stream| {
            let noted = Arc::clone(&noted);
            async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|length| 2 < length) {
                    noted.lock().unwrap().push(std::mem::take(&mut line).trim().to_owned());
                }
                let answer =
                    if target.is_some() { "HTTP/1.1 200 OK\r\n\r\n" } else { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" };
                let is_told = stream.write_all(answer.as_bytes()).await.is_ok();
                if let Some(target) = target.filter(|_| is_told) {
                    join(stream, target).await;
                }
            }
        });
        Self { address: address.await, asked }
    }

    fn url(&self) -> Option<String> {
        Some(format!("http://{}", self.address))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Serves whoever connects. It ends with the test's runtime.
async fn listen<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn join(mut stream: impl AsyncRead + AsyncWrite + Unpin, target: SocketAddr) {
    if let Ok(mut target) = TcpStream::connect(target).await {
        // Either side may hang up.
        let _ = copy_bidirectional(&mut stream, &mut target).await;
    }
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named_and_only_there() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            let front = Front::of(&vendor).await;
            let without = Provider { base_url: front.base_url(), ..provider(kind, &vendor) };
            let told = Told::by(&without).await;
            assert_eq!((told.class(), vendor.asked()), ((FailureClass::Unreachable, true), 0), "{kind} {told:?}");
            let told = Told::by(&Provider { extra_ca_file: front.ca_file(), ..without }).await;
            assert_eq!((told.text().as_str(), told.failure.is_none()), ("Hello.", true), "{kind} {told:?}");
        }
    });
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| Some(folder.path().join(name));
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    std::fs::write(folder.path().join("odd.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let fault = |name: &str| Endpoint::new(&Provider { extra_ca_file: path(name), ..Provider::default() }).err().unwrap();
    assert!(matches!(fault("gone.pem"), OutgoingError::Authorities { path, .. } if path.ends_with("gone.pem")));
    assert!(matches!(fault("empty.pem"), OutgoingError::NoAuthority { path } if path.ends_with("empty.pem")));
    assert!(matches!(fault("odd.pem"), OutgoingError::Untrusted { path, .. } if path.ends_with("odd.pem")));
}

#[test]
fn a_vendor_behind_tls_is_reached_through_a_proxy_that_sees_only_its_name() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            let front = Front::of(&vendor).await;
            let proxy = Proxy::to(Some(front.address)).await;
            let base_url = Some(format!("https://{NAME}/v1"));
            let way = Provider { base_url, proxy: proxy.url(), extra_ca_file: front.ca_file(), ..provider(kind, &vendor) };
            let told = Told::by(&way).await;
            assert_eq!((told.text().as_str(), told.failure.is_none()), ("Hello.", true), "{kind} {told:?}");
            let asked = proxy.asked();
            assert_eq!(asked[0], "CONNECT vendor.test:443 HTTP/1.1", "{kind}");
            assert!(!asked.iter().any(|line| line.contains("canary")), "{kind} {asked:?}");
        }
    });
}

#[test]
fn a_vendor_without_tls_is_asked_for_at_the_proxy_by_its_whole_address() {
    run(async {
        let (vendor, proxy) = (FakeVendor::start(), Proxy::to(None).await);
        let base_url = Some(format!("http://{NAME}/v1"));
        Told::by(&Provider { base_url, proxy: proxy.url(), ..provider(Kind::OpenAi, &vendor) }).await;
        assert_eq!(proxy.asked()[0], "POST http://vendor.test/v1/chat/completions HTTP/1.1");
    });
}

#[test]
fn a_proxy_that_refuses_leaves_the_vendor_unreachable() {
    run(async {
        let (vendor, proxy) = (FakeVendor::start(), Proxy::to(None).await);
        let base_url = Some(format!("https://{NAME}/v1"));
        let told = Told::by(&Provider { base_url, proxy: proxy.url(), ..provider(Kind::OpenAi, &vendor) }).await;
        assert_eq!(told.class(), (FailureClass::Unreachable, true), "{told:?}");
    });
}

#[test]
fn this_machine_is_never_asked_for_through_a_proxy() {
    run(async {
        let (vendor, proxy) = (FakeVendor::start(), Proxy::to(None).await);
        let told = Told::by(&Provider { proxy: proxy.url(), ..provider(Kind::OpenAi, &vendor) }).await;
        assert_eq!((told.text().as_str(), proxy.asked().len()), ("Hello.", 0), "{told:?}");
    });
}

#[test]
fn where_nobody_listens_nothing_has_left() {
    run(async {
        for scheme in ["http", "https"] {
            let vendor = FakeVendor::start();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base_url = Some(format!("{scheme}://{}/v1", listener.local_addr().unwrap()));
            drop(listener);
            let told = Told::by(&Provider { base_url, ..provider(Kind::OpenAi, &vendor) }).await;
            assert_eq!(told.class(), (FailureClass::Unreachable, true), "{scheme} {told:?}");
        }
    });
}

#[test]
fn where_nobody_speaks_tls_nothing_has_left() {
    run(async {
        let vendor = FakeVendor::start();
        let base_url = Some(format!("https://{}/v1", vendor.address()));
        let told = Told::by(&Provider { base_url, ..provider(Kind::OpenAi, &vendor) }).await;
        assert_eq!((told.class(), vendor.asked()), ((FailureClass::Unreachable, true), 0), "{told:?}");
    });
}
