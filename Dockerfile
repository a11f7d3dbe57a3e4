# The driver of a rollout, `canary run`, as an image: docker build -t canary .
# `canary in-cluster` prints the manifests that run it as a Job.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p canary-cli \
    && strip target/release/canary

FROM debian:bookworm-slim
# The authorities against which TLS to model servers is verified.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/canary /usr/local/bin/canary
USER 65532:65532
ENTRYPOINT ["canary", "run"]
