//! Generates `crates/canary-proto/src/generated` from `crates/canary-proto/proto`: `canary-protos PROTO_FOLDER OUT`.

use std::{env, error::Error, fs, path::PathBuf};

use protox::{Compiler, prost::Message};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let protos = arguments.next().ok_or("the folder of the .proto files is missing")?;
    let out = arguments.next().ok_or("the folder to write to is missing")?;
    fs::create_dir_all(&out)?;
    let files =
        ["open_inference.proto", "tensorflow_serving.proto", "tensorflow_serving_config.proto"];
    let services = protox::compile(files, [&protos])?;
    // The files of a server's settings are read in the text form, by the names of their fields.
    let mut settings = Compiler::new([&protos])?;
    settings.include_imports(true).open_file("tensorflow_serving_config.proto")?;
    let settings = settings.file_descriptor_set();
    fs::write(out.join("settings.bin"), settings.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(false)
        .client_mod_attribute(".", "#[cfg(feature = \"client\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        // Maps are written in the order of their keys: equal messages have equal bytes.
        .btree_map(".")
        // Arrays and files are shared with the message that they came in, and not copied out of it.
        .bytes(".")
        .out_dir(&out)
        .compile_fds(services)?;
    Ok(())
}
