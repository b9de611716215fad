//! Answers that are streams: order, credit, and what happens when either side goes.

use std::time::{Duration, Instant};

use actix::{Actor, Addr, Context, Handler};
use argentum_bus::{
    Account, AccountBus, Credential, Delivery, ErrorCode, FRAME_BYTES_MAX, Fault, Frames, Serving, StreamCall, StreamCredit, StreamReply,
    Unwanted, WINDOW_BYTES,
};
use argentum_proto::provider::v1::{
    CompleteFrame, CompleteRequest, CompletionEnded, GrantCredit,
    complete_frame::Content::{self, Ended, Text},
};
use tokio::sync::mpsc;

use argentum_testkit::{PATIENCE, Sandbox, run, web};

type Reply = StreamReply<CompleteFrame>;

/// Hands every stream to the test, and the grants to the newest one.
struct Server {
    replies: mpsc::Sender<Reply>,
    credit: Option<StreamCredit>,
}

impl Actor for Server {
    type Context = Context<Self>;
}

impl Handler<StreamCall<CompleteRequest>> for Server {
    type Result = ();

    fn handle(&mut self, call: StreamCall<CompleteRequest>, _: &mut Context<Self>) {
        self.credit = Some(call.reply.credit());
        self.replies.try_send(call.reply).unwrap();
    }
}

impl Handler<Delivery<GrantCredit>> for Server {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<GrantCredit>, _: &mut Context<Self>) {
        self.credit.as_ref().unwrap().granted(&body);
    }
}

/// A router that does as the test says, and a gateway that asks it.
struct Line {
    _sandbox: Sandbox,
    _serving: Vec<Serving>,
    replies: mpsc::Receiver<Reply>,
    account: AccountBus,
}

impl Line {
    async fn open() -> Self {
        let sandbox = Sandbox::start().await;
        let (router, gateway) = (sandbox.connect(Credential::ProviderRouter).await, sandbox.connect(Credential::ChannelGateway).await);
        let (sender, replies) = mpsc::channel(4);
        let server: Addr<Server> = Server::create(|_| Server { replies: sender, credit: None });
        let serving = vec![
            router.serve_stream::<CompleteRequest>(server.clone().recipient()).await.unwrap(),
            router.listen::<GrantCredit>(server.recipient()).await.unwrap(),
        ];
        router.barrier().await.unwrap();
        let account = gateway.account(web()).await.unwrap();
        Self { _sandbox: sandbox, _serving: serving, replies, account }
    }

    async fn ask(&mut self) -> (Frames<CompleteFrame>, Reply) {
        let frames = self.account.request_stream(&Account(web()), &CompleteRequest::default()).await.unwrap();
        (frames, self.replies.recv().await.unwrap())
    }
}

fn frame(content: Content) -> CompleteFrame {
    CompleteFrame { sequence: 0, content: Some(content) }
}

fn large() -> CompleteFrame {
    frame(Text("x".repeat(FRAME_BYTES_MAX - 16)))
}

/// Reads to the end; heartbeats are left out.
async fn read_all(frames: &mut Frames<CompleteFrame>) -> Result<usize, Fault> {
    let mut bytes = 0;
    while let Some(frame) = frames.next().await {
        if let Some(Text(text)) = frame?.content {
            bytes += text.len();
        }
    }
    Ok(bytes)
}

#[test]
fn a_stream_far_beyond_the_window_arrives_whole_and_ends() {
    run(async {
        let mut line = Line::open().await;
        let (mut frames, mut reply) = line.ask().await;
        let writing = tokio::spawn(async move {
            for _ in 0..40 {
                reply.send(large()).await.unwrap();
            }
            for _ in 0..3_000 {
                reply.send(frame(Text("x".into()))).await.unwrap();
            }
            reply.send(frame(Ended(CompletionEnded {}))).await.unwrap();
        });
        assert_eq!(read_all(&mut frames).await, Ok(40 * (FRAME_BYTES_MAX - 16) + 3_000));
        assert!(frames.next().await.is_none());
        writing.await.unwrap();
    });
}

#[test]
fn a_writer_waits_for_a_reader_that_does_not_read() {
    run(async {
        let mut line = Line::open().await;
        let (mut frames, mut reply) = line.ask().await;
        let mut sent = 0_u64;
        while tokio::time::timeout(Duration::from_millis(300), reply.send(large())).await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, WINDOW_BYTES / FRAME_BYTES_MAX as u64);
        frames.next().await.unwrap().unwrap();
        let sent = tokio::time::timeout(PATIENCE, reply.send(large())).await;
        assert!(sent.is_ok(), "read, and still no credit");
    });
}

#[test]
fn a_reader_that_goes_away_is_known_at_once() {
    run(async {
        let mut line = Line::open().await;
        let (frames, mut reply) = line.ask().await;
        let began = Instant::now();
        drop(frames);
        assert_eq!(reply.unwanted().await, Unwanted::Cancelled);
        assert!(began.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn a_reader_that_is_dead_is_known_after_ten_seconds() {
    run(async {
        let mut line = Line::open().await;
        let (frames, mut reply) = line.ask().await;
        // What dies says no farewell, and grants no more.
        line._serving.pop();
        let began = Instant::now();
        assert_eq!(reply.unwanted().await, Unwanted::Silent);
        assert!((9..13).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        drop(frames);
    });
}

#[test]
fn a_reader_that_is_alive_is_heard_although_it_reads_nothing() {
    run(async {
        let mut line = Line::open().await;
        let (_frames, mut reply) = line.ask().await;
        let unwanted = tokio::time::timeout(Duration::from_secs(11), reply.unwanted()).await;
        assert!(unwanted.is_err(), "{unwanted:?}");
    });
}

#[test]
fn a_writer_that_fails_breaks_the_answer_off() {
    run(async {
        let mut line = Line::open().await;
        let (mut frames, mut reply) = line.ask().await;
        reply.send(frame(Text("half".into()))).await.unwrap();
        drop(reply);
        assert_eq!(read_all(&mut frames).await.unwrap_err().code, ErrorCode::Unavailable);
        assert!(frames.next().await.is_none());
    });
}

#[test]
fn a_refused_stream_tells_why() {
    run(async {
        let mut line = Line::open().await;
        let (mut frames, reply) = line.ask().await;
        reply.refuse(Fault::new(ErrorCode::RateLimited, "full"));
        assert_eq!(read_all(&mut frames).await, Err(Fault::new(ErrorCode::RateLimited, "full")));
    });
}

#[test]
fn a_stream_that_nobody_serves_fails_at_once() {
    run(async {
        let sandbox = Sandbox::start().await;
        let account = sandbox.connect(Credential::ChannelGateway).await.account(web()).await.unwrap();
        let mut frames = account.request_stream(&Account(web()), &CompleteRequest::default()).await.unwrap();
        assert_eq!(frames.next().await.unwrap().unwrap_err().code, ErrorCode::Unavailable);
    });
}

#[test]
fn a_writer_that_says_nothing_at_first_is_heard_all_the_same() {
    run(async {
        let mut line = Line::open().await;
        let (mut frames, mut reply) = line.ask().await;
        let writing = tokio::spawn(async move {
            let _ = tokio::time::timeout(Duration::from_secs(7), reply.unwanted()).await;
            reply.send(frame(Ended(CompletionEnded {}))).await.unwrap();
        });
        assert_eq!(read_all(&mut frames).await, Ok(0));
        writing.await.unwrap();
    });
}

#[test]
fn a_frame_that_is_lost_ends_the_stream_with_a_fault() {
    run(async {
        use futures::StreamExt;
        let sandbox = Sandbox::start().await;
        let gateway = sandbox.connect(Credential::ChannelGateway).await;
        let seed = sandbox.seed(Credential::ProviderRouter);
        let router = async_nats::ConnectOptions::with_nkey(seed).connect(sandbox.address()).await.unwrap();
        let mut requests = router.subscribe("argentum.v1.complete.*").await.unwrap();
        router.flush().await.unwrap();
        let account = gateway.account(web()).await.unwrap();
        let mut stream = loop {
            // The subscription takes a moment to get to the server; until then nobody serves.
            let mut frames = account.request_stream(&Account(web()), &CompleteRequest::default()).await.unwrap();
            if let Ok(Some(request)) = tokio::time::timeout(Duration::from_millis(100), requests.next()).await {
                let reply = request.reply.unwrap();
                for sequence in [0, 2] {
                    use prost::Message;
                    let sent = CompleteFrame { sequence, content: Some(Text("x".into())) };
                    router.publish(reply.clone(), sent.encode_to_vec().into()).await.unwrap();
                }
                break frames;
            }
            assert!(frames.next().await.unwrap().is_err());
        };
        assert!(stream.next().await.unwrap().is_ok());
        assert_eq!(stream.next().await.unwrap().unwrap_err().code, ErrorCode::Unavailable);
        assert!(stream.next().await.is_none());
    });
}
