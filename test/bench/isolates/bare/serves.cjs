// The least that answers the plugin's route with Express, on a port of its own.
const { createRequire } = require('node:module');
const [express, answers] = process.argv.slice(2);
const app = createRequire(express)('express')();
app.disable('x-powered-by');
require(answers).routes(app);
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
