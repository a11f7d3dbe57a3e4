#![doc = include_str!("../README.md")]

/// A `FileDescriptorSet` of the messages of a server's settings (`tensorflow_serving_config.proto`), for reading and
/// writing them in protobuf's text form.
///
/// ```
/// assert!(canary_proto::SETTINGS.windows(11).any(|name| name == b"ModelConfig"));
/// ```
pub const SETTINGS: &[u8] = include_bytes!("generated/settings.bin");

pub use prost;
pub use prost_types;

/// Messages of TensorFlow: arrays, examples and signatures.
#[allow(clippy::pedantic, unreachable_pub, unused_qualifications, reason = "generated")]
pub mod tensorflow {
    include!("generated/tensorflow.rs");

    /// Error codes of TensorFlow, which are those of gRPC.
    pub mod error {
        include!("generated/tensorflow.error.rs");
    }

    /// Messages and services of TensorFlow Serving.
    pub mod serving {
        include!("generated/tensorflow.serving.rs");
    }
}

/// Messages and the service of the Open Inference Protocol ("V2").
#[allow(clippy::pedantic, unreachable_pub, unused_qualifications, reason = "generated")]
pub mod inference {
    include!("generated/inference.rs");
}
