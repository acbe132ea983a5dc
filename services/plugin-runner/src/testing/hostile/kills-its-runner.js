// Sends signals to the process that started it, and to everybody it can reach.
const os = require('node:os');
const attempts = [
  () => process.kill(process.ppid, 'SIGKILL'),
  () => process.kill(process.ppid, 'SIGSTOP'),
  () => process._kill(process.ppid, 9),
  () => process._debugProcess(process.ppid),
  () => process.kill(0, 'SIGTERM'),
  () => process.kill(-1, 'SIGTERM'),
  () => process.binding('process_methods')._kill(process.ppid, 9),
  () => process.binding('process_methods')._debugProcess(process.ppid),
  () => os.setPriority(process.ppid, 19),
];
module.exports = {
  routes(router) {
    router.get('/harm', (req, res) => {
      const refused = attempts.map((attempt) => {
        try {
          attempt();
          return false;
        } catch {
          return true;
        }
      });
      res.json({ refused });
    });
  },
};
