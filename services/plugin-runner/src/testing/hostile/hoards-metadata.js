// Keeps far more metadata than an answer may have, and asks for all of it, again and again.
async function hoard(metadata) {
  const value = 'x'.repeat(250_000);
  const values = Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`k${key}`, value]));
  await Promise.all([1, 2, 3, 4, 5].map((id) => metadata.setMany('risk', id, values)));
  const asked = await Promise.allSettled(Array.from({ length: 50 }, () => metadata.getAllByPlugin()));
  const answers = new Set(asked.map(({ reason }) => reason?.code));
  console.log(`the harm is done: ${[...answers]}`);
}
module.exports = {
  eventHandlers: () => ({ 'risk:deleted': (payload, { metadata }) => void hoard(metadata) }),
};
