// Closes everything its process has open.
const { Server } = require('node:net');
const { close } = Server.prototype;
module.exports = {
  routes(router) {
    router.get('/harm', (req, res) => {
      const { server } = req.socket;
      res.json({ closed: true });
      res.once('finish', () => {
        close.call(server);
        server.closeAllConnections();
      });
    });
  },
};
