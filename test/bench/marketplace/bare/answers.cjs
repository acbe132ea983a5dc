// The least that gives the same answers with Express, on a port of its own: a route that looks up bytes that are ready.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const [express, folder, count] = process.argv.slice(2);
const answers = Array.from({ length: Number(count) }, (_, number) => readFileSync(`${folder}/${number}`));
const app = createRequire(express)('express')();
app.disable('x-powered-by');
app.get('/answers/:number', (req, res) => {
  const bytes = answers[Number(req.params.number)];
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', bytes.length);
  res.end(bytes);
});
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
