//! The floor: two programs that do nothing but forward, each one thread around epoll.
//!
//! One takes what clients say, puts a length and the number of the client before it and sends it
//! over one TCP connection. The other writes it to its own client of that number, and answers with
//! eight bytes. No TLS, no protocol, no state.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);
const LINK: Token = Token(1);
/// Clients are numbered in the order in which they come.
const FIRST: usize = 2;
const HEAD: usize = 8;

/// Takes clients at `listen` and forwards to the other one at `link`.
pub(crate) fn near(listen: SocketAddr, link: SocketAddr) {
    let mut link = blocking(std::net::TcpStream::connect(link).unwrap());
    let mut floor = Floor::new(listen, &mut link);
    let mut bytes = vec![0; 1 << 20];
    floor.run(|token, clients| {
        if token == LINK {
            // Answers, of which nothing follows.
            while read(&mut link, &mut bytes) > 0 {}
            return;
        }
        let mut frames = Vec::new();
        let Some(client) = clients.get_mut(&token) else { return };
        let length = read(client, &mut bytes);
        frames.extend_from_slice(&(length as u32).to_be_bytes());
        frames.extend_from_slice(&(token.0 as u32).to_be_bytes());
        frames.extend_from_slice(&bytes[..length]);
        if length > 0 {
            write(&mut link, &frames);
        }
    });
}

/// Takes clients at `listen` and what the other one forwards at `link`.
pub(crate) fn far(listen: SocketAddr, link: SocketAddr) {
    let (stream, _) = std::net::TcpListener::bind(link).unwrap().accept().unwrap();
    let mut link = blocking(stream);
    let mut floor = Floor::new(listen, &mut link);
    let (mut bytes, mut waiting) = (vec![0; 1 << 20], Vec::new());
    floor.run(|token, clients| {
        if token != LINK {
            return;
        }
        let length = read(&mut link, &mut bytes);
        waiting.extend_from_slice(&bytes[..length]);
        let (mut at, mut answers) = (0, Vec::new());
        while let Some(head) = waiting.get(at..at + HEAD) {
            let number =
                |from: usize| u32::from_be_bytes(std::array::from_fn(|n| head[from + n])) as usize;
            let Some(text) = waiting.get(at + HEAD..at + HEAD + number(0)) else { break };
            if let Some(client) = clients.get_mut(&Token(number(4))) {
                write(client, text);
            }
            answers.extend_from_slice(head);
            at += HEAD + number(0);
        }
        waiting.drain(..at);
        if !answers.is_empty() {
            write(&mut link, &answers);
        }
    });
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    clients: HashMap<Token, TcpStream>,
}

impl Floor {
    fn new(listen: SocketAddr, link: &mut TcpStream) -> Self {
        let poll = Poll::new().unwrap();
        let mut listener = TcpListener::bind(listen).unwrap();
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
        poll.registry().register(link, LINK, Interest::READABLE).unwrap();
        Self { poll, listener, clients: HashMap::new() }
    }

    /// Serves until it is killed.
    fn run(&mut self, mut ready: impl FnMut(Token, &mut HashMap<Token, TcpStream>)) {
        let mut events = Events::with_capacity(256);
        loop {
            self.poll.poll(&mut events, None).unwrap();
            for event in &events {
                if event.token() == LISTENER {
                    while let Ok((mut client, _)) = self.listener.accept() {
                        let token = Token(FIRST + self.clients.len());
                        client.set_nodelay(true).unwrap();
                        self.poll
                            .registry()
                            .register(&mut client, token, Interest::READABLE)
                            .unwrap();
                        self.clients.insert(token, client);
                        ready(token, &mut self.clients);
                    }
                } else {
                    ready(event.token(), &mut self.clients);
                }
            }
        }
    }
}

fn blocking(stream: std::net::TcpStream) -> TcpStream {
    stream.set_nodelay(true).unwrap();
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream)
}

/// Reads once. What was not read wakes the program again only when more comes, so that the buffer
/// is larger than what may be under way.
fn read(from: &mut TcpStream, bytes: &mut [u8]) -> usize {
    match from.read(bytes) {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

fn write(to: &mut TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}
