// The least that hears a message and answers it.
process.on('disconnect', () => process.exit());
process.on('message', ({ id }) => process.send({ kind: 'answer', id, answer: { errors: [] } }));
process.send('ready');
