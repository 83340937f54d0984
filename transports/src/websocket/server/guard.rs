//! Who decides who a client is and what it may do: the application's functions, called outside of every lock, for a limited
//! time, and without harm if they panic.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use compact_str::CompactString;
use tokio::time::timeout;

use super::behind;
use super::shared::Shared;
use crate::websocket::caught::{Calling, caught};
use crate::websocket::wire::Token;
use crate::websocket::{Identity, Permission, Question};
use crate::{ErrorCode, Rejection};

type Authenticate = dyn Fn(Token) -> Calling<Result<Identity, Rejection>> + Send + Sync;
type Authorize = dyn Fn(Option<Identity>, Permission) -> Calling<Result<(), Rejection>> + Send + Sync;

/// What a [`Question`] was answered.
pub(super) enum Answer {
    Identity(Result<Identity, Rejection>),
    Permissions(Vec<Result<(), Rejection>>),
    Fetched(Vec<(CompactString, Rejection)>),
}

impl Answer {
    /// The refusal, where nothing was allowed.
    pub(super) fn refusal_of_all(&self) -> Option<Rejection> {
        let Self::Permissions(results) = self else { return None };
        let first = results.first()?.clone().err()?;
        results.iter().all(Result::is_err).then_some(first)
    }
}

#[derive(Clone)]
pub(super) struct Guard {
    pub(super) authenticate: Option<Arc<Authenticate>>,
    pub(super) authorize: Option<Arc<Authorize>>,
    pub(super) timeout: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Self { authenticate: None, authorize: None, timeout: Duration::from_secs(5) }
    }
}

impl Guard {
    /// The answer, some time. It ends within the limit; dropping it ends what was called.
    pub(super) fn answer(shared: &Arc<Shared>, question: Question) -> Calling<Answer> {
        let (shared, guard) = (Arc::clone(shared), shared.door.guard.clone());
        Box::pin(async move {
            match question {
                Question::Authenticate(token) => Answer::Identity(guard.identify(token).await),
                Question::Authorize(identity, wanted) => {
                    Answer::Permissions(guard.permit(identity, wanted).await)
                }
                Question::Fetch(topics) => {
                    Answer::Fetched(behind::fetch(shared, topics, guard.timeout).await)
                }
            }
        })
    }

    pub(super) async fn identify(&self, token: Token) -> Result<Identity, Rejection> {
        match &self.authenticate {
            Some(authenticate) => careful(self.timeout, || authenticate(token)).await,
            None => Err(Rejection::new(ErrorCode::Unauthenticated, "this hub knows no tokens")),
        }
    }

    /// All at once: many addresses take no longer than the slowest.
    async fn permit(
        &self,
        identity: Option<Identity>,
        wanted: Vec<Permission>,
    ) -> Vec<Result<(), Rejection>> {
        let Some(authorize) = &self.authorize else { return Vec::new() };
        let mut open: Vec<(usize, Calling<Result<(), Rejection>>)> = Vec::with_capacity(wanted.len());
        let mut results = vec![Err(failed("it was not answered")); wanted.len()];
        for (place, permission) in wanted.into_iter().enumerate() {
            let (authorize, identity, limit) = (Arc::clone(authorize), identity.clone(), self.timeout);
            open.push((place, Box::pin(careful(limit, move || authorize(identity, permission)))));
        }
        poll_fn(|cx| {
            open.retain_mut(|(place, one)| match one.as_mut().poll(cx) {
                Poll::Ready(result) => {
                    results[*place] = result;
                    false
                }
                Poll::Pending => true,
            });
            if open.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        results
    }
}

/// What is called may panic, then or later, and may never end: each is a failure of ours.
async fn careful<T>(
    limit: Duration,
    call: impl FnOnce() -> Calling<Result<T, Rejection>>,
) -> Result<T, Rejection> {
    match timeout(limit, caught(call)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(failed("what decides it has panicked")),
        Err(_) => Err(failed("what decides it took too long")),
    }
}

fn failed(what: &str) -> Rejection {
    Rejection::new(ErrorCode::Internal, what)
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("authenticates", &self.authenticate.is_some())
            .field("authorizes", &self.authorize.is_some())
            .field("timeout", &self.timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::Action;

    fn guard() -> Guard {
        Guard { timeout: Duration::from_secs(5), ..Guard::default() }
    }

    fn wanted(topics: &[&str]) -> Vec<Permission> {
        let permission = |topic: &&str| Permission::new(Action::Subscribe, topic.parse().unwrap());
        topics.iter().map(permission).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_ended() {
        let mut guard = guard();
        guard.authenticate = Some(Arc::new(|_| Box::pin(std::future::pending())));
        guard.authorize = Some(Arc::new(|_, permission| {
            Box::pin(async move {
                if permission.address.topic() == "slow" {
                    std::future::pending::<()>().await;
                }
                Ok(())
            })
        }));
        let begin = tokio::time::Instant::now();
        let refused = guard.identify(Token("t".into())).await.unwrap_err();
        assert_eq!((refused.code(), refused.is_retryable()), (&ErrorCode::Internal, true));
        let results = guard.permit(None, wanted(&["a", "slow", "b"])).await;
        assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
        assert_eq!(begin.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_panic_is_a_refusal() {
        let mut guard = guard();
        guard.authenticate = Some(Arc::new(|_| panic!("at once")));
        assert_eq!(guard.identify(Token("t".into())).await.unwrap_err().code(), &ErrorCode::Internal);
        guard.authorize = Some(Arc::new(|_, permission| {
            Box::pin(async move {
                tokio::task::yield_now().await;
                assert_ne!(permission.address.topic(), "bad", "later");
                Ok(())
            })
        }));
        let results = guard.permit(None, wanted(&["a", "bad"])).await;
        assert!(results[0].is_ok());
        assert_eq!(results[1].as_ref().unwrap_err().code(), &ErrorCode::Internal);
    }
}
