//! What event maps are described as: documents that their own schemas accept, and that accept what is sent.

mod async_api;
mod json_schema;
mod map;
mod messages;
mod random;
mod typescript;
