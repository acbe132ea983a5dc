# RabbitMQ 4.0 from Debian 13, used like the public image: same user id, same data folder, same environment variables.
FROM verifywise-local/debian:trixie

# The user comes first, because Debian's package would give it another id than the public image has.
RUN groupadd --system --gid 999 rabbitmq \
  && useradd --system --uid 999 --gid rabbitmq --home-dir /var/lib/rabbitmq --shell /usr/sbin/nologin rabbitmq \
  && apt-get update \
  && apt-get install --yes --no-install-recommends rabbitmq-server \
  && rm -rf /var/lib/apt/lists/* /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq/rabbitmq-env.conf \
  && install --directory --owner=rabbitmq --group=rabbitmq --mode=0750 /var/lib/rabbitmq \
  && mkdir -p /etc/rabbitmq/conf.d \
  && echo 'loopback_users = none' > /etc/rabbitmq/conf.d/10-defaults.conf

# Debian's program in /usr/sbin insists on being root; the one behind it does not.
ENV PATH=/usr/lib/rabbitmq/bin:$PATH HOME=/var/lib/rabbitmq LANG=C.UTF-8 RABBITMQ_LOGS=-
VOLUME /var/lib/rabbitmq
EXPOSE 5672
USER rabbitmq
CMD ["rabbitmq-server"]
