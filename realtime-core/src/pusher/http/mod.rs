//! The HTTP API, by which an app's own server publishes, looks at its channels and ends connections of users: what a
//! request asks for, whether it may, and with what a refused one is answered.
//!
//! ```
//! use realtime_core::pusher::http::{ApiRequest, Endpoint, Publish, PublishLimits};
//! use realtime_core::pusher::{App, Secret};
//!
//! # let (key, secret) = ("278d425bdf160c739803".into(), Secret::new("7ad3773142a6692b25b8"));
//! # let app = App { id: "3".into(), key, secret };
//! # let unix_seconds = 1353088179;
//! # let query = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
//! #     &body_md5=ec365a775a4cd0599faeb73354201b6f\
//! #     &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
//! # let body = br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
//! let request = ApiRequest { method: "POST", path: "/apps/3/events", query };
//! let call = request.call()?;
//! assert_eq!(call.app_id, Some(&*app.id));
//! let signed = request.verify(&app, unix_seconds)?;
//! assert_eq!(call.endpoint, Endpoint::PublishEvent);
//! let publish = Publish::parse(signed.body(body)?, &PublishLimits::DEFAULT)?;
//! assert_eq!(publish.event, "foo");
//! # Ok::<(), realtime_core::pusher::http::ApiError>(())
//! ```

mod call;
mod channels;
mod error;
mod info;
mod publish;
mod request;

pub use call::{ApiCall, Endpoint};
pub use channels::{DescribeChannel, ListChannels, Listing, list_users};
pub use error::ApiError;
pub use info::ChannelInfo;
pub use publish::{Publish, PublishBatch, PublishLimits};
pub use request::{ApiRequest, MAX_CLOCK_DIFFERENCE_SECONDS, SignedRequest};
