// The least that keeps a core busy: what a looping plugin does to its neighbours, without the platform's share in it.
process.send('looping', () => {
  for (;;);
});
