//! Frames are handed on, not copied, and do not show what they carry.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_transports::{AddressError, Body, Carries, EventId, Frame, Header, InProcess, Position};

#[test]
fn a_clone_shares_the_body() {
    let bytes = Body::Bytes(Bytes::from(vec![1, 2, 3]));
    let value: Arc<dyn Any + Send + Sync> = Arc::new("secret".to_owned());
    let (Body::Bytes(one), Body::Bytes(two)) = (bytes.clone(), bytes) else { unreachable!() };
    assert_eq!(one.as_ptr(), two.as_ptr());
    let Body::Shared(shared) = Body::Shared(Arc::clone(&value)).clone() else { unreachable!() };
    assert!(Arc::ptr_eq(&shared, &value));
}

#[test]
fn debug_shows_the_header_and_not_the_body() {
    let header = Header::new("login", "ada").with_position(Position::new(3));
    let frame = |body| format!("{:?}", Frame { header: header.clone(), body });
    let bytes = frame(Body::Bytes(Bytes::from_static(b"hunter2")));
    assert!(
        bytes.contains("login") && bytes.contains("Bytes(7 bytes)") && !bytes.contains("hunter2"),
        "{bytes}"
    );
    let shared = frame(Body::Shared(Arc::new("hunter2")));
    assert!(shared.contains("Shared(..)") && !shared.contains("hunter2"), "{shared}");
}

#[test]
fn a_header_keeps_what_it_is_given() {
    let bare = Header::new("a", "1");
    assert_eq!((bare.topic(), bare.id(), bare.event_id(), bare.position()), ("a", "1", None, None));
    let id = EventId::from_u128(7);
    let full = bare.with_event_id(id).with_position(Position::new(9).with_after(4).with_epoch("e"));
    let position = full.position().unwrap();
    assert_eq!(full.event_id(), Some(id));
    assert_eq!((position.offset(), position.after(), position.epoch()), (9, Some(4), Some("e")));
}

#[test]
fn a_control_message_has_no_address() {
    let control = Header::new("__subscribe", "1");
    assert!(control.is_control());
    assert_eq!(control.address(), Err(AddressError::Reserved));
    let event = Header::new("_subscribe", "1");
    assert!(!event.is_control());
    assert_eq!(event.address().unwrap().to_string(), "_subscribe:1");
}

#[test]
fn in_process_shares() {
    assert_eq!(InProcess::GUARANTEES.carries, Carries::Shared);
}
