# The driver of a rollout, `ramp`, as an image: docker build -t canary .
# `cargo run --example in_cluster` prints the manifests that run it as a Job.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p canary-examples --example ramp \
    && strip target/release/examples/ramp

FROM debian:bookworm-slim
# The authorities against which TLS to model servers is verified.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/examples/ramp /usr/local/bin/ramp
USER 65532:65532
ENTRYPOINT ["ramp"]
