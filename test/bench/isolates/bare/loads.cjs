// The least that loads a plugin's file: what an isolate's start and memory are measured against.
require(process.argv[2]);
process.on('disconnect', () => process.exit());
process.send('loaded');
