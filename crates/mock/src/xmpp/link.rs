//! One XMPP connection as elements, for either end.

use std::io;

use bytes::BytesMut;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::{Element, Scope};
use crosstalk_networks::xmpp::wire::{Frame, Framer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Stream;
use crate::incoming::invalid;
use crate::server::Recorder;

/// Parts of an incoming stream.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A stream header.
    Open,
    /// A stanza or another child of the stream.
    Element(Element),
    /// The end of the stream.
    Close,
}

/// A connection, encrypted or not.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    framer: Framer,
    recorder: Option<Recorder>,
}

impl Link {
    pub(super) fn new(stream: Box<dyn Stream>, recorder: Option<Recorder>) -> Self {
        Self { stream, buffer: BytesMut::new(), framer: Framer::default(), recorder }
    }

    /// The next thing of the stream; [`Incoming::Close`] also where the connection ends.
    /// Safe to cancel.
    pub(super) async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            match self.framer.next(&mut self.buffer).map_err(invalid)? {
                Some(Frame::Open(bytes)) => {
                    Element::parse_open(&bytes).map_err(invalid)?;
                    return Ok(Incoming::Open);
                }
                Some(Frame::Stanza(bytes)) => {
                    let element = Element::parse(&bytes, &Scope::default());
                    return element.map(Incoming::Element).map_err(invalid);
                }
                Some(Frame::Close(_)) => return Ok(Incoming::Close),
                Some(Frame::Declaration(_) | Frame::Space(_)) => {}
                None => {
                    let before = self.buffer.len();
                    if self.stream.read_buf(&mut self.buffer).await? == 0 {
                        return Ok(Incoming::Close);
                    }
                    if let (Some(recorder), Some(new)) = (&self.recorder, self.buffer.get(before..))
                    {
                        recorder.received(new);
                    }
                }
            }
        }
    }

    /// The next element; an error where the stream ends or begins anew instead.
    pub(super) async fn element(&mut self) -> io::Result<Element> {
        match self.next().await? {
            Incoming::Element(element) => Ok(element),
            Incoming::Open => Err(invalid("an unexpected stream header")),
            Incoming::Close => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(super) async fn write(&mut self, xml: &str) -> io::Result<()> {
        self.stream.write_all(xml.as_bytes()).await?;
        self.stream.flush().await
    }

    pub(super) async fn send(&mut self, element: &Element) -> io::Result<()> {
        self.write(&element.to_xml()).await
    }

    /// Ends the stream and the connection.
    pub(super) async fn close(&mut self) {
        let _ = self.write("</stream:stream>").await;
        let _ = self.stream.shutdown().await;
    }

    /// Replaces the stream by what `handshake` makes of it.
    pub(super) async fn encrypt<H>(
        self,
        handshake: impl FnOnce(Box<dyn Stream>) -> H,
    ) -> io::Result<Self>
    where
        H: Future<Output = io::Result<Box<dyn Stream>>>,
    {
        let stream = handshake(self.stream).await?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
            framer: Framer::default(),
            recorder: self.recorder,
        })
    }
}

/// An error stanza that answers `stanza`, from where it was sent to.
pub(super) fn error(stanza: &Element, kind: &str, condition: &str) -> Element {
    Element::new(stanza.name(), ns::CLIENT)
        .with("type", "error")
        .with_some("id", stanza.attr("id"))
        .with_some("from", stanza.attr("to"))
        .with_some("to", stanza.attr("from"))
        .child(
            Element::new("error", ns::CLIENT)
                .with("type", kind)
                .child(Element::new(condition, ns::STANZAS)),
        )
}

/// The result that answers `iq`.
pub(super) fn result(iq: &Element) -> Element {
    Element::new("iq", ns::CLIENT)
        .with("type", "result")
        .with_some("id", iq.attr("id"))
        .with_some("from", iq.attr("to"))
        .with_some("to", iq.attr("from"))
}
