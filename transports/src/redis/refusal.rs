//! What a server's error replies mean.

use crate::{ConnectError, ErrorCode, Rejection};

/// The bytes of an error's text that are kept.
const MAX_TEXT: usize = 256;

/// An error reply, as a refusal. Redis begins its errors with a word in capital letters.
pub(super) fn rejection(error: &[u8]) -> Rejection {
    let text = text(error);
    let word = text.split(' ').next().unwrap_or_default();
    let code = match word {
        "NOPERM" => ErrorCode::Denied,
        "NOAUTH" | "WRONGPASS" => ErrorCode::Unauthenticated,
        "LOADING" | "BUSY" | "OOM" | "MASTERDOWN" | "NOREPLICAS" | "CLUSTERDOWN" | "TRYAGAIN" => {
            ErrorCode::Internal
        }
        _ if text.starts_with("ERR max number of clients") => ErrorCode::Limit,
        "ERR" => ErrorCode::BadRequest,
        other => ErrorCode::Other(other.into()),
    };
    // Others leave, or are made to; what moved is somewhere else.
    let is_temporary = code == ErrorCode::Limit || ELSEWHERE.contains(&word) || word == "UNBLOCKED";
    let rejection = Rejection::new(code, text.as_str());
    if is_temporary { rejection.with_retryable(true) } else { rejection }
}

/// How a server says that another is to be asked: it has lost the slot, or is a replica by now.
const ELSEWHERE: [&str; 3] = ["MOVED", "ASK", "READONLY"];

/// Whether the server says that this is not its to answer, but another's.
pub(super) fn is_elsewhere(error: &[u8]) -> bool {
    ELSEWHERE
        .iter()
        .any(|word| error.strip_prefix(word.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))
}

/// Whether the server is a replica now.
pub(super) fn is_read_only(rejection: &Rejection) -> bool {
    matches!(rejection.code(), ErrorCode::Other(code) if **code == *"READONLY")
}

/// What is not followed at this node any more.
pub(super) fn moved() -> Rejection {
    rejection(b"MOVED to another node")
}

/// Whether it is that.
#[cfg(feature = "redis-cluster")]
pub(super) fn is_moved(rejection: &Rejection) -> bool {
    matches!(rejection.code(), ErrorCode::Other(code) if ["MOVED", "ASK"].contains(&&**code))
}

/// An error reply to one of the first commands on a connection.
pub(super) fn connect_error(error: &[u8]) -> ConnectError {
    let rejection = rejection(error);
    let message = rejection.message();
    let is_about_auth = *rejection.code() == ErrorCode::Unauthenticated
        || message.starts_with("ERR AUTH ")
        || message.starts_with("ERR Client sent AUTH");
    if is_about_auth {
        return ConnectError::Unauthenticated { message: message.to_owned() };
    }
    ConnectError::Refused(rejection)
}

/// The text, without what it may quote of our command: a password, or a payload.
fn text(error: &[u8]) -> String {
    let text = String::from_utf8_lossy(&error[..error.len().min(MAX_TEXT)]);
    let end = [", with args", ", args"].iter().filter_map(|quote| text.find(quote)).min();
    text[..end.unwrap_or(text.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_code_and_say_whether_to_try_again() {
        let cases: [(&str, ErrorCode, bool); 9] = [
            ("UNBLOCKED force unblock from blocking operation", ErrorCode::Other("UNBLOCKED".into()), true),
            ("MOVED 3999 127.0.0.1:6381", ErrorCode::Other("MOVED".into()), true),
            ("NOPERM No permissions to access a channel", ErrorCode::Denied, false),
            ("WRONGPASS invalid username-password pair", ErrorCode::Unauthenticated, false),
            ("LOADING Redis is loading the dataset in memory", ErrorCode::Internal, true),
            ("OOM command not allowed", ErrorCode::Internal, true),
            ("ERR max number of clients reached", ErrorCode::Limit, true),
            ("ERR unknown command 'PUBLISH'", ErrorCode::BadRequest, false),
            (
                "READONLY You can't write against a read only replica.",
                ErrorCode::Other("READONLY".into()),
                true,
            ),
        ];
        for (text, code, retryable) in cases {
            let rejection = rejection(text.as_bytes());
            assert_eq!((rejection.code(), rejection.is_retryable()), (&code, retryable), "{text}");
            assert_eq!(rejection.message(), text);
        }
    }

    #[test]
    fn what_a_server_quotes_of_us_is_cut_off() {
        let error = b"ERR unknown command 'AUTH', with args beginning with: 'me' 'hunter2' ";
        let error = connect_error(error);
        assert_eq!(error.to_string(), "rejected as `bad_request`: ERR unknown command 'AUTH'");
        assert!(rejection(&[b'x'; 5000]).message().len() <= MAX_TEXT);
    }
}
