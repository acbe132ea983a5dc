// Asks to be called again in a way that is right, and makes it wrong once that was looked at.
module.exports = {
  onEnable(ctx) {
    const retry = { attempts: 3, backoff: { type: 'fixed', delay: 10 } };
    ctx.on(
      'risk:deleted',
      () => {
        retry.backoff = null;
        throw new Error('and now the retry is broken');
      },
      { retry },
    );
  },
};
