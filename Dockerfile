# The driver of a rollout, `canary run`, as an image: docker build -t canary .
# `canary in-cluster` prints the manifests that run it as a Job.
# By their digests, so that every build begins with the same bytes; docs/release.md says how to take newer ones.
FROM rust:1.96-slim-bookworm@sha256:e18a79fc84dfcfc3ab5ba72290398a644c135c97eaa881447fddc354ee4701a3 AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p canary-cli \
    && strip target/release/canary

FROM debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716
# The authorities against which TLS to model servers is verified.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/canary /usr/local/bin/canary
USER 65532:65532
ENTRYPOINT ["canary", "run"]
