//! Compiles every schema below `schema/` with protox, so that nobody has to install protoc.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("schema");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut schemas = Vec::new();
    collect(&root, &mut schemas)?;
    schemas.sort();
    let descriptors = protox::compile(&schemas, [&root])?;
    // What holds a seed has a `Debug` of its own, which tells nothing of it.
    prost_build::Config::new()
        .bytes(["."])
        .boxed(".argentum.control.v1.ToChild.message.identity")
        .skip_debug([".argentum.control.v1.Identity"])
        .compile_fds(descriptors)?;
    Ok(())
}

fn collect(folder: &Path, schemas: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, schemas)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            schemas.push(path);
        }
    }
    Ok(())
}
