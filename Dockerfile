# The gateway in a container.
#
#   docker build -t realtime .
#   docker run -p 8080:8080 --ulimit nofile=1048576:1048576 --stop-timeout 20 \
#       -e REALTIME_APP_ID=shop -e REALTIME_APP_KEY=KEY -e REALTIME_APP_SECRET=SECRET realtime
#
# There is no HEALTHCHECK, which would need a program to ask with: let whoever runs it ask, `GET /up` whether it lives
# and `GET /ready` whether it takes connections.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
# Kept between builds, so what comes of them is taken out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p realtime-server && cp target/release/realtime-server /realtime-server

FROM debian:trixie-slim
# Certificates, for webhooks over TLS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /realtime-server /usr/local/bin/realtime-server
USER 65532:65532
ENV REALTIME_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["realtime-server"]
