#![doc = include_str!("../README.md")]

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
