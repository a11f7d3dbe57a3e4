//! The messages of TensorFlow Serving that the calls need, with the field numbers of their published definitions:
//! `tensorflow_serving/apis/{model,predict,classification,regression,input,get_model_metadata,get_model_status}.proto`
//! and `tensorflow/core/{protobuf/meta_graph,example/example,example/feature}.proto`.
//!
//! Strings that a model chooses are read as bytes, which have the same form on the wire: they may be invalid UTF-8.

use std::collections::BTreeMap;

use super::tensor::TensorProto;

macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, prost::Message)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)* }
    };
}

message! { Int64Value {
    #[prost(int64, tag = "1")]
    value: i64,
} }

message! { ModelSpec {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    version: Option<Int64Value>,
    #[prost(string, tag = "3")]
    signature_name: String,
    #[prost(string, tag = "4")]
    version_label: String,
} }

message! { PredictResponse {
    #[prost(btree_map = "string, message", tag = "1")]
    outputs: BTreeMap<String, TensorProto>,
    #[prost(message, optional, tag = "2")]
    model_spec: Option<ModelSpec>,
} }

message! { BytesList {
    #[prost(bytes = "vec", repeated, tag = "1")]
    value: Vec<Vec<u8>>,
} }

message! { FloatList {
    #[prost(float, repeated, tag = "1")]
    value: Vec<f32>,
} }

message! { Int64List {
    #[prost(int64, repeated, tag = "1")]
    value: Vec<i64>,
} }

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    Bytes(BytesList),
    #[prost(message, tag = "2")]
    Floats(FloatList),
    #[prost(message, tag = "3")]
    Ints(Int64List),
}

message! { Feature {
    #[prost(oneof = "Kind", tags = "1, 2, 3")]
    kind: Option<Kind>,
} }

message! { Features {
    #[prost(btree_map = "string, message", tag = "1")]
    feature: BTreeMap<String, Feature>,
} }

message! { Example {
    #[prost(message, optional, tag = "1")]
    features: Option<Features>,
} }

message! { ExampleList {
    #[prost(message, repeated, tag = "1")]
    examples: Vec<Example>,
} }

message! { ExampleListWithContext {
    #[prost(message, repeated, tag = "1")]
    examples: Vec<Example>,
    #[prost(message, optional, tag = "2")]
    context: Option<Example>,
} }

message! { Input {
    #[prost(message, optional, tag = "1")]
    example_list: Option<ExampleList>,
    #[prost(message, optional, tag = "2")]
    example_list_with_context: Option<ExampleListWithContext>,
} }

message! {
/// `ClassificationRequest` and `RegressionRequest`, which have the same fields.
ExamplesRequest {
    #[prost(message, optional, tag = "1")]
    model_spec: Option<ModelSpec>,
    #[prost(message, optional, tag = "2")]
    input: Option<Input>,
} }

message! { Class {
    #[prost(bytes = "vec", tag = "1")]
    label: Vec<u8>,
    #[prost(float, tag = "2")]
    score: f32,
} }

message! { Classifications {
    #[prost(message, repeated, tag = "1")]
    classes: Vec<Class>,
} }

message! { ClassificationResult {
    #[prost(message, repeated, tag = "1")]
    classifications: Vec<Classifications>,
} }

message! { ClassificationResponse {
    #[prost(message, optional, tag = "1")]
    result: Option<ClassificationResult>,
} }

message! { Regression {
    #[prost(float, tag = "1")]
    value: f32,
} }

message! { RegressionResult {
    #[prost(message, repeated, tag = "1")]
    regressions: Vec<Regression>,
} }

message! { RegressionResponse {
    #[prost(message, optional, tag = "1")]
    result: Option<RegressionResult>,
} }

message! { GetModelMetadataRequest {
    #[prost(message, optional, tag = "1")]
    model_spec: Option<ModelSpec>,
    #[prost(string, repeated, tag = "2")]
    metadata_field: Vec<String>,
} }

message! {
/// `google.protobuf.Any`.
Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: bytes::Bytes,
} }

message! { GetModelMetadataResponse {
    #[prost(message, optional, tag = "1")]
    model_spec: Option<ModelSpec>,
    #[prost(btree_map = "string, message", tag = "2")]
    metadata: BTreeMap<String, Any>,
} }

message! { Dim {
    #[prost(int64, tag = "1")]
    size: i64,
} }

message! { TensorShape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dim>,
    #[prost(bool, tag = "3")]
    unknown_rank: bool,
} }

message! { TensorInfo {
    #[prost(int32, tag = "2")]
    dtype: i32,
    #[prost(message, optional, tag = "3")]
    tensor_shape: Option<TensorShape>,
} }

message! { SignatureDef {
    #[prost(btree_map = "string, message", tag = "1")]
    inputs: BTreeMap<String, TensorInfo>,
    #[prost(btree_map = "string, message", tag = "2")]
    outputs: BTreeMap<String, TensorInfo>,
    #[prost(string, tag = "3")]
    method_name: String,
} }

message! { SignatureDefMap {
    #[prost(btree_map = "string, message", tag = "1")]
    signature_def: BTreeMap<String, SignatureDef>,
} }

message! { GetModelStatusRequest {
    #[prost(message, optional, tag = "1")]
    model_spec: Option<ModelSpec>,
} }

message! { StatusProto {
    #[prost(int32, tag = "1")]
    error_code: i32,
    #[prost(bytes = "vec", tag = "2")]
    error_message: Vec<u8>,
} }

message! { ModelVersionStatus {
    #[prost(int64, tag = "1")]
    version: i64,
    #[prost(int32, tag = "2")]
    state: i32,
    #[prost(message, optional, tag = "3")]
    status: Option<StatusProto>,
} }

message! { GetModelStatusResponse {
    #[prost(message, repeated, tag = "1")]
    model_version_status: Vec<ModelVersionStatus>,
} }
