//! The messages of the gRPC interface, with the field numbers of their published definitions:
//! `tensorflow_serving/apis/{model,predict,get_model_metadata,get_model_status}.proto` and
//! `tensorflow/core/{framework/tensor,framework/tensor_shape,protobuf/meta_graph}.proto`.
//!
//! They are written apart from those of `canary-core`, so that the two prove each other.

use std::collections::BTreeMap;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct $name { $($(#[$field_doc])* pub(super) $field: $type,)* }
    )*};
}

messages! {
    /// `google.protobuf.Int64Value`.
    Int64Value {
        #[prost(int64, tag = "1")]
        value: i64,
    }
    ModelSpec {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(message, optional, tag = "2")]
        version: Option<Int64Value>,
        #[prost(string, tag = "3")]
        signature_name: String,
        #[prost(string, tag = "4")]
        version_label: String,
    }
    Dim {
        #[prost(int64, tag = "1")]
        size: i64,
    }
    TensorShape {
        #[prost(message, repeated, tag = "2")]
        dim: Vec<Dim>,
        #[prost(bool, tag = "3")]
        unknown_rank: bool,
    }
    TensorProto {
        #[prost(int32, tag = "1")]
        dtype: i32,
        #[prost(message, optional, tag = "2")]
        tensor_shape: Option<TensorShape>,
        #[prost(bytes = "bytes", tag = "4")]
        tensor_content: bytes::Bytes,
        #[prost(float, repeated, tag = "5")]
        float_val: Vec<f32>,
        #[prost(double, repeated, tag = "6")]
        double_val: Vec<f64>,
        #[prost(int32, repeated, tag = "7")]
        int_val: Vec<i32>,
        #[prost(bytes = "vec", repeated, tag = "8")]
        string_val: Vec<Vec<u8>>,
        #[prost(int64, repeated, tag = "10")]
        int64_val: Vec<i64>,
        #[prost(bool, repeated, tag = "11")]
        bool_val: Vec<bool>,
    }
    PredictRequest {
        #[prost(message, optional, tag = "1")]
        model_spec: Option<ModelSpec>,
        #[prost(btree_map = "string, message", tag = "2")]
        inputs: BTreeMap<String, TensorProto>,
        #[prost(string, repeated, tag = "3")]
        output_filter: Vec<String>,
    }
    PredictResponse {
        #[prost(btree_map = "string, message", tag = "1")]
        outputs: BTreeMap<String, TensorProto>,
        #[prost(message, optional, tag = "2")]
        model_spec: Option<ModelSpec>,
    }
    /// Any request of which only the model matters: classify, regress, metadata and status.
    AboutModel {
        #[prost(message, optional, tag = "1")]
        model_spec: Option<ModelSpec>,
    }
    /// `google.protobuf.Any`.
    Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }
    MetadataResponse {
        #[prost(message, optional, tag = "1")]
        model_spec: Option<ModelSpec>,
        #[prost(btree_map = "string, message", tag = "2")]
        metadata: BTreeMap<String, Any>,
    }
    TensorInfo {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(int32, tag = "2")]
        dtype: i32,
        #[prost(message, optional, tag = "3")]
        tensor_shape: Option<TensorShape>,
    }
    SignatureDef {
        #[prost(btree_map = "string, message", tag = "1")]
        inputs: BTreeMap<String, TensorInfo>,
        #[prost(btree_map = "string, message", tag = "2")]
        outputs: BTreeMap<String, TensorInfo>,
        #[prost(string, tag = "3")]
        method_name: String,
    }
    SignatureDefMap {
        #[prost(btree_map = "string, message", tag = "1")]
        signature_def: BTreeMap<String, SignatureDef>,
    }
    /// `StatusProto`.
    Status {
        #[prost(int32, tag = "1")]
        error_code: i32,
        #[prost(string, tag = "2")]
        error_message: String,
    }
    VersionStatus {
        #[prost(int64, tag = "1")]
        version: i64,
        #[prost(int32, tag = "2")]
        state: i32,
        #[prost(message, optional, tag = "3")]
        status: Option<Status>,
    }
    StatusResponse {
        #[prost(message, repeated, tag = "1")]
        model_version_status: Vec<VersionStatus>,
    }
}
