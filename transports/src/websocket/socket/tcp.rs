//! What a client's WebSocket runs over: TCP, or TLS over it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::url::WebSocketUrl;
use crate::ConnectError;

#[cfg(feature = "websocket-tls")]
pub(crate) use crate::tls::ClientTls;

/// None: the URLs that ask for it are refused.
#[cfg(not(feature = "websocket-tls"))]
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientTls {}

pub(crate) enum ClientStream {
    Tcp(TcpStream),
    #[cfg(feature = "websocket-tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl ClientStream {
    pub(super) async fn over(
        tcp: TcpStream,
        url: &WebSocketUrl,
        tls: &ClientTls,
    ) -> Result<Self, ConnectError> {
        if !url.is_secure() {
            return Ok(Self::Tcp(tcp));
        }
        #[cfg(feature = "websocket-tls")]
        return tls.wrap(url.host(), tcp).await.map(Self::Tls);
        #[cfg(not(feature = "websocket-tls"))]
        {
            let ClientTls {} = tls;
            Err(ConnectError::Url { reason: super::url::NO_TLS.to_owned() })
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "websocket-tls")]
            Self::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(feature = "websocket-tls")]
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
