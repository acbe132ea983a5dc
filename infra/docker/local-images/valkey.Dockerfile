# Valkey 8 from Debian 13, used like the public image: same user id, same data folder.
FROM verifywise-local/debian:trixie

RUN groupadd --system --gid 999 valkey \
  && useradd --system --uid 999 --gid valkey --home-dir /data --shell /usr/sbin/nologin valkey \
  && apt-get update \
  && apt-get install --yes --no-install-recommends valkey-server valkey-tools \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=valkey --group=valkey --mode=0750 /data

VOLUME /data
WORKDIR /data
EXPOSE 6379
USER valkey
# As in the public image, the network is the guard: a container listens for its neighbours.
CMD ["valkey-server", "--protected-mode", "no"]
