# What surrounds Fusegate in compose.yaml, all from Debian: nginx, Prometheus and the load generator.
ARG BASE=debian:bookworm
FROM ${BASE}
COPY .ci/packages /packages
RUN /packages install demo && rm -rf /var/lib/apt/lists/*
USER 65532:65532
