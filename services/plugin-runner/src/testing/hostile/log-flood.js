// Writes more than anybody reads, by every way there is, for two seconds.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'(payload, { logger }) {
      const until = Date.now() + 2_000;
      const write = () => {
        for (let line = 0; line < 500; line += 1) {
          console.log('line', line, 'x'.repeat(1_000));
          logger.error('line', { line, more: { text: 'x'.repeat(1_000) } });
          process.stdout.write(`${'y'.repeat(1_000)}\n`);
          process.stderr.write('z'.repeat(1_000));
        }
        if (Date.now() < until) setImmediate(write);
      };
      write();
    },
  }),
};
