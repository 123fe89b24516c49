# consentry as an image: one static binary, no shell, no root.
#   docker build -t consentry .                       the worker and every verb
#   docker build -t consentry-init --target init .    the same beside a shell, for the init step of docker-compose.yml

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG COMMIT=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.commit=${COMMIT}" -o /out/consentry ./cmd/consentry
# The key folder's parent belongs to the user that runs; a named volume takes owner and mode over.
RUN mkdir -m 0700 -p /out/state

FROM busybox:1.37.0-musl AS init
COPY --from=build /out/consentry /usr/local/bin/consentry
COPY --from=build --chown=10001:10001 /out/state /var/lib/consentry
COPY deploy/compose/init.sh /usr/local/bin/consentry-init
USER 10001:10001
ENTRYPOINT ["sh", "/usr/local/bin/consentry-init"]

FROM scratch AS consentry
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/consentry /usr/local/bin/consentry
COPY --from=build --chown=10001:10001 /out/state /var/lib/consentry
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/consentry"]
CMD ["run", "-c", "/etc/consentry/consentry.yaml"]
