//! Where a spoke has its token from: the configuration, or a function that is asked for each connection.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::ConnectError;
use crate::websocket::caught::{Calling, caught};
use crate::websocket::wire::Token;

type Failure = Box<dyn Error + Send + Sync>;
type Ask = dyn Fn() -> Calling<Result<String, Failure>> + Send + Sync;

#[derive(Clone)]
pub(super) struct TokenSource(Arc<Ask>);

impl TokenSource {
    pub(super) fn new<F, A, E>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Failure>,
    {
        Self(Arc::new(move || {
            let answer = ask();
            Box::pin(async move { answer.await.map_err(Into::into) })
        }))
    }

    /// A token, now. That there is none may be another another time.
    pub(super) async fn get(self) -> Result<Token, ConnectError> {
        let failure: Failure = match caught(|| (self.0)()).await {
            Ok(Ok(token)) => return Ok(Token(token)),
            Ok(Err(failure)) => failure,
            Err(_) => "it has panicked".into(),
        };
        let source = Arc::new(io::Error::other(failure));
        Err(ConnectError::Unreachable { address: "the source of tokens".to_owned(), source })
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource(..)")
    }
}
