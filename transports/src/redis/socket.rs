//! The socket under a connection: TCP, TLS over it, or a unix socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::server::Place;
use super::tls::Tls;
use crate::ConnectError;

pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    #[cfg(feature = "redis-tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Socket {
    pub(super) async fn open(place: &Place, tls: &Tls) -> Result<Self, ConnectError> {
        let unreachable =
            |error: io::Error| ConnectError::Unreachable { address: place.to_string(), source: error.into() };
        match place {
            Place::Tcp { host, port, tls: with_tls } => {
                let tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
                // What is written is a batch already.
                tcp.set_nodelay(true).map_err(unreachable)?;
                if *with_tls { Self::secure(tls, host, tcp).await } else { Ok(Self::Tcp(tcp)) }
            }
            #[cfg(unix)]
            Place::Unix(path) => {
                tokio::net::UnixStream::connect(path).await.map(Self::Unix).map_err(unreachable)
            }
            #[cfg(not(unix))]
            Place::Unix(_) => Err(unreachable(io::ErrorKind::Unsupported.into())),
        }
    }

    #[cfg(feature = "redis-tls")]
    async fn secure(tls: &Tls, host: &str, tcp: TcpStream) -> Result<Self, ConnectError> {
        tls.wrap(host, tcp).await.map(Self::Tls)
    }

    #[cfg(not(feature = "redis-tls"))]
    async fn secure(_: &Tls, _: &str, _: TcpStream) -> Result<Self, ConnectError> {
        Err(ConnectError::Url { reason: "TLS asks for the feature `redis-tls`".to_owned() })
    }
}

macro_rules! delegate {
    ($self:ident, $socket:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp(socket) => {
                let $socket = Pin::new(socket);
                $call
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let $socket = Pin::new(socket);
                $call
            }
            #[cfg(feature = "redis-tls")]
            Self::Tls(socket) => {
                let $socket = Pin::new(&mut **socket);
                $call
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, socket => socket.poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, socket => socket.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, socket => socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, socket => socket.poll_shutdown(cx))
    }
}
