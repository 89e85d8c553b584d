//! TCP with rustls as a program uses it that sends from any task: at either end one task writes
//! and one reads, messages are handed to another that judges them, and each answer finds the
//! task that waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use crosstalk_overlay::Message;
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};

use crate::plain::{self, Reader, Writer};

const QUEUE: usize = 1024;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>;

/// The sender's end.
pub(crate) struct Shared {
    next: Mutex<u64>,
    waiting: Waiting,
    frames: mpsc::Sender<Bytes>,
}

impl Shared {
    /// Two ends on loopback, of which the other answers.
    pub(crate) async fn connect() -> Self {
        let (near, far) = plain::pair().await;
        let ((near_sink, near_stream), (far_sink, far_stream)) = (near.split(), far.split());
        let (frames, to_write) = mpsc::channel(QUEUE);
        tokio::spawn(write(near_sink, to_write));
        let waiting = Waiting::default();
        tokio::spawn(resolve(near_stream, waiting.clone()));

        let (answers, to_answer) = mpsc::channel(QUEUE);
        tokio::spawn(write(far_sink, to_answer));
        let (messages, to_judge) = mpsc::channel(QUEUE);
        tokio::spawn(judge(to_judge, answers));
        tokio::spawn(receive(far_stream, messages));
        Self { next: Mutex::default(), waiting, frames }
    }

    /// Sends a message; resolves when it was answered.
    pub(crate) async fn send(&self, message: Message) {
        let number = {
            let mut next = self.next.lock().unwrap();
            *next += 1;
            *next
        };
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap().insert(number, tell);
        self.frames.send(encode(&(number, message.to_bytes()))).await.unwrap();
        told.await.unwrap();
    }
}

/// Writes what waits, and flushes when nothing more does.
async fn write(mut sink: Writer, mut frames: mpsc::Receiver<Bytes>) {
    let mut batch = Vec::new();
    while frames.recv_many(&mut batch, QUEUE).await > 0 {
        for frame in batch.drain(..) {
            sink.feed(frame).await.unwrap();
        }
        sink.flush().await.unwrap();
    }
}

async fn receive(mut stream: Reader, messages: mpsc::Sender<(u64, Message)>) {
    while let Some(Ok(frame)) = stream.next().await {
        let (number, message): (u64, &[u8]) = postcard::from_bytes(&frame).unwrap();
        let message = Message::from_bytes(message).unwrap();
        messages.send((number, message)).await.unwrap();
    }
}

async fn judge(mut messages: mpsc::Receiver<(u64, Message)>, answers: mpsc::Sender<Bytes>) {
    while let Some((number, _)) = messages.recv().await {
        answers.send(encode(&number)).await.unwrap();
    }
}

async fn resolve(mut stream: Reader, waiting: Waiting) {
    while let Some(Ok(frame)) = stream.next().await {
        let number: u64 = postcard::from_bytes(&frame).unwrap();
        if let Some(tell) = waiting.lock().unwrap().remove(&number) {
            let _ = tell.send(());
        }
    }
}

fn encode(value: &impl serde::Serialize) -> Bytes {
    postcard::to_stdvec(value).unwrap().into()
}
