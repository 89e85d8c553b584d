//! A gateway of today between gateways of earlier versions, of which what they said is recorded.
//!
//! A recording is what one of two such gateways, of one network, wrote on their link while the two
//! did the [`STEPS`] in order. It is played to a gateway of today that does the other's part.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Envelope, EnvelopeId, Failure, Presence,
    RichText, Roster, Stamp, Style, Typing, UnixMillis,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::common::clock::Wall;
use crate::hub::Hub;
use crate::membership::members::Members;
use crate::membership::{GatewayId, Member, REPLICAS};
use crate::storage::store::Store;
use crate::transport::link::{self, Greeting};
use crate::wire::frame::{NEWEST, OLDEST};
use crate::wire::message::{Inbound, Message};

const PATIENCE: Duration = Duration::from_secs(20);
/// How long a gateway that has nothing more to say is heard.
const QUIET: Duration = Duration::from_millis(400);
